import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { isAtLeast, type SecondFactor } from '../duties.ts'
import type { AccountRecord, Whence } from '../ports.ts'
import type { Checked, SamlReason, Step, Trail } from '../saml/result.ts'
import { checkingLater, refuse } from '../saml/result.ts'
import type { Caller, Sessions } from '../sessions.ts'
import type { Admission } from './admission.ts'
import { isUnbidden, keepArrival } from './arrival-keep.ts'
import type { Arrival, ArrivalStore, KeptArrival, Proved } from './arrival-ports.ts'
import type { ConsoleSessionStore } from './console-ports.ts'
import type { SignInLedger } from './ledger.ts'
import type { ProviderRecord, SignInRequest, SignInRequestStore } from './ports.ts'
import { methodThere, strengthThere, wordsOf } from './strength.ts'
import type { TestOutcome, TestSignIns } from './test-sign-ins.ts'
import { type Begun, isBoundTo, memoryOf, refuseClosed, type Wish } from './wish.ts'

/** Of somebody who is asked first whether they want to come in. */
const ARRIVAL = 'signIn.arrival'

/** Where a provider's answer comes from. */
export interface AnswerOrigin extends Whence {
  /** The cookie that binds requests to a browser. */
  readonly browser: string | undefined
  /** The session id that came with it, if any: only to end that session. */
  readonly session: string | undefined
}

export type Finished =
  | { readonly kind: 'session'; readonly id: string; readonly caller: Caller; readonly returnTo: string }
  /** At the door: a page asks its person first, in the browser with this cookie. */
  | { readonly kind: 'arrival'; readonly id: string; readonly browser: string }
  /** A test sign-in: its outcome is kept for whoever tests. */
  | { readonly kind: 'test' }
  /** A console's sign-in that failed: what began it goes on, and tells the console. */
  | { readonly kind: 'proxy'; readonly returnTo: string; readonly reason: SamlReason; readonly reference: string }
  | { readonly kind: 'refused'; readonly reason: SamlReason; readonly reference: string }

/** What came to light while an answer was looked at, whether or not it holds. */
export interface Seen {
  provider?: ProviderRecord
  /** The request that it says it answers. Nothing is proved by that. */
  request?: SignInRequest
  /** Whom the provider names: proved. */
  subject?: string
}

/** How a protocol's providers know sessions. */
export interface Protocol<K> {
  readonly method: ProviderRecord['protocol']
  /** Writes down what the provider knows the session by. */
  remember(provider: ProviderRecord, sessionHash: string, known: K): Promise<void>
  /** Refuses (inside `checkingLater`) what the provider has ended since. */
  refuseEnded(provider: ProviderRecord, known: K): Promise<void>
}

export interface EntranceParts {
  readonly requests: Pick<SignInRequestStore, 'consume'>
  readonly arrivals: Pick<ArrivalStore, 'insert'>
  readonly admission: Admission
  readonly sessions: Sessions
  /** What sign-in has to prove at least. */
  readonly secondFactor: SecondFactor
  readonly consoleSessions: Pick<ConsoleSessionStore, 'follow'>
  readonly tests: TestSignIns
  readonly ledger: SignInLedger
  readonly clock?: Clock
}

export type BeginAnswer =
  | ({ readonly ok: true } & Begun)
  | { readonly ok: false; readonly reason: SamlReason; readonly reference: string }

export interface Entrance<K> {
  /** Begins a sign-in by `work`. What is refused is written to the audit log. */
  begin(
    provider: ProviderRecord | undefined,
    wish: Wish,
    address: string,
    work: () => Promise<Checked<Begun>>,
  ): Promise<BeginAnswer>
  /** Takes an answer by `take`, which refuses inside `checkingLater`; who may come in gets a session, or is asked first. */
  finish(from: AnswerOrigin, take: (trail: Trail, seen: Seen) => Promise<Arrival<K>>): Promise<Finished>
  /** Lets somebody in who waited at the door, if all that was found of them still holds. */
  resume(arrival: KeptArrival, provider: ProviderRecord, from: AnswerOrigin): Promise<Finished>
}

