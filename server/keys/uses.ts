import type { Clock } from '#server/kernel/clock.ts'
import type { KeyStore, KeyUse } from './ports.ts'

/** Counts uses of keys in memory and writes them from time to time: one row for a key, a day and an operation. */
export function countUses(store: Pick<KeyStore, 'addUses' | 'uses'>, clock: Clock) {
  let pending = new Map<string, KeyUse>()

  const add = (use: KeyUse) => {
    const name = `${use.keyId} ${use.day} ${use.operation}`
    pending.set(name, { ...use, count: use.count + (pending.get(name)?.count ?? 0) })
  }

  return {
    note(keyId: string, operation: string): void {
      add({ keyId, operation, day: new Date(clock.now_ms()).toISOString().slice(0, 10), count: 1 })
    },
    /** Writes what was counted since; what cannot be written is kept for the next time. */
    async flush(): Promise<void> {
      if (pending.size === 0) return
      const batch = [...pending.values()]
      pending = new Map()
      await store.addUses(batch).catch((error: unknown) => {
        for (const use of batch) add(use)
        throw error
      })
    },
    /** Uses of each key: those that are written, and those that are not yet. */
    async totals(): Promise<ReadonlyMap<string, number>> {
      const totals = new Map(await store.uses())
      for (const { keyId, count } of pending.values()) totals.set(keyId, count + (totals.get(keyId) ?? 0))
      return totals
    },
  }
}
export type UseCounter = ReturnType<typeof countUses>
