import { createHash, randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '#server/kernel/clock.ts'
import type { LocalAccount, SessionStore, StoredSession } from './ports.ts'

/** Who sends a request, as its session says. */
export interface Caller {
  readonly account: LocalAccount
  /** Hash of the session that it came with. */
  readonly session: string
  readonly expiresAt_ms: number
}

export interface Sessions {
  /** Begins a session; the id is told once and never kept. */
  begin(account: LocalAccount, from: { address: string; agent: string }): Promise<{ id: string; caller: Caller }>
  /** Who has the id; undefined when it is unknown, was ended, or is too old. */
  find(id: string): Promise<Caller | undefined>
  end(session: string): Promise<void>
  /** Ends all sessions of an account but one. */
  endOthers(accountId: string, session: string): Promise<void>
  /** Removes the ones that nobody can use any more. */
  prune(): Promise<number>
}

export interface SessionLimits {
  /** Ends when it is not used for so long … */
  readonly idle_ms: number
  /** … and in any case so long after it began. */
  readonly absolute_ms: number
}

const ID_BYTES = 32
/** Use is written down this often at most: a page that polls must not write with each request. */
const TOUCH_MS = 60_000
const ID = /^[A-Za-z0-9_-]{43}$/

const hashOf = (id: string) => createHash('sha256').update(id).digest('hex')

/** Sessions kept by the server: 256 random bits at the client, their hash in the store. */
export function sessionKeeper(store: SessionStore, limits: SessionLimits, clock: Clock = systemClock): Sessions {
  const expiresAt_ms = ({ createdAt_ms, seenAt_ms }: StoredSession) =>
    Math.min(createdAt_ms + limits.absolute_ms, seenAt_ms + limits.idle_ms)
  return {
    async begin(account, { address, agent }) {
      const id = randomBytes(ID_BYTES).toString('base64url')
      const now_ms = clock.now_ms()
      const session: StoredSession = {
        ...{ hash: hashOf(id), accountId: account.id, createdAt_ms: now_ms, seenAt_ms: now_ms },
        ...{ address, agent: agent.slice(0, 200) },
      }
      await store.insert(session)
      return { id, caller: { account, session: session.hash, expiresAt_ms: expiresAt_ms(session) } }
    },
    async find(id) {
      if (!ID.test(id)) return undefined
      const found = await store.find(hashOf(id))
      const now_ms = clock.now_ms()
      if (!found || expiresAt_ms(found.session) <= now_ms) return undefined
      const { account, session } = found
      if (now_ms - session.seenAt_ms < TOUCH_MS)
        return { account, session: session.hash, expiresAt_ms: expiresAt_ms(session) }
      await store.touch(session.hash, now_ms)
      return { account, session: session.hash, expiresAt_ms: expiresAt_ms({ ...session, seenAt_ms: now_ms }) }
    },
    end: (session) => store.remove(session),
    endOthers: (accountId, session) => store.removeOfAccount(accountId, session),
    prune: () => store.prune(clock.now_ms() - limits.idle_ms, clock.now_ms() - limits.absolute_ms),
  }
}
