import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  type ServerMetadata,
} from 'openid-client'
import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { refuse } from '../saml/result.ts'
import type { AskProvider } from './oidc-ports.ts'
import { refusing } from './oidc-reasons.ts'
import type { ProviderRecord } from './ports.ts'

/** What a provider published of itself is asked for again after so long. */
const KEPT_MS = 600_000
const KEPT_MAX = 100
const TIMEOUT_S = 10

export interface OidcClients {
  /** What the provider says of itself. Refuses inside `checkingLater`. */
  describe(provider: ProviderRecord): Promise<ServerMetadata>
  /** Ourselves without the secret, to send browsers there. Refuses inside `checkingLater`. */
  bare(provider: ProviderRecord): Promise<Configuration>
  /**
   * Ourselves at the provider, for one answer: its keys are asked for anew, so that one it withdrew does not count a moment
   * longer and a new one at once. Refuses inside `checkingLater`.
   */
  of(provider: ProviderRecord): Promise<Configuration>
}

export interface OidcClientsParts {
  readonly ask: AskProvider
  /** The client's secret, opened. */
  readonly secret: (provider: ProviderRecord) => Promise<string>
  /** Providers may be reached by plain http. */
  readonly allowPrivate: boolean
  readonly clock?: Clock
}

/** How the token endpoint is shown the secret: as it says, by the header where it says nothing (discovery 3). */
function authentication({ token_endpoint_auth_methods_supported: methods }: ServerMetadata, secret: string) {
  if (methods === undefined || methods.includes('client_secret_basic')) return ClientSecretBasic(secret)
  if (methods.includes('client_secret_post')) return ClientSecretPost(secret)
  return refuse('metadata', `It takes no client secret, but ${methods.join(', ').slice(0, 200)}.`)
}

/** Clients at OpenID Connect providers, each described by its own discovery document. */
export function oidcClients({ ask, secret, allowPrivate, clock = systemClock }: OidcClientsParts): OidcClients {
  const kept = new Map<string, { readonly issuer: string; readonly metadata: ServerMetadata; readonly at_ms: number }>()

  async function discover({ id, issuer, clientId, displayName }: ProviderRecord): Promise<ServerMetadata> {
    const execute = allowPrivate ? [allowInsecureRequests] : []
    const options = { execute, timeout: TIMEOUT_S, [customFetch]: ask }
    const found = await refusing('metadata', () =>
      discovery(new URL(issuer), clientId ?? '', undefined, undefined, options),
    )
    const metadata = found.serverMetadata()
    if (metadata.issuer !== issuer)
      refuse('issuer', `${displayName} calls itself ${metadata.issuer.slice(0, 200)}, not ${issuer}.`)
    if (kept.size >= KEPT_MAX) kept.clear()
    kept.set(id, { issuer, metadata, at_ms: clock.now_ms() })
    return metadata
  }

  async function describe(provider: ProviderRecord): Promise<ServerMetadata> {
    const held = kept.get(provider.id)
    const isGood = held?.issuer === provider.issuer && clock.now_ms() - held.at_ms < KEPT_MS
    return isGood ? held.metadata : discover(provider)
  }

  function made(client: Configuration): Configuration {
    client[customFetch] = ask
    client.timeout = TIMEOUT_S
    if (allowPrivate) allowInsecureRequests(client)
    return client
  }

  return {
    describe,
    bare: async (provider) => made(new Configuration(await describe(provider), provider.clientId ?? '')),
    async of(provider) {
      const metadata = await describe(provider)
      const { clientId, options } = provider
      const auth = authentication(metadata, await secret(provider))
      const known = { [clockTolerance]: Math.ceil(options.skew_ms / 1000) }
      const client = made(new Configuration(metadata, clientId ?? '', known, auth))
      // Tokens come over TLS from the provider itself; their signatures count all the same.
      enableNonRepudiationChecks(client)
      return client
    },
  }
}
