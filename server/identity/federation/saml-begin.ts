import { createHash, randomBytes } from 'node:crypto'
import { type AuthnRequestParts, buildAuthnRequest } from '../saml/authn-request.ts'
import { newId } from '../saml/message.ts'
import { BINDING } from '../saml/names.ts'
import type { OwnSp, SamlSigner } from '../saml/provider.ts'
import { signRedirect } from '../saml/redirect.ts'
import { type Checked, checkingLater, refuse } from '../saml/result.ts'
import type { Caller } from '../sessions.ts'
import type { Descriptions } from './descriptions.ts'
import type { ProviderRecord, SignInRequest, SignInRequestStore } from './ports.ts'
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
  readonly place?: { readonly tenantId: string | null; readonly siteId: string | null }
  readonly test?: string
}

export interface BeginParts {
  readonly own: OwnSp
  readonly signer: () => Promise<SamlSigner>
  readonly requests: Pick<SignInRequestStore, 'insert'>
  readonly descriptions: Descriptions
}

const BROWSER = /^[A-Za-z0-9_-]{43}$/
export const browserHash = (cookie: string): string => createHash('sha256').update(cookie).digest('hex')

function memoryOf({ caller, purpose, test }: Wish, begun_ms: number, fresh: boolean): RequestMemory {
  const { tenantId = null, siteId = null } = caller?.scope ?? {}
  return {
    ...{ begun_ms, fresh },
    ...(caller && { session: caller.session }),
    ...(caller && purpose === 'step-up' && { place: { tenantId, siteId } }),
    ...(test && { test: test.name }),
  }
}

/** Sends a browser to a provider: what it may come back with is remembered, and bound to the browser. */
export function beginSaml({ own, signer, requests, descriptions }: BeginParts) {
  return (provider: ProviderRecord | undefined, wish: Wish, now_ms: number): Promise<Checked<Begun>> =>
    checkingLater(async (trail) => {
      if (provider?.protocol !== 'saml') return refuse('unknown-provider', 'There is no such SAML provider.')
      const { options } = provider
      const { purpose, caller, test, ask } = wish
      if (provider.state !== 'open' && purpose !== 'test')
        refuse('provider-closed', `${provider.displayName} is closed (${provider.closedReason ?? 'operator'}).`)
      if (purpose === 'step-up' && caller?.account.providerId !== provider.id)
        refuse('other-account', `It is not ${provider.displayName} that knows the account.`)
      const description = trail.take(descriptions(provider, now_ms))
      const endpoint = description.singleSignOn.find(({ binding }) => binding === BINDING.redirect)
      if (endpoint === undefined)
        return refuse('endpoint', 'The provider takes no requests for sign-in by HTTP-Redirect.')
      const id = newId()
      const browser = wish.browser !== undefined && BROWSER.test(wish.browser) ? wish.browser : newBrowser()
      const fresh = options.forceAuthn || purpose === 'step-up' || ask?.forceAuthn === true
      const classes = options.authnContexts ?? []
      const xml = buildAuthnRequest({
        ...{ id, own, destination: endpoint.location, issueInstant_ms: now_ms },
        ...(options.nameIdFormat !== undefined && { nameIdFormat: options.nameIdFormat }),
        ...(classes.length > 0 && { authnContext: { comparison: 'exact' as const, classes } }),
        ...{ ...ask, forceAuthn: fresh },
      })
      const returnTo = purpose === 'proxy' ? wish.returnTo : pagePath(wish.returnTo ?? '/')
      await requests.insert({
        ...{ id, providerId: provider.id, browserHash: browserHash(browser), purpose, returnTo: returnTo ?? '/' },
        accountId: test?.accountId ?? (purpose === 'step-up' ? (caller?.account.id ?? null) : null),
        memory: { ...memoryOf(wish, now_ms, fresh) },
        expiresAt_ms: now_ms + REQUEST_LIFE_MS,
      })
      // The ID of the request is a handle that says nothing to others: it comes back as RelayState.
      return { url: await signRedirect(endpoint.location, { SAMLRequest: xml }, id, await signer()), browser }
    })
}

const newBrowser = () => randomBytes(32).toString('base64url')
