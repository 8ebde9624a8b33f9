import { authorizationCodeGrant, type Configuration, fetchUserInfo, type IDToken } from 'openid-client'
import { refuse, type Trail } from '../saml/result.ts'
import type { Arrival } from './arrival-ports.ts'
import type { Seen } from './entrance.ts'
import type { OidcMemory } from './oidc-begin.ts'
import type { OidcClients } from './oidc-client.ts'
import { refuseShortKey } from './oidc-keys.ts'
import type { OwnClient } from './oidc-ports.ts'
import { quoted, refusing } from './oidc-reasons.ts'
import type { Attributes, ProviderDirectory, ProviderRecord, SignInRequest, SignInRequestStore } from './ports.ts'
import { isBoundTo, memoryOf, refuseClosed } from './wish.ts'

export interface CallbackParts {
  readonly own: OwnClient
  readonly clients: OidcClients
  readonly providers: Pick<ProviderDirectory, 'byId'>
  readonly requests: Pick<SignInRequestStore, 'find' | 'consume'>
  /** Of how many bits RSA keys must be. */
  readonly rsaBits: number
  readonly seal: (context: string, plain: Buffer) => Promise<Buffer>
}

/** What a provider knows a session by. */
export interface OidcKnown {
  readonly subject: string
  readonly sid: string | null
  /** Sealed, in base64. */
  readonly idToken: string
}

const sealed = async ({ seal }: CallbackParts, { id }: ProviderRecord, idToken: string): Promise<string> =>
  (await seal(`oidc-session/${id}`, Buffer.from(idToken))).toString('base64')

const STATE = /^[A-Za-z0-9_-]{43}$/

/** The one value of each parameter: which of two was meant is for nobody to guess. */
function stateOf(query: URLSearchParams): string {
  const names = [...query.keys()]
  if (new Set(names).size < names.length) refuse('duplicate-parameter', 'A parameter is there twice.')
  const state = query.get('state')
  if (state === null || !STATE.test(state)) return refuse('state', 'There is no state, or none of ours.')
  return state
}

/** The request that the answer says it answers, with the provider that it went to. Uses the request up. */
async function requestOf(
  { requests, providers }: CallbackParts,
  state: string,
  browser: string | undefined,
  now_ms: number,
  seen: Seen,
): Promise<{ request: SignInRequest; provider: ProviderRecord }> {
  const open = await requests.find(state, now_ms)
  if (!open)
    return refuse('state', 'There is no request that it answers: none was made, it was answered, or is too old.')
  seen.request = open
  const provider = await providers.byId(open.providerId)
  if (provider?.protocol !== 'oidc')
    return refuse('unknown-provider', 'The request went to no OpenID Connect provider.')
  seen.provider = provider
  refuseClosed(provider, open.purpose)
  if (!isBoundTo(open, browser)) refuse('browser', 'The request was made by another browser.')
  // One statement: of parallel answers only one gets past, before the provider is asked for anything.
  const request = await requests.consume(state, provider.id, now_ms)
  if (!request) return refuse('replay', 'The request was answered in this moment.')
  return { request, provider }
}

/** Of the protocol itself: they say nothing of a person. */
const PROTOCOL = new Set([
  ...['aud', 'azp', 'exp', 'iat', 'nbf', 'jti', 'nonce', 'auth_time', 'sid', 'at_hash', 'c_hash', 's_hash'],
])
const CLAIMS_MAX = 200
const VALUES_MAX = 1_000
const VALUE_MAX = 4_096

/** Text, yes or no, and lists of text; what is of another shape is no attribute. */
function valuesOf(claim: unknown): string[] {
  if (typeof claim === 'boolean') return [String(claim)]
  const values = Array.isArray(claim) ? claim : [claim]
  return values.filter((one): one is string => typeof one === 'string' && one.length <= VALUE_MAX).slice(0, VALUES_MAX)
}

