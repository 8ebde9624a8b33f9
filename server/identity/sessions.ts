import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Right } from '#server/contract/rights.ts'
import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { brokenRules, type Refusal } from '#server/kernel/refusal.ts'
import { type Access, accessOf, nameOfPlace, placesOf, samePlace } from './access.ts'
import { type InContext, judge, judgeOnce } from './context/judge.ts'
import { provedIn, shownAgent } from './context/signals.ts'
import { type Duty, owedBy, type SecondFactor } from './duties.ts'
import type {
  AccessMoves,
  AccountRecord,
  FoundSession,
  Lifetimes,
  Moved,
  SessionStore,
  StoredSession,
  Whence,
  Whose,
} from './ports.ts'

/** Who sends a request, as its session says. */
export interface Caller extends InContext {
  /** Hash of the session that it came with; empty with a token. */
  readonly session: string
  readonly expiresAt_ms: number
  /** How the session began, such as `password+totp`. */
  readonly method: string
  /** When its person last proved who they are. */
  readonly authenticatedAt_ms: number
  /** Until then that counts for dangerous acts, unless there are signals; a token carries the right by itself. */
  readonly freshUntil_ms: number
  /** What has to be settled before it is good for anything else. */
  readonly owes: readonly Duty[]
  /** What it may do, and where. */
  readonly access: Access
  readonly rights: ReadonlySet<Right>
  /** Whose rows it sees. */
  readonly scope: Whose
  /** The API token that it came with instead of a session. */
  readonly token?: { readonly id: string; readonly name: string; readonly rights: ReadonlySet<Right> }
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
  begin(account: AccountRecord, from: Whence, proof?: Proof): Promise<{ id: string; caller: Caller }>
  /**
   * Who has the id; undefined when it is unknown, was ended, or is too old. `from`: what roles with conditions, and changes
   * since the last proof, are judged by; without it no such role counts.
   */
  find(id: string, from?: Whence): Promise<Caller | undefined>
  /** The same without using it: what only listens does not keep a session from being idle. */
  look(id: string, from?: Whence): Promise<Caller | undefined>
  /** Goes on in another place of the same person. Throws `Refusal` (`rule`) where they have none. */
  move(caller: Caller, place: Whose): Promise<Caller>
  /**
   * Goes on under a new id, after its person proved anew who they are; the old id is nobody's from then on. Undefined when
   * the session ended meanwhile.
   */
  renew(caller: Caller, method: string, from: Whence): Promise<{ id: string; caller: Caller } | undefined>
  end(session: string): Promise<void>
  /** Ends all sessions of an account but one. */
  endOthers(accountId: string, session: string): Promise<void>
  /** Calls `told` whenever the session may have ended, or its person may have got other rights. Answers what ends that. */
  watch(caller: Caller, told: () => void): () => void
  /** When a session ends unless it is used. */
  expiresAt_ms(session: StoredSession): number
  /** Sessions that count now. */
  alive(): Lifetimes
  /** Removes the ones that nobody can use any more. */
  prune(): Promise<number>
}

export interface SessionLimits {
  /** Ends when it is not used for so long … */
  readonly idle_ms: number
  /** … and in any case so long after it began. */
  readonly absolute_ms: number
  /** How long a proof of who somebody is counts for dangerous acts. */
  readonly fresh_ms: number
  /** What sign-in has to prove at least. */
  readonly secondFactor: SecondFactor
}

/** Told of a session that was ended since somebody else seems to have come by it. */
export type TakenSink = (found: FoundSession, from: Whence) => Promise<void>

/** When nobody else writes. */
const NEVER: AccessMoves = { attentive: true, subscribe: () => () => {} }

const ID_BYTES = 32
/** Use is written down this often at most: a page that polls must not write with each request. */
const TOUCH_MS = 60_000
const ID = /^[A-Za-z0-9_-]{43}$/

const notOneOf = ({ name, bindings }: AccountRecord): Refusal =>
  brokenRules([
    {
      ...{ pointer: '', rule: 'session.place', message: `${name} has no role there.` },
      mend: `Choose one of ${placesOf(bindings).map(nameOfPlace).join(', ') || 'none'}.`,
    },
  ])

const hashOf = (id: string) => createHash('sha256').update(id).digest('hex')

const newId = () => randomBytes(ID_BYTES).toString('base64url')

const concerns = (moved: Moved, { account, session }: Caller): boolean => {
  if (moved.kind === 'anything') return true
  if (moved.kind === 'notice') return false
  if (moved.kind === 'account') return moved.keys.includes(account.id)
  // A token's own hash is not known here.
  return moved.kind === 'session' ? moved.keys.includes(session) : session === ''
}

