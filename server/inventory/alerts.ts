import { BREAK_GLASS_ACTION, RECOVERY_ACTION } from '#server/identity/break-glass.ts'
import type { Database } from './database.ts'

/** Something that operators must see: how often it happened, and the last time in words. */
export interface Alert {
  readonly kind: 'break-glass' | 'recovery'
  readonly detail: string
  readonly times: number
  readonly last_ms: number
}

interface AlertRow {
  readonly action: string
  readonly detail: string
  readonly times: number
  readonly last: Date
}

/**
 * Uses of each break-glass account since then, and recoveries, the last one first. Where no identity provider signs
 * operators in, local accounts are the only way in: their use is nothing to be alarmed by.
 */
export async function recentAlerts({ engine }: Pick<Database, 'engine'>, since_ms: number): Promise<Alert[]> {
  const { rows } = await engine.query<AlertRow>(
    `SELECT action, (array_agg(detail ORDER BY at DESC))[1] AS detail, count(*)::int AS times, max(at) AS last
     FROM audit WHERE at > $1 AND (action = $3 OR (action = $2 AND EXISTS (SELECT 1 FROM identity_provider WHERE tenant_id IS NULL)))
     GROUP BY action, subject ORDER BY last DESC LIMIT 10`,
    [new Date(since_ms), BREAK_GLASS_ACTION, RECOVERY_ACTION],
  )
  return rows.map(({ action, last, ...alert }) => ({
    ...{ ...alert, kind: action === RECOVERY_ACTION ? 'recovery' : 'break-glass', last_ms: last.getTime() },
  }))
}
