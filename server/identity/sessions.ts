import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Right } from '#server/contract/rights.ts'
import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { type Access, accessOf } from './access.ts'
import type { AccountRecord, SessionStore, StoredSession, Whose } from './ports.ts'

/** Who sends a request, as its session says. */
export interface Caller {
  readonly account: AccountRecord
  /** Hash of the session that it came with. */
  readonly session: string
  readonly expiresAt_ms: number
  /** How the session began, such as `password+totp`. */
  readonly method: string
  /** When its person last proved who they are. */
  readonly authenticatedAt_ms: number
  /** What it may do, and where. */
  readonly access: Access
  readonly rights: ReadonlySet<Right>
  /** Whose rows it sees. */
  readonly scope: Whose
}

/** How somebody proved who they are. */
export interface Proof {
  readonly method: string
  readonly providerId?: string | null
  /** When the provider says that they did; now when absent. */
  readonly authenticatedAt_ms?: number
  /** No longer than this. */
  readonly endsAt_ms?: number | null
  /** Where its person worked before they proved it again; where they may not any more, it has no effect. */
  readonly place?: Whose
}

export interface Sessions {
  /** Begins a session; the id is told once and never kept. */
  begin(
    account: AccountRecord,
    from: { address: string; agent: string },
    proof?: Proof,
  ): Promise<{ id: string; caller: Caller }>
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
  const expiresAt_ms = ({ createdAt_ms, seenAt_ms, endsAt_ms }: StoredSession) =>
    Math.min(createdAt_ms + limits.absolute_ms, seenAt_ms + limits.idle_ms, endsAt_ms ?? Number.POSITIVE_INFINITY)
  const callerOf = (account: AccountRecord, session: StoredSession): Caller => {
    const access = accessOf(account.bindings, session)
    const { rights, tenantId, siteId } = access
    const { hash, method, authenticatedAt_ms } = session
    const ends = { expiresAt_ms: expiresAt_ms(session), authenticatedAt_ms, method }
    return { account, session: hash, ...ends, access, rights, scope: { tenantId, siteId } }
  }
  return {
    async begin(account, { address, agent }, proof = { method: 'password' }) {
      const id = randomBytes(ID_BYTES).toString('base64url')
      const now_ms = clock.now_ms()
      const session: StoredSession = {
        ...{ hash: hashOf(id), id: randomUUID(), accountId: account.id, createdAt_ms: now_ms, seenAt_ms: now_ms },
        ...{ address, agent: agent.slice(0, 200), method: proof.method, providerId: proof.providerId ?? null },
        ...{ authenticatedAt_ms: proof.authenticatedAt_ms ?? now_ms, endsAt_ms: proof.endsAt_ms ?? null },
        ...{ tenantId: proof.place?.tenantId ?? null, siteId: proof.place?.siteId ?? null },
      }
      await store.insert(session)
      return { id, caller: callerOf(account, session) }
    },
    async find(id) {
      if (!ID.test(id)) return undefined
      const found = await store.find(hashOf(id))
      const now_ms = clock.now_ms()
      if (!found || expiresAt_ms(found.session) <= now_ms || found.account.state !== 'active') return undefined
      const { account, session } = found
      if (now_ms - session.seenAt_ms < TOUCH_MS) return callerOf(account, session)
      await store.touch(session.hash, now_ms)
      return callerOf(account, { ...session, seenAt_ms: now_ms })
    },
    end: (session) => store.remove(session),
    endOthers: (accountId, session) => store.removeOfAccount(accountId, session),
    prune: () => store.prune(clock.now_ms() - limits.idle_ms, clock.now_ms() - limits.absolute_ms),
  }
}