/** Sessions kept by the server: 256 random bits at the client, their hash in the store. */
export function sessionKeeper(
  store: SessionStore,
  limits: SessionLimits,
  clock: Clock = systemClock,
  moves: AccessMoves = NEVER,
  onTaken: TakenSink = async () => {},
): Sessions {
  const expiresAt_ms = ({ createdAt_ms, seenAt_ms, endsAt_ms }: StoredSession) =>
    Math.min(createdAt_ms + limits.absolute_ms, seenAt_ms + limits.idle_ms, endsAt_ms ?? Number.POSITIVE_INFINITY)
  const callerOf = (found: FoundSession, from: Whence | undefined, now_ms: number) => {
    const { session } = found
    const { taken, ...context } = judge(found, from, now_ms)
    const access = accessOf(context.account.bindings, session)
    const { rights, tenantId, siteId } = access
    const { hash, method, authenticatedAt_ms } = session
    const ends = { expiresAt_ms: expiresAt_ms(session), authenticatedAt_ms, method }
    const freshUntil_ms = authenticatedAt_ms + limits.fresh_ms
    const owes = owedBy(method, found.account.passwordEndsAt_ms, limits.secondFactor)
    const caller: Caller = {
      ...{ ...context, session: hash, ...ends, freshUntil_ms, owes, access, rights },
      scope: { tenantId, siteId },
    }
    return { caller, taken }
  }
  const callerFor = judgeOnce(callerOf)
  const begun = (found: FoundSession, from: Whence) => callerOf(found, from, clock.now_ms()).caller
  const living = async (id: string): Promise<FoundSession | undefined> => {
    const found = ID.test(id) ? await store.find(hashOf(id)) : undefined
    const ended = !found || expiresAt_ms(found.session) <= clock.now_ms() || found.account.state !== 'active'
    return ended ? undefined : found
  }
  const look = async (id: string, from: Whence | undefined) => {
    const found = await living(id)
    if (!found) return undefined
    const { caller, taken } = callerFor(found, from, clock.now_ms())
    if (!taken || !from) return { found, caller }
    await store.remove(caller.session)
    await onTaken(found, from)
    return undefined
  }
  return {
    async begin(account, from, proof = { method: 'password' }) {
      const id = newId()
      const now_ms = clock.now_ms()
      const agent = shownAgent(from.agent)
      const session: StoredSession = {
        ...{ hash: hashOf(id), id: randomUUID(), accountId: account.id, createdAt_ms: now_ms, seenAt_ms: now_ms },
        ...{ address: from.address, agent, method: proof.method, providerId: proof.providerId ?? null },
        ...{ provedNetworks: provedIn([], from.address), provedAgent: agent },
        ...{ authenticatedAt_ms: proof.authenticatedAt_ms ?? now_ms, endsAt_ms: proof.endsAt_ms ?? null },
        ...{ tenantId: proof.place?.tenantId ?? null, siteId: proof.place?.siteId ?? null },
      }
      await store.insert(session)
      return { id, caller: begun({ account, session }, from) }
    },
    async find(id, from) {
      const looked = await look(id, from)
      const now_ms = clock.now_ms()
      if (!looked || now_ms - looked.found.session.seenAt_ms < TOUCH_MS) return looked?.caller
      const { account, session } = looked.found
      const { address, agent } = from ?? session
      const seen = { seenAt_ms: now_ms, address, agent: shownAgent(agent) }
      await store.touch(session.hash, seen)
      return callerOf({ account, session: { ...session, ...seen } }, from, now_ms).caller
    },
    async look(id, from) {
      return (await look(id, from))?.caller
    },
    async move(caller, place) {
      const { account, session } = caller
      const chosen = placesOf(account.bindings).find((one) => samePlace(one, place))
      if (!chosen) throw notOneOf(account)
      await store.move(session, chosen)
      const access = accessOf(account.bindings, chosen)
      const scope = { tenantId: chosen.tenantId, siteId: chosen.siteId }
      return { ...caller, access, rights: access.rights, scope }
    },
    async renew(caller, method, from) {
      const held = await store.find(caller.session)
      if (!held) return undefined
      const id = newId()
      const [now_ms, agent] = [clock.now_ms(), shownAgent(from.agent)]
      const next = {
        ...{ hash: hashOf(id), method, authenticatedAt_ms: now_ms, seenAt_ms: now_ms, address: from.address, agent },
        ...{ provedNetworks: provedIn(held.session.provedNetworks, from.address), provedAgent: agent },
      }
      if (!(await store.renew(caller.session, next))) return undefined
      const found = await store.find(next.hash)
      return found && { id, caller: begun(found, from) }
    },
    end: (session) => store.remove(session),
    endOthers: (accountId, session) => store.removeOfAccount(accountId, session),
    watch: (caller, told) =>
      moves.subscribe((moved) => {
        if (concerns(moved, caller)) told()
      }),
    expiresAt_ms,
    alive() {
      const now_ms = clock.now_ms()
      return { seenSince_ms: now_ms - limits.idle_ms, begunSince_ms: now_ms - limits.absolute_ms, now_ms }
    },
    prune: () => store.prune(clock.now_ms() - limits.idle_ms, clock.now_ms() - limits.absolute_ms),
  }
}
