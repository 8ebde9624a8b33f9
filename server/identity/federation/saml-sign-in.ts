import { systemClock } from '#server/kernel/clock.ts'
import type { Arrival } from './arrival-ports.ts'
import {
  type AnswerOrigin,
  type BeginAnswer,
  type Entrance,
  type EntranceParts,
  entrance,
  type Finished,
} from './entrance.ts'
import type { ProviderRecord, SamlSession, SamlSessionStore, SignInRequestStore } from './ports.ts'
import { type BeginParts, beginSaml } from './saml-begin.ts'
import { type Answered, type PostFields, type ResponseParts, refuseEnded, saidBy, takeResponse } from './saml-finish.ts'
import type { Wish } from './wish.ts'

export interface SamlSignInParts extends BeginParts, ResponseParts, EntranceParts {
  readonly requests: SignInRequestStore
  readonly samlSessions: Pick<SamlSessionStore, 'insert'>
}

/** What a provider knows a session by. */
type Known = Omit<SamlSession, 'sessionHash' | 'providerId'>

export interface SamlSignIn {
  /** A request to a provider; undefined: one that is not known. What is refused is written to the audit log. */
  begin(provider: ProviderRecord | undefined, wish: Wish, address: string): Promise<BeginAnswer>
  /** What a provider made the browser post. */
  finish(fields: PostFields, from: AnswerOrigin): Promise<Finished>
  /** Somebody who waited at the door wants to come in. */
  readonly resume: Entrance<Known>['resume']
}

const wordsOf = ({ identity, request }: Answered): string =>
  [
    request ? `Answers a request (${request.purpose}).` : 'Began at the provider.',
    identity.encrypted ? 'Encrypted.' : 'Not encrypted.',
    `Signed: ${identity.signed.join(' and ')}.`,
  ].join(' ')

/** Sign-in through SAML identity providers. */
export function samlSignIn(parts: SamlSignInParts): SamlSignIn {
  const { samlSessions, clock = systemClock } = parts
  const begin = beginSaml(parts)
  const way = entrance<Known>(
    {
      method: 'saml',
      remember: ({ id: providerId }, sessionHash, known) => samlSessions.insert({ sessionHash, providerId, ...known }),
      refuseEnded: (provider, known) => refuseEnded(parts, provider, known, clock.now_ms()),
    },
    parts,
  )

  function arrivalOf(answered: Answered): Arrival<Known> {
    const { provider, identity, request, memory, returnTo } = answered
    const { nameId, sessionIndex = '', authnContext, authnInstant_ms, sessionNotOnOrAfter_ms } = identity
    const { authenticatingAuthorities: authorities, proxyCount = null } = identity
    return {
      ...{ provider, request, memory, returnTo, said: saidBy(provider, identity), words: wordsOf(answered) },
      proof: { authenticatedAt_ms: authnInstant_ms, endsAt_ms: sessionNotOnOrAfter_ms ?? null },
      authentication: { contexts: [authnContext], methods: [] },
      known: { nameId, sessionIndex, authnContext, authnInstant_ms, authorities, proxyCount },
    }
  }

  return {
    resume: way.resume,
    begin: (provider, wish, address) => way.begin(provider, wish, address, () => begin(provider, wish, clock.now_ms())),
    finish: (fields, from) =>
      way.finish(from, async (trail, seen) =>
        arrivalOf(await takeResponse(parts, fields, from.browser, clock.now_ms(), trail, seen)),
      ),
  }
}
