import type { Config } from './config.ts'
import { type OidcRoutesParts, oidcRoutes } from './http/oidc.ts'
import type { ArrivalStore } from './identity/federation/arrival-ports.ts'
import type { EntranceParts } from './identity/federation/entrance.ts'
import { exchangeBounded, type FetchLimits } from './identity/federation/fetch-metadata.ts'
import { oidcClients } from './identity/federation/oidc-client.ts'
import { oidcLogout } from './identity/federation/oidc-logout.ts'
import type { AskProvider, OwnClient } from './identity/federation/oidc-ports.ts'
import { oidcSignIn } from './identity/federation/oidc-sign-in.ts'
import type { ProviderDirectory, SignInRequestStore } from './identity/federation/ports.ts'
import type { Database } from './inventory/database.ts'
import { oidcSessionStore } from './inventory/oidc-sessions.ts'
import type { KeyService } from './keys/ports.ts'
import { outbound } from './outbound/guard.ts'

export interface OidcParts
  extends Omit<EntranceParts, 'requests' | 'arrivals'>,
    Pick<OidcRoutesParts, 'consoles' | 'sessions' | 'tests' | 'ledger' | 'begins' | 'answers'> {
  readonly config: Pick<Config, 'http' | 'metadata' | 'outbound'>
  readonly database: Database
  readonly arrivals: ArrivalStore
  readonly providers: ProviderDirectory
  readonly requests: SignInRequestStore
  readonly keys: Pick<KeyService, 'seal' | 'open'>
  /** Ends a session as its provider says, and tells its consoles. */
  readonly endSession: (sessionHash: string) => Promise<void>
}

/** Of what providers answer us. */
const LIMITS = { bytes: 1024 * 1024, time_ms: 10_000 }
/** Answers that have no body, of which a `Response` takes none. */
const BARE = new Set([204, 205, 304])

const askProvider =
  (limits: FetchLimits): AskProvider =>
  async (url, { method, headers, body }) => {
    const sent = { method: method === 'POST' ? ('POST' as const) : ('GET' as const), headers }
    const text = body === undefined || body === null ? undefined : String(body)
    const answer = await exchangeBounded(url, { ...sent, ...(text !== undefined && { body: text }) }, limits)
    const kept = ['content-type', 'www-authenticate', 'cache-control'] as const
    const answered = kept.flatMap((name) => (answer.headers[name] === undefined ? [] : [[name, answer.headers[name]]]))
    const { status } = answer
    return new Response(BARE.has(status) ? null : answer.text, { status, headers: Object.fromEntries(answered) })
  }

/** Joins sign-in and logout through OpenID Connect providers. */
export function openOidc({ config, database, keys, ...parts }: OidcParts) {
  const { origin } = config.http
  const own: OwnClient = { callbackUrl: `${origin}/oidc/callback`, signedOutUrl: `${origin}/sign-out` }
  const { allowPrivate, rsaBits } = config.metadata
  const ask = askProvider({ ...LIMITS, allowPrivate, outbound: outbound(config.outbound) })
  const clients = oidcClients({
    ...{ ask, allowPrivate },
    secret: async ({ id, clientSecret }) =>
      (await keys.open(`oidc-client/${id}`, clientSecret ?? Buffer.alloc(0))).toString('utf8'),
  })
  const oidcSessions = oidcSessionStore(database)
  const { seal, open } = keys
  const signIn = oidcSignIn({ ...parts, own, clients, oidcSessions, allowPrivate, rsaBits, seal })
  const logout = oidcLogout({
    ...parts,
    sessions: { end: parts.endSession },
    own,
    clients,
    oidcSessions,
    ask,
    rsaBits,
    open,
  })
  return { routes: oidcRoutes({ ...parts, signIn, logout }), signIn, logout }
}
