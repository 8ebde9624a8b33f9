import type { AuthnRequestParts } from '../saml/authn-request.ts'
import { refuse } from '../saml/result.ts'
import type { Caller } from '../sessions.ts'
import { browserMark, isBrowser } from './browser.ts'
import type { ProviderRecord, SignInRequest } from './ports.ts'
import { pagePath } from './return-path.ts'

/** How long a person has to sign in at the provider. */
export const REQUEST_LIFE_MS = 10 * 60_000

/** What a sign-in is begun for. */
export interface Wish {
  readonly purpose: SignInRequest['purpose']
  /** A page of ours to go on to; of the proxy: the path that takes over. */
  readonly returnTo?: string | undefined
  /** The cookie that binds requests to this browser, where it has one already. */
  readonly browser?: string | undefined
  /** Who is signed in there: that session ends when the new one begins; of a step-up: who must come back. */
  readonly caller?: Caller | undefined
  /** A page of somebody else sent the browser: nobody did anything for it here. */
  readonly unbidden?: boolean
  /** The test that it is for, and who tests. */
  readonly test?: { readonly name: string; readonly accountId: string }
  /** What is asked of the provider beyond its options, such as on behalf of a console. */
  readonly ask?: Pick<AuthnRequestParts, 'forceAuthn' | 'isPassive' | 'authnContext' | 'proxyCount' | 'requesterIds'>
}

export interface Begun {
  /** Where the browser goes on to. */
  readonly url: string
  /** The cookie's value, to keep for `REQUEST_LIFE_MS`. */
  readonly browser: string
}

/** What our own requests remember in `SignInRequest.memory`. */
export interface RequestMemory {
  readonly begun_ms: number
  /** That the provider had to ask its person anew. */
  readonly fresh: boolean
  /** The session that ends when the new one begins, and where its person worked. */
  readonly session?: string
  /** Whose that is. */
  readonly account?: string
  /** A page of somebody else sent the browser there. */
  readonly unbidden?: boolean
  readonly place?: { readonly tenantId: string | null; readonly siteId: string | null }
  readonly test?: string
}

/** Whether the cookie is the one of the browser that the request was made for. */
export const isBoundTo = ({ browserHash }: SignInRequest, browser: string | undefined): boolean =>
  isBrowser(browserHash, browser)

export const memoryOf = (request: SignInRequest | undefined): Partial<RequestMemory> => request?.memory ?? {}

/** A provider that speaks the protocol, and may be gone to for this. Refuses inside `checkingLater`. */
export function providerFor(
  provider: ProviderRecord | undefined,
  protocol: ProviderRecord['protocol'],
  { purpose, caller }: Wish,
): ProviderRecord {
  if (provider?.protocol !== protocol)
    return refuse('unknown-provider', `There is no such provider by ${protocol.toUpperCase()}.`)
  refuseClosed(provider, purpose)
  if (purpose === 'step-up' && caller?.account.providerId !== provider.id)
    refuse('other-account', `It is not ${provider.displayName} that knows the account.`)
  return provider
}

/** A provider that is closed is there for tests alone. Refuses inside `checkingLater`. */
export function refuseClosed(provider: ProviderRecord, purpose: SignInRequest['purpose'] | undefined): void {
  if (provider.state !== 'open' && purpose !== 'test')
    refuse('provider-closed', `${provider.displayName} is closed (${provider.closedReason ?? 'operator'}).`)
}

/** Whether the provider has to ask its person anew. */
export const wantsFresh = ({ options }: ProviderRecord, { purpose, ask }: Wish): boolean =>
  options.forceAuthn || purpose === 'step-up' || ask?.forceAuthn === true

function memoryFor({ caller, purpose, test, unbidden }: Wish, begun_ms: number, fresh: boolean): RequestMemory {
  const { tenantId = null, siteId = null } = caller?.scope ?? {}
  return {
    ...{ begun_ms, fresh },
    ...(caller && { session: caller.session, account: caller.account.id }),
    ...(unbidden && { unbidden }),
    ...(caller && purpose === 'step-up' && { place: { tenantId, siteId } }),
    ...(test && { test: test.name }),
  }
}

/** The request that goes to a provider for a wish, and the cookie that binds it to the browser. `more`: what the protocol remembers. */
export function requestFor(
  provider: ProviderRecord,
  wish: Wish,
  id: string,
  now_ms: number,
  more: Readonly<Record<string, unknown>> = {},
): { readonly request: SignInRequest; readonly browser: string } {
  const { purpose, caller, test } = wish
  const { cookie: browser, hash: browserHash } = browserMark(wish.browser)
  const returnTo = purpose === 'proxy' ? wish.returnTo : pagePath(wish.returnTo ?? '/')
  const request: SignInRequest = {
    ...{ id, providerId: provider.id, browserHash, purpose, returnTo: returnTo ?? '/' },
    accountId: test?.accountId ?? (purpose === 'step-up' ? (caller?.account.id ?? null) : null),
    memory: { ...memoryFor(wish, now_ms, wantsFresh(provider, wish)), ...more },
    expiresAt_ms: now_ms + REQUEST_LIFE_MS,
  }
  return { request, browser }
}
