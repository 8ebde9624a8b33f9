import { BREAK_GLASS_ACTION } from '#server/identity/break-glass.ts'
import type { Database } from './database.ts'

/** Sign-ins with one break-glass account. */
export interface BreakGlassUse {
  readonly accountId: string
  readonly name: string
  readonly address: string
  readonly times: number
  readonly last_ms: number
}

/**
 * Uses of break-glass accounts since then, the last one first; none where no identity provider signs operators in, since
 * there is no other way in to be down then.
 */
export async function breakGlassUses({ engine }: Pick<Database, 'engine'>, since_ms: number): Promise<BreakGlassUse[]> {
  const { rows } = await engine.query<{ accountId: string; name: string; address: string; times: number; last: Date }>(
    `SELECT actor_id AS "accountId", (array_agg(actor ORDER BY at DESC))[1] AS name,
       (array_agg(address ORDER BY at DESC))[1] AS address, count(*)::int AS times, max(at) AS last
     FROM audit WHERE action = $1 AND at > $2 AND actor_id IS NOT NULL
       AND EXISTS (SELECT 1 FROM identity_provider WHERE tenant_id IS NULL)
     GROUP BY actor_id ORDER BY last DESC LIMIT 10`,
    [BREAK_GLASS_ACTION, new Date(since_ms)],
  )
  return rows.map(({ last, ...use }) => ({ ...use, last_ms: last.getTime() }))
}
