import type { Clock } from '#server/kernel/clock.ts'
import type { AccessMoves, AccountRecord, FoundSession, Moved, SessionStore, TokenDirectory } from './ports.ts'

export interface CacheLimits {
  /** Read again after so long, even if nobody said that something moved. */
  readonly kept_ms: number
  /** The ones that were not used for longest leave first. */
  readonly entries: number
}

export const CACHE_LIMITS: CacheLimits = { kept_ms: 5000, entries: 5000 }

interface CacheParts {
  readonly moves: AccessMoves
  readonly clock: Pick<Clock, 'monotonic_ms'>
  readonly limits?: CacheLimits
}

interface Kept<T> {
  readonly found: T
  readonly until_ms: number
}

/**
 * What was found under a hash, remembered until somebody writes it. A read that was under way when something was written is
 * neither kept nor given to whoever asks after the write.
 */
function accessCache<T extends { readonly account: AccountRecord }>(
  kind: 'session' | 'token',
  read: (hash: string) => Promise<T | undefined>,
  { moves, clock, limits = CACHE_LIMITS }: CacheParts,
) {
  const kept = new Map<string, Kept<T>>()
  const reading = new Map<string, Promise<T | undefined>>()
  let writes = 0
  const forgetAccounts = (ids: readonly string[]) => {
    for (const [hash, { found }] of kept) if (ids.includes(found.account.id)) kept.delete(hash)
  }
  const forget = (moved: Moved) => {
    if (moved.kind === 'notice') return
    writes += 1
    reading.clear()
    if (moved.kind === 'anything') kept.clear()
    else if (moved.kind === 'account') forgetAccounts(moved.keys)
    else if (moved.kind === kind) for (const hash of moved.keys) kept.delete(hash)
  }
  const keep = (hash: string, found: T) => {
    kept.delete(hash)
    kept.set(hash, { found, until_ms: clock.monotonic_ms() + limits.kept_ms })
    const [oldest] = kept.keys()
    if (kept.size > limits.entries && oldest !== undefined) kept.delete(oldest)
  }
  async function readAndKeep(hash: string): Promise<T | undefined> {
    const before = writes
    const found = await read(hash)
    if (found && writes === before && moves.attentive) keep(hash, found)
    return found
  }
  moves.subscribe(forget)
  return {
    async find(hash: string): Promise<T | undefined> {
      const held = kept.get(hash)
      if (held && held.until_ms > clock.monotonic_ms() && moves.attentive) {
        kept.delete(hash)
        kept.set(hash, held)
        return held.found
      }
      const begun = reading.get(hash)
      if (begun) return begun
      const read = readAndKeep(hash)
      reading.set(hash, read)
      try {
        return await read
      } finally {
        if (reading.get(hash) === read) reading.delete(hash)
      }
    },
    /** Something of it moved that nobody is told of. */
    revise(hash: string, revised: (found: T) => T): void {
      const held = kept.get(hash)
      if (held) kept.set(hash, { ...held, found: revised(held.found) })
    },
    /** The same of the one that fits. */
    reviseWhere(fits: (found: T) => boolean, revised: (found: T) => T): void {
      for (const [hash, held] of kept) if (fits(held.found)) kept.set(hash, { ...held, found: revised(held.found) })
    },
    forget,
  }
}

/** Sessions as they were found lately: a request that is one of many reads nothing. */
export function cachedSessions(store: SessionStore, parts: CacheParts): SessionStore {
  const cache = accessCache<FoundSession>('session', store.find, parts)
  const written = async <T>(hash: string, write: Promise<T>): Promise<T> => {
    const result = await write
    cache.forget({ kind: 'session', keys: [hash] })
    return result
  }
  return {
    ...store,
    find: cache.find,
    async touch(hash, seen) {
      // First, so that of many requests at once only one writes.
      cache.revise(hash, ({ session, account }) => ({ account, session: { ...session, ...seen } }))
      await store.touch(hash, seen)
    },
    renew: (hash, next) => written(hash, store.renew(hash, next)),
    move: (hash, place) => written(hash, store.move(hash, place)),
    remove: (hash) => written(hash, store.remove(hash)),
    async removeOfAccount(accountId, except) {
      await store.removeOfAccount(accountId, except)
      cache.forget({ kind: 'account', keys: [accountId] })
    },
  }
}

/** The same of tokens. */
export function cachedTokens(tokens: TokenDirectory, parts: CacheParts): TokenDirectory {
  const cache = accessCache('token', tokens.find, parts)
  return {
    ...tokens,
    find: cache.find,
    async touch(id, usedAt_ms, address) {
      cache.reviseWhere(
        ({ token }) => token.id === id,
        ({ account, token }) => ({ account, token: { ...token, usedAt_ms } }),
      )
      await tokens.touch(id, usedAt_ms, address)
    },
  }
}
