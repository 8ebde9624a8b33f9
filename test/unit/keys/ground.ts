import { randomBytes } from 'node:crypto'
import type { KeyConfig } from '#server/config.ts'
import type { Clock } from '#server/kernel/clock.ts'
import { type KeyParts, type OpenKeys, openKeys } from '#server/keys/open.ts'
import type { KeyStore, KeyUse, StoredKey } from '#server/keys/ports.ts'

export const DAY_MS = 86_400_000

/** The table `key` in memory, with the rules that the database has. */
export function memoryStore(): KeyStore & { rows: StoredKey[]; readonly written: KeyUse[] } {
  const written: KeyUse[] = []
  const store: ReturnType<typeof memoryStore> = {
    rows: [],
    written,
    all: async () => store.rows.toReversed(),
    async insert(key) {
      if (store.rows.some(({ purpose, state }) => purpose === key.purpose && state === key.state)) return false
      store.rows.push(key)
      return true
    },
    async promote(id, retiresAt) {
      const next = store.rows.find((key) => key.id === id && key.state === 'next')
      if (!next) return false
      store.rows = store.rows.map((key) => {
        if (key.id === id) return { ...key, state: 'active' }
        const replaced = key.purpose === next.purpose && key.state === 'active'
        return replaced ? { ...key, state: 'retiring', retiredAt: retiresAt } : key
      })
      return true
    },
    async retire(id, at) {
      const found = store.rows.find((key) => key.id === id && key.state !== 'active')
      const gone = { wrapped: null, wrappedBy: null, tokenLabel: null } as const
      store.rows = store.rows.map((key) => (key === found ? { ...key, ...gone, state: 'retired', retiredAt: at } : key))
      return found !== undefined
    },
    async rewrap(keys) {
      store.rows = store.rows.map((key) => ({ ...key, ...keys.find(({ id }) => id === key.id) }))
    },
    addUses: async (uses) => void written.push(...uses),
    async uses() {
      const totals = new Map<string, number>()
      for (const { keyId, count } of written) totals.set(keyId, count + (totals.get(keyId) ?? 0))
      return totals
    },
  }
  return store
}

export const configWith = (more: Partial<KeyConfig> = {}): KeyConfig => ({
  ...{ token: undefined, previousMaster: undefined, overlap_ms: 30 * DAY_MS, master: { key: randomBytes(32) } },
  ...more,
})

/** A clock that is moved by hand. */
export function handClock(): Clock & { now: number } {
  const clock = { now: Date.parse('2026-11-23T12:00:00Z'), now_ms: () => clock.now, monotonic_ms: () => clock.now }
  return clock
}

/** What the service said to the log. */
export const warnings = () => {
  const lines: unknown[][] = []
  return { lines, log: { warn: (...line: unknown[]) => void lines.push(line), info: () => {} } as KeyParts['log'] }
}

export const openWith = (parts: Partial<KeyParts> & Pick<KeyParts, 'store'>): Promise<OpenKeys> =>
  openKeys({ config: configWith(), clock: handClock(), log: warnings().log, name: 'Weft test', ...parts })
