import { systemClock } from '#server/kernel/clock.ts'
import {
  type AnswerOrigin,
  type BeginAnswer,
  type Entrance,
  type EntranceParts,
  entrance,
  type Finished,
} from './entrance.ts'
import { beginOidc, type OidcBeginParts } from './oidc-begin.ts'
import { type CallbackParts, type OidcKnown, takeCallback } from './oidc-finish.ts'
import type { OidcSessionStore } from './oidc-ports.ts'
import type { ProviderRecord, SignInRequestStore } from './ports.ts'
import type { Wish } from './wish.ts'

export interface OidcSignInParts extends OidcBeginParts, CallbackParts, EntranceParts {
  readonly clients: CallbackParts['clients']
  readonly requests: SignInRequestStore
  readonly oidcSessions: Pick<OidcSessionStore, 'insert'>
}

export interface OidcSignIn {
  /** A request to a provider; undefined: one that is not known. What is refused is written to the audit log. */
  begin(provider: ProviderRecord | undefined, wish: Wish, address: string): Promise<BeginAnswer>
  /** The query that a provider sent the browser back with. */
  finish(query: string, from: AnswerOrigin): Promise<Finished>
  /** Somebody who waited at the door wants to come in. */
  readonly resume: Entrance<OidcKnown>['resume']
}

/** Sign-in through OpenID Connect providers: authorisation code with PKCE. */
export function oidcSignIn(parts: OidcSignInParts): OidcSignIn {
  const { clock = systemClock } = parts
  const begin = beginOidc(parts)
  const way = entrance<OidcKnown>(
    {
      method: 'oidc',
      remember: ({ id: providerId }, sessionHash, { subject, sid, idToken }) =>
        parts.oidcSessions.insert({ sessionHash, providerId, subject, sid, idToken: Buffer.from(idToken, 'base64') }),
      // Its logout takes away who waits at the door.
      refuseEnded: async () => undefined,
    },
    parts,
  )
  return {
    resume: way.resume,
    begin: (provider, wish, address) => way.begin(provider, wish, address, () => begin(provider, wish, clock.now_ms())),
    finish: (query, from) =>
      way.finish(from, (trail, seen) => takeCallback(parts, query, from.browser, clock.now_ms(), trail, seen)),
  }
}