/** What everybody goes through whom a provider sends, whichever protocol it speaks. */
export function entrance<K>(protocol: Protocol<K>, parts: EntranceParts): Entrance<K> {
  const { method } = protocol
  const { admission, sessions, secondFactor, tests, ledger, clock = systemClock } = parts
  const actionOf = (purpose: Wish['purpose'] = 'sign-in'): string =>
    purpose === 'test' ? 'signIn.test' : purpose === 'step-up' ? 'signIn.stepUp' : `signIn.${method}`

  /** How they signed in, where that is enough. Refuses inside `checkingLater`. */
  function howOf(provider: ProviderRecord, { authentication }: Proved<K>, trail: Trail): string {
    const strength = strengthThere(provider.options, authentication)
    const how = provider.options.secondFactor ? 'As is declared of the provider' : `By ${wordsOf(authentication)}`
    if (!isAtLeast(strength, secondFactor))
      refuse(
        'second-factor',
        `${how}, which is less than is asked for here (${secondFactor}). Have the provider ask for more and say so, or declare it by its option secondFactor.`,
      )
    if (secondFactor !== 'optional') trail.pass('second-factor', `${how}, which is as much as is asked for here.`)
    return methodThere(method, strength)
  }

  /** A session for somebody who was let in; the ones that it follows end. */
  async function enter(
    provider: ProviderRecord,
    proved: Proved<K>,
    account: AccountRecord,
    from: AnswerOrigin,
    how: string,
  ) {
    const { memory, proof, returnTo, known } = proved
    const { id, caller } = await sessions.begin(account, from, {
      ...{ method: how, providerId: provider.id, endsAt_ms: proof.endsAt_ms },
      // Its clock may be ahead: nobody has proved anything in the future.
      authenticatedAt_ms: Math.min(proof.authenticatedAt_ms, clock.now_ms()),
      ...(memory.place && { place: memory.place }),
    })
    try {
      await protocol.remember(provider, caller.session, known)
    } catch (error) {
      // A session that its provider could not end must not be.
      await sessions.end(caller.session)
      throw error
    }
    const there = from.session === undefined ? undefined : await sessions.find(from.session, from)
    for (const old of new Set([memory.session, there?.session])) {
      if (old === undefined) continue
      await parts.consoleSessions.follow(old, caller.session)
      await sessions.end(old)
    }
    return { kind: 'session', id, caller, returnTo } as const
  }

  async function tryOnly({ provider, said }: Arrival<K>, steps: readonly Step[]): Promise<TestOutcome> {
    const weighed = await admission.weigh(provider, said)
    const { attributes } = said
    if (!weighed.ok) {
      const { reason, detail } = weighed
      const step = { check: reason, passed: false, words: detail }
      return { state: 'refused', reason, steps: [...steps, step], subject: null, attributes, granted: null }
    }
    const { vouched, granted } = weighed
    return { state: 'passed', reason: null, steps, subject: vouched.subject, attributes, granted }
  }

  /** A failed answer to a request that this browser made: whoever began it is told, and the request is over. */
  async function settle(
    { request }: Seen,
    { reason, steps }: Extract<Checked<never>, { ok: false }>,
    reference: string,
    browser: string | undefined,
  ): Promise<Finished | undefined> {
    if (!request || (request.purpose !== 'test' && request.purpose !== 'proxy') || !isBoundTo(request, browser))
      return undefined
    await parts.requests.consume(request.id, request.providerId, clock.now_ms())
    if (request.purpose === 'proxy') return { kind: 'proxy', returnTo: request.returnTo, reason, reference }
    const outcome = { subject: null, attributes: {}, granted: null }
    tests.keep(memoryOf(request).test ?? '', { state: 'refused', reason, steps, ...outcome })
    return { kind: 'test' }
  }

  return {
    async begin(provider, { purpose }, address, work) {
      const begun = await work()
      if (begun.ok) return { ok: true, ...begun.value }
      const { reason, detail } = begun
      const reference = await ledger.refused({ action: actionOf(purpose), address, provider, detail, reason })
      return { ok: false, reason, reference }
    },
    async finish(from, take) {
      const seen: Seen = {}
      const { address, browser } = from
      let account: AccountRecord | undefined
      const checked = await checkingLater(async (trail) => {
        const arrival = await take(trail, seen)
        const how = howOf(arrival.provider, arrival, trail)
        if (arrival.request?.purpose === 'test') return { arrival }
        const admitted = await admission.admit(arrival.provider, arrival.said)
        account = admitted.account
        if (!admitted.ok) return refuse(admitted.reason, admitted.detail)
        if (arrival.request?.purpose === 'step-up' && admitted.account.id !== arrival.request.accountId)
          refuse('other-account', `${admitted.account.name} came back instead of who went.`)
        if (isUnbidden(arrival, admitted.account)) {
          const kept = await keepArrival(parts.arrivals, arrival, admitted.account, browser, clock.now_ms())
          return { arrival, entered: { kind: 'arrival', ...kept } as const }
        }
        return { arrival, entered: await enter(arrival.provider, arrival, admitted.account, from, how) }
      })
      const event = {
        ...{ action: actionOf(seen.request?.purpose), address, provider: seen.provider, account },
        subject: seen.subject?.slice(0, 200),
      }
      if (!checked.ok) {
        const { reason, detail } = checked
        const reference = await ledger.refused({ ...event, detail, reason })
        return (await settle(seen, checked, reference, browser)) ?? { kind: 'refused', reason, reference }
      }
      const { arrival, entered } = checked.value
      const waits = entered?.kind === 'arrival'
      const done = waits ? { action: ARRIVAL, detail: `${arrival.words} Asked first.` } : { detail: arrival.words }
      await ledger.done({ ...event, ...done })
      if (entered) return entered
      tests.keep(arrival.memory.test ?? '', await tryOnly(arrival, checked.steps))
      return { kind: 'test' }
    },
    async resume({ proved, account: who, unsolicited }, provider, from) {
      let account: Pick<AccountRecord, 'id' | 'name' | 'tenantId'> = who
      const checked = await checkingLater(async (trail) => {
        refuseClosed(provider, undefined)
        if (unsolicited && !provider.options.allowUnsolicited)
          refuse('unsolicited', 'The provider may not begin sign-ins any more.')
        await protocol.refuseEnded(provider, proved.known as K)
        const how = howOf(provider, proved as Proved<K>, trail)
        const admitted = await admission.admit(provider, proved.said)
        account = admitted.account ?? who
        if (!admitted.ok) return refuse(admitted.reason, admitted.detail)
        return enter(provider, proved as Proved<K>, admitted.account, from, how)
      })
      const event = { action: actionOf(), address: from.address, provider, account }
      if (checked.ok) {
        await ledger.done({ ...event, detail: 'Began elsewhere; its person said here that they want to come in.' })
        return checked.value
      }
      const { reason, detail } = checked
      return { kind: 'refused', reason, reference: await ledger.refused({ ...event, detail, reason }) }
    },
  }
}
