import { randomBytes } from 'node:crypto'
import { buildAuthorizationUrl, calculatePKCECodeChallenge } from 'openid-client'
import { type Checked, checkingLater, refuse } from '../saml/result.ts'
import type { OidcClients } from './oidc-client.ts'
import type { OwnClient } from './oidc-ports.ts'
import type { ProviderRecord, SignInRequestStore } from './ports.ts'
import { type Begun, providerFor, requestFor, type Wish, wantsFresh } from './wish.ts'

export interface OidcBeginParts {
  readonly own: OwnClient
  readonly clients: Pick<OidcClients, 'bare'>
  readonly requests: Pick<SignInRequestStore, 'insert'>
  /** Browsers may be sent to a provider by plain http. */
  readonly allowPrivate: boolean
}

/** What a request remembers beyond what all do. */
export interface OidcMemory {
  readonly nonce: string
  /** Of PKCE: whoever redeems the code must be who asked for it. */
  readonly verifier: string
}

const SCOPES = ['openid', 'email', 'profile']
const chance = () => randomBytes(32).toString('base64url')

/** The query of a request for a code (OpenID Connect 3.1.2.1, RFC 7636). */
async function questionOf(
  { options }: ProviderRecord,
  own: OwnClient,
  state: string,
  memory: OidcMemory,
  fresh: boolean,
) {
  const { authnContexts = [], scopes = SCOPES } = options
  return {
    ...{ redirect_uri: own.callbackUrl, scope: [...new Set(['openid', ...scopes])].join(' '), state },
    ...{ nonce: memory.nonce, code_challenge_method: 'S256' },
    code_challenge: await calculatePKCECodeChallenge(memory.verifier),
    ...(authnContexts.length > 0 && { acr_values: authnContexts.join(' ') }),
    ...(fresh && { prompt: 'login', max_age: '0' }),
  }
}

/** Sends a browser to a provider: what it may come back with is remembered, and bound to the browser. */
export function beginOidc({ own, clients, requests, allowPrivate }: OidcBeginParts) {
  return (asked: ProviderRecord | undefined, wish: Wish, now_ms: number): Promise<Checked<Begun>> =>
    checkingLater(async () => {
      const provider = providerFor(asked, 'oidc', wish)
      const client = await clients.bare(provider)
      const { authorization_endpoint: endpoint = '', code_challenge_methods_supported: challenges } =
        client.serverMetadata()
      const protocol = URL.parse(endpoint)?.protocol
      if (protocol !== 'https:' && !(allowPrivate && protocol === 'http:'))
        return refuse('endpoint', 'The provider names no https address where sign-in begins.')
      if (challenges?.includes('S256') === false)
        return refuse('endpoint', 'The provider does not take code challenges by SHA-256 (PKCE).')
      const state = chance()
      const memory: OidcMemory = { nonce: chance(), verifier: chance() }
      const { request, browser } = requestFor(provider, wish, state, now_ms, { ...memory })
      const question = await questionOf(provider, own, state, memory, wantsFresh(provider, wish))
      await requests.insert(request)
      return { url: buildAuthorizationUrl(client, question).href, browser }
    })
}
