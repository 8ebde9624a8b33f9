import { type Clock, systemClock } from '#server/kernel/clock.ts'
import type { AccountRecord } from '../ports.ts'
import type { Checked, SamlReason, Step } from '../saml/result.ts'
import { checkingLater, refuse } from '../saml/result.ts'
import type { Caller, Sessions } from '../sessions.ts'
import type { Origin } from '../sign-in.ts'
import type { Admission } from './admission.ts'
import type { SignInLedger } from './ledger.ts'
import type { ProviderRecord, SamlSessionStore, SignInRequestStore } from './ports.ts'
import { type BeginParts, type Begun, beginSaml, type Wish } from './saml-begin.ts'
import {
  type Answered,
  isBoundTo,
  memoryOf,
  type PostFields,
  type ResponseParts,
  type Seen,
  saidBy,
  takeResponse,
} from './saml-finish.ts'
import type { TestOutcome, TestSignIns } from './test-sign-ins.ts'

/** Where a posted response comes from. */
export interface PostOrigin extends Origin {
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

export interface SamlSignInParts extends BeginParts, ResponseParts {
  readonly requests: SignInRequestStore
  readonly samlSessions: Pick<SamlSessionStore, 'insert'>
  readonly admission: Admission
  readonly sessions: Sessions
  readonly tests: TestSignIns
  readonly ledger: SignInLedger
  readonly clock?: Clock
}

export interface SamlSignIn {
  /** A request to a provider; undefined: one that is not known. What is refused is written to the audit log. */
  begin(
    provider: ProviderRecord | undefined,
    wish: Wish,
    address: string,
  ): Promise<
    ({ readonly ok: true } & Begun) | { readonly ok: false; readonly reason: SamlReason; readonly reference: string }
  >
  /** What a provider made the browser post. */
  finish(fields: PostFields, from: PostOrigin): Promise<Finished>
}

type Entered = Extract<Finished, { kind: 'session' }>

const actionOf = (purpose: Wish['purpose'] = 'sign-in'): string =>
  purpose === 'test' ? 'signIn.test' : purpose === 'step-up' ? 'signIn.stepUp' : 'signIn.saml'

const wordsOf = ({ identity, request }: Answered): string =>
  [
    request ? `Answers a request (${request.purpose}).` : 'Began at the provider.',
    identity.encrypted ? 'Encrypted.' : 'Not encrypted.',
    `Signed: ${identity.signed.join(' and ')}.`,
  ].join(' ')

/** Sign-in through SAML identity providers. */
export function samlSignIn(parts: SamlSignInParts): SamlSignIn {
  const { admission, sessions, samlSessions, tests, ledger, clock = systemClock } = parts
  const begin = beginSaml(parts)

  /** A session for somebody who was let in; the ones that it follows end. */
  async function enter(answered: Answered, account: AccountRecord, from: PostOrigin): Promise<Entered> {
    const { provider, identity, memory, returnTo } = answered
    const { nameId, sessionIndex = '', authnContext, authnInstant_ms, sessionNotOnOrAfter_ms } = identity
    const { id, caller } = await sessions.begin(account, from, {
      ...{ method: 'saml', providerId: provider.id, endsAt_ms: sessionNotOnOrAfter_ms ?? null },
      // Its clock may be ahead: nobody has proved anything in the future.
      authenticatedAt_ms: Math.min(authnInstant_ms, clock.now_ms()),
      ...(memory.place && { place: memory.place }),
    })
    try {
      const { authenticatingAuthorities: authorities, proxyCount = null } = identity
      const known = { nameId, sessionIndex, authnContext, authnInstant_ms, authorities, proxyCount }
      await samlSessions.insert({ sessionHash: caller.session, providerId: provider.id, ...known })
    } catch (error) {
      // A session that its provider could not end must not be.
      await sessions.end(caller.session)
      throw error
    }
    const there = from.session === undefined ? undefined : await sessions.find(from.session)
    for (const old of new Set([memory.session, there?.session])) if (old !== undefined) await sessions.end(old)
    return { kind: 'session', id, caller, returnTo }
  }

  async function tryOnly({ provider, identity }: Answered, steps: readonly Step[]): Promise<TestOutcome> {
    const said = saidBy(provider, identity)
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
    async begin(provider, wish, address) {
      const begun = await begin(provider, wish, clock.now_ms())
      if (begun.ok) return { ok: true, ...begun.value }
      const { reason, detail } = begun
      const event = {
        action: actionOf(wish.purpose),
        address,
        provider,
        detail,
        reason,
      }
      return { ok: false, reason, reference: await ledger.refused(event) }
    },
    async finish(fields, from) {
      const seen: Seen = {}
      const { address, browser } = from
      let account: AccountRecord | undefined
      const checked = await checkingLater(async (trail) => {
        const answered = await takeResponse(parts, fields, browser, clock.now_ms(), trail, seen)
        if (answered.request?.purpose === 'test') return { answered }
        const admitted = await admission.admit(answered.provider, saidBy(answered.provider, answered.identity))
        account = admitted.account
        if (!admitted.ok) return refuse(admitted.reason, admitted.detail)
        if (answered.request?.purpose === 'step-up' && admitted.account.id !== answered.request.accountId)
          refuse('other-account', `${admitted.account.name} came back instead of who went.`)
        return { answered, entered: await enter(answered, admitted.account, from) }
      })
      const event = {
        ...{ action: actionOf(seen.request?.purpose), address, provider: seen.provider, account },
        subject: seen.identity?.nameId.value.slice(0, 200),
      }
      if (!checked.ok) {
        const { reason, detail } = checked
        const reference = await ledger.refused({ ...event, detail, reason })
        return (await settle(seen, checked, reference, browser)) ?? { kind: 'refused', reason, reference }
      }
      const { answered, entered } = checked.value
      await ledger.done({ ...event, detail: wordsOf(answered) })
      if (entered) return entered
      tests.keep(answered.memory.test ?? '', await tryOnly(answered, checked.steps))
      return { kind: 'test' }
    },
  }
}