/** Claims as attributes. An address that the provider says it has not verified could be anybody's: it is left out. */
export function attributesOf(claims: Readonly<Record<string, unknown>>): Attributes {
  const attributes: Record<string, string[]> = Object.create(null)
  for (const [name, claim] of Object.entries(claims).slice(0, CLAIMS_MAX)) {
    if (PROTOCOL.has(name) || (name === 'email' && claims.email_verified === false)) continue
    const values = valuesOf(claim)
    if (values.length > 0) attributes[name] = values
  }
  return { ...attributes }
}

/** When its person signed in there, as far as the provider says; refused where that was to be anew, and was not. */
function authenticated(provider: ProviderRecord, claims: IDToken, request: SignInRequest, now_ms: number): number {
  const { skew_ms, authnContexts = [] } = provider.options
  const { auth_time: time_s, acr, iat } = claims
  const { fresh, begun_ms = now_ms } = memoryOf(request)
  if (iat * 1000 > now_ms + skew_ms) refuse('not-yet-valid', 'The id token was issued in the future.')
  if (fresh && (time_s === undefined || time_s * 1000 < begun_ms - skew_ms))
    refuse('authn-statement', 'The provider was to ask its person anew, and did not.')
  if (authnContexts.length > 0 && (typeof acr !== 'string' || !authnContexts.includes(acr)))
    refuse('authn-context', `None of the contexts that are asked for was used, but ${quoted(String(acr))}.`)
  // What it does not say may be long ago.
  return time_s === undefined ? 0 : time_s * 1000
}

/** Redeems the code: the library checks state, iss, the id token's signature, issuer, audience, times and nonce. */
async function redeem(client: Configuration, at: URL, state: string, { nonce, verifier }: OidcMemory) {
  const tokens = await refusing('token-response', () =>
    authorizationCodeGrant(client, at, {
      ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true },
    }),
  )
  const claims = tokens.claims()
  if (!claims || tokens.id_token === undefined) return refuse('id-token', 'The provider gave no id token.')
  return { claims, idToken: tokens.id_token, accessToken: tokens.access_token }
}

/** Checks what a provider sent a browser back with, in full, and uses it up. Refuses inside `checkingLater`. */
export async function takeCallback(
  parts: CallbackParts,
  query: string,
  browser: string | undefined,
  now_ms: number,
  trail: Trail,
  seen: Seen,
): Promise<Arrival<OidcKnown>> {
  const at = new URL(`${parts.own.callbackUrl}?${query}`)
  const state = stateOf(at.searchParams)
  const { request, provider } = await requestOf(parts, state, browser, now_ms, seen)
  trail.pass('state', `It answers a request that went to ${provider.displayName}, for the first time.`)
  trail.pass('browser', 'It came back in the browser that began.')
  const client = await parts.clients.of(provider)
  trail.pass('metadata', `${provider.issuer} describes itself.`)
  const memory = request.memory as unknown as OidcMemory
  const { claims, idToken, accessToken } = await redeem(client, at, state, memory)
  refuseShortKey(client, idToken, parts.rsaBits)
  seen.subject = claims.sub
  trail.pass('id-token', 'Code, signature, issuer, audience, times and nonce of the id token are in order.')
  const authenticatedAt_ms = authenticated(provider, claims, request, now_ms)
  const more = provider.options.userInfo
    ? await refusing('user-info', () => fetchUserInfo(client, accessToken, claims.sub))
    : undefined
  if (more) trail.pass('user-info', 'The user info is of the same person.')
  const sid = typeof claims.sid === 'string' ? claims.sid : null
  return {
    ...{ provider, request, memory: memoryOf(request), returnTo: request.returnTo },
    said: { subject: claims.sub, attributes: attributesOf({ ...more, ...claims }) },
    proof: { authenticatedAt_ms, endsAt_ms: null },
    authentication: { contexts: valuesOf(claims.acr), methods: valuesOf(claims.amr) },
    words: `Answers a request (${request.purpose}).`,
    known: { subject: claims.sub, sid, idToken: await sealed(parts, provider, idToken) },
  }
}
