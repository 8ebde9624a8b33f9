import { buildAuthnRequest } from '../saml/authn-request.ts'
import { newId } from '../saml/message.ts'
import { BINDING } from '../saml/names.ts'
import type { OwnSp, SamlSigner } from '../saml/provider.ts'
import { signRedirect } from '../saml/redirect.ts'
import { type Checked, checkingLater, refuse } from '../saml/result.ts'
import type { Descriptions } from './descriptions.ts'
import type { ProviderRecord, SignInRequestStore } from './ports.ts'
import { type Begun, providerFor, requestFor, type Wish, wantsFresh } from './wish.ts'

export interface BeginParts {
  readonly own: OwnSp
  readonly signer: () => Promise<SamlSigner>
  readonly requests: Pick<SignInRequestStore, 'insert'>
  readonly descriptions: Descriptions
}

/** Sends a browser to a provider: what it may come back with is remembered, and bound to the browser. */
export function beginSaml({ own, signer, requests, descriptions }: BeginParts) {
  return (asked: ProviderRecord | undefined, wish: Wish, now_ms: number): Promise<Checked<Begun>> =>
    checkingLater(async (trail) => {
      const provider = providerFor(asked, 'saml', wish)
      const { options } = provider
      const description = trail.take(descriptions(provider, now_ms))
      const endpoint = description.singleSignOn.find(({ binding }) => binding === BINDING.redirect)
      if (endpoint === undefined)
        return refuse('endpoint', 'The provider takes no requests for sign-in by HTTP-Redirect.')
      const id = newId()
      const classes = options.authnContexts ?? []
      const xml = buildAuthnRequest({
        ...{ id, own, destination: endpoint.location, issueInstant_ms: now_ms },
        ...(options.nameIdFormat !== undefined && { nameIdFormat: options.nameIdFormat }),
        ...(classes.length > 0 && { authnContext: { comparison: 'exact' as const, classes } }),
        ...{ ...wish.ask, forceAuthn: wantsFresh(provider, wish) },
      })
      const { request, browser } = requestFor(provider, wish, id, now_ms)
      await requests.insert(request)
      // The ID of the request is a handle that says nothing to others: it comes back as RelayState.
      return { url: await signRedirect(endpoint.location, { SAMLRequest: xml }, id, await signer()), browser }
    })
}
