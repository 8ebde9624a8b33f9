import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { isAtLeast, type SecondFactor } from '../duties.ts'
import type { AccountRecord } from '../ports.ts'
import type { Checked, SamlReason, Step, Trail } from '../saml/result.ts'
import { checkingLater, refuse } from '../saml/result.ts'
import type { Caller, Proof, Sessions } from '../sessions.ts'
import type { Origin } from '../sign-in.ts'
import type { Admission, Said } from './admission.ts'
import type { ConsoleSessionStore } from './console-ports.ts'
import type { SignInLedger } from './ledger.ts'
import type { ProviderRecord, SignInRequest, SignInRequestStore } from './ports.ts'
import { type Authentication, methodThere, strengthThere, wordsOf } from './strength.ts'
import type { TestOutcome, TestSignIns } from './test-sign-ins.ts'
import { type Begun, isBoundTo, memoryOf, type RequestMemory, type Wish } from './wish.ts'

/** Where a provider's answer comes from. */
export interface AnswerOrigin extends Origin {
  /** The cookie that binds requests to a browser. */
  readonly browser: string | undefined
  /** The session id that came with it, if any: only to end that session. */
  readonly session: string | undefined
}

export type Finished =
  | { readonly kind: 'session'; readonly id: string; readonly caller: Caller; readonly returnTo: string }
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

/** Somebody for whom a provider vouched, in an answer that holds and is used up. */
export interface Arrival {
  readonly provider: ProviderRecord
  readonly said: Said
  /** The request that it answers; undefined: it began at the provider. */
  readonly request: SignInRequest | undefined
  readonly memory: Partial<RequestMemory>
  readonly returnTo: string
  /** When they proved it, as the provider says; for how long it is good. */
  readonly proof: Pick<Proof, 'endsAt_ms'> & { readonly authenticatedAt_ms: number }
  readonly authentication: Authentication
  /** For the audit log. */
  readonly words: string
  /** Writes down what the provider knows the session by. */
  remember(sessionHash: string): Promise<void>
}

export interface EntranceParts {
  readonly requests: Pick<SignInRequestStore, 'consume'>
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

export interface Entrance {
  /** Begins a sign-in by `work`. What is refused is written to the audit log. */
  begin(
    provider: ProviderRecord | undefined,
    wish: Wish,
    address: string,
    work: () => Promise<Checked<Begun>>,
  ): Promise<BeginAnswer>
  /** Takes an answer by `take`, which refuses inside `checkingLater`; who may come in gets a session. */
  finish(from: AnswerOrigin, take: (trail: Trail, seen: Seen) => Promise<Arrival>): Promise<Finished>
}

/** What everybody goes through whom a provider sends, whichever protocol it speaks. */
export function entrance(method: ProviderRecord['protocol'], parts: EntranceParts): Entrance {
  const { admission, sessions, secondFactor, tests, ledger, clock = systemClock } = parts
  const actionOf = (purpose: Wish['purpose'] = 'sign-in'): string =>
    purpose === 'test' ? 'signIn.test' : purpose === 'step-up' ? 'signIn.stepUp' : `signIn.${method}`

  /** How they signed in, where that is enough. Refuses inside `checkingLater`. */
  function proved({ provider, authentication }: Arrival, trail: Trail): string {
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
  async function enter(arrival: Arrival, account: AccountRecord, from: AnswerOrigin, how: string) {
    const { provider, memory, proof, returnTo } = arrival
    const { id, caller } = await sessions.begin(account, from, {
      ...{ method: how, providerId: provider.id, endsAt_ms: proof.endsAt_ms ?? null },
      // Its clock may be ahead: nobody has proved anything in the future.
      authenticatedAt_ms: Math.min(proof.authenticatedAt_ms, clock.now_ms()),
      ...(memory.place && { place: memory.place }),
    })
    try {
      await arrival.remember(caller.session)
    } catch (error) {
      // A session that its provider could not end must not be.
      await sessions.end(caller.session)
      throw error
    }
    const there = from.session === undefined ? undefined : await sessions.find(from.session)
    for (const old of new Set([memory.session, there?.session])) {
      if (old === undefined) continue
      await parts.consoleSessions.follow(old, caller.session)
      await sessions.end(old)
    }
    return { kind: 'session', id, caller, returnTo } as const
  }

  async function tryOnly({ provider, said }: Arrival, steps: readonly Step[]): Promise<TestOutcome> {
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
        const how = proved(arrival, trail)
        if (arrival.request?.purpose === 'test') return { arrival }
        const admitted = await admission.admit(arrival.provider, arrival.said)
        account = admitted.account
        if (!admitted.ok) return refuse(admitted.reason, admitted.detail)
        if (arrival.request?.purpose === 'step-up' && admitted.account.id !== arrival.request.accountId)
          refuse('other-account', `${admitted.account.name} came back instead of who went.`)
        return { arrival, entered: await enter(arrival, admitted.account, from, how) }
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
      await ledger.done({ ...event, detail: arrival.words })
      if (entered) return entered
      tests.keep(arrival.memory.test ?? '', await tryOnly(arrival, checked.steps))
      return { kind: 'test' }
    },
  }
}
