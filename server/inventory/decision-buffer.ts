import type { Decision } from '#server/identity/ports.ts'
import type { Clock } from '#server/kernel/clock.ts'

const HOUR_MS = 3_600_000

/** A decision on its way to the database, or several that are alike. */
export interface WaitingDecision extends Decision {
  readonly at_ms: number
  lastAt_ms: number
  count: number
  /** What those that share a row have in common; null: a row of its own. */
  readonly alike: string | null
}

export interface DecisionBufferLimits {
  /** Rows that wait at most, of those that stand alone and of those that are shared. */
  readonly rows: number
}

/** Reads are many, and mostly the same: a console that polls asks for the same right every few seconds. */
export const isShared = ({ kind, allowed }: Decision) => kind === 'read' && allowed

/**
 * Keeps decisions until they are written. Reads that were let in share a row for an hour: who, where, from which address,
 * what, and why. Bounded: beyond that they are counted and not kept, so that no call is held up for what is said of it.
 */
export function decisionBuffer({ rows }: DecisionBufferLimits, { now_ms }: Pick<Clock, 'now_ms'>) {
  let alone: WaitingDecision[] = []
  let shared = new Map<string, WaitingDecision>()
  let lost = 0

  function share(decision: Decision, at_ms: number): void {
    const { accountId, account, tenantId, address, procedure, right, because } = decision
    const hour = Math.floor(at_ms / HOUR_MS)
    const alike = `${hour}\n${accountId}\n${account}\n${tenantId}\n${address}\n${procedure}\n${right}\n${because}`
    const row = shared.get(alike)
    if (row) {
      row.count += 1
      row.lastAt_ms = at_ms
    } else if (shared.size >= rows) lost += 1
    else shared.set(alike, { ...decision, at_ms, lastAt_ms: at_ms, count: 1, alike })
  }

  return {
    add(decision: Decision): void {
      const at_ms = now_ms()
      if (isShared(decision)) share(decision, at_ms)
      else if (alone.length >= rows) lost += 1
      else alone.push({ ...decision, at_ms, lastAt_ms: at_ms, count: 1, alike: null })
    },
    /** Everything that waits, and how many were not kept; it then holds nothing. */
    take(): { readonly rows: readonly WaitingDecision[]; readonly lost: number } {
      const taken = { rows: [...alone, ...shared.values()], lost }
      alone = []
      shared = new Map()
      lost = 0
      return taken
    },
  }
}
