import { systemClock } from '#server/kernel/clock.ts'
import { type AnswerOrigin, type BeginAnswer, type EntranceParts, entrance, type Finished } from './entrance.ts'
import { beginOidc, type OidcBeginParts } from './oidc-begin.ts'
import { type CallbackParts, takeCallback } from './oidc-finish.ts'
import type { ProviderRecord, SignInRequestStore } from './ports.ts'
import type { Wish } from './wish.ts'

export interface OidcSignInParts extends OidcBeginParts, CallbackParts, EntranceParts {
  readonly clients: CallbackParts['clients']
  readonly requests: SignInRequestStore
}

export interface OidcSignIn {
  /** A request to a provider; undefined: one that is not known. What is refused is written to the audit log. */
  begin(provider: ProviderRecord | undefined, wish: Wish, address: string): Promise<BeginAnswer>
  /** The query that a provider sent the browser back with. */
  finish(query: string, from: AnswerOrigin): Promise<Finished>
}

/** Sign-in through OpenID Connect providers: authorisation code with PKCE. */
export function oidcSignIn(parts: OidcSignInParts): OidcSignIn {
  const { clock = systemClock } = parts
  const begin = beginOidc(parts)
  const way = entrance('oidc', parts)
  return {
    begin: (provider, wish, address) => way.begin(provider, wish, address, () => begin(provider, wish, clock.now_ms())),
    finish: (query, from) =>
      way.finish(from, (trail, seen) => takeCallback(parts, query, from.browser, clock.now_ms(), trail, seen)),
  }
}
