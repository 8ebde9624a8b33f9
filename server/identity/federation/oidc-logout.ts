import {
  createRemoteJWKSet,
  decodeJwt,
  type JWTHeaderParameters,
  type JWTPayload,
  customFetch as joseFetch,
  jwtVerify,
} from 'jose'
import { buildEndSessionUrl } from 'openid-client'
import { type Clock, systemClock } from '#server/kernel/clock.ts'
import { checkingLater, refuse } from '../saml/result.ts'
import type { Sessions } from '../sessions.ts'
import type { ArrivalStore } from './arrival-ports.ts'
import type { SignInLedger } from './ledger.ts'
import type { OidcClients } from './oidc-client.ts'
import { refuseShort } from './oidc-keys.ts'
import type { AskProvider, OidcSessionStore, OwnClient } from './oidc-ports.ts'
import { quoted, refusing } from './oidc-reasons.ts'
import type { ProviderDirectory, ProviderRecord, SignInRequestStore } from './ports.ts'

export interface OidcLogoutParts {
  readonly own: OwnClient
  readonly clients: OidcClients
  readonly providers: Pick<ProviderDirectory, 'byId' | 'byIssuer'>
  readonly requests: Pick<SignInRequestStore, 'firstTime'>
  readonly oidcSessions: Pick<OidcSessionStore, 'ofSession' | 'find'>
  readonly arrivals: Pick<ArrivalStore, 'forget'>
  readonly sessions: Pick<Sessions, 'end'>
  readonly ledger: SignInLedger
  readonly ask: AskProvider
  /** Of how many bits RSA keys must be. */
  readonly rsaBits: number
  readonly open: (context: string, sealed: Buffer) => Promise<Buffer>
  readonly clock?: Clock
}

export interface OidcLogout {
  /** A provider says that sessions ended there: they end here. False: it is not to be believed. */
  backChannel(token: unknown, address: string): Promise<boolean>
  /**
   * Where the browser goes to so that the provider's session ends as well; undefined where the session is of no OpenID
   * Connect provider, or its provider takes nobody back. To be asked before the session ends.
   */
  endSessionUrl(sessionHash: string): Promise<string | undefined>
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const TOKEN_MAX = 16_384
/** A logout is told at once. */
const AGE_MAX_S = 300
/** Seen tokens are remembered a little longer than they could be used. */
const MARGIN_MS = 60_000
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** Who the token says to be of: only to find the provider whose keys it is checked with. */
async function senderOf({ providers }: OidcLogoutParts, token: unknown): Promise<[ProviderRecord, string]> {
  if (typeof token !== 'string' || token === '') return refuse('logout-token', 'There is no logout token, or several.')
  if (token.length > TOKEN_MAX) return refuse('too-large', `The logout token is longer than ${TOKEN_MAX} characters.`)
  const { iss = '' } = await refusing('logout-token', async () => decodeJwt(token))
  const provider = await providers.byIssuer(iss)
  if (provider?.protocol !== 'oidc') return refuse('unknown-provider', `${quoted(iss)} is no provider here.`)
  return [provider, token]
}

const textOf = (claim: unknown): string | undefined => (typeof claim === 'string' && claim !== '' ? claim : undefined)

const TYPE = 'logout+jwt'

/**
 * A token says what it is for (Back-Channel Logout 1.0, 2.4; RFC 8725, 3.11): one for something else is never a logout. What
 * says nothing (`JWT` is what every such token is) counts where the provider is known not to say it.
 */
function checkType({ typ }: JWTHeaderParameters, { displayName, options }: ProviderRecord): void {
  const said =
    typ === undefined
      ? undefined
      : String(typ)
          .toLowerCase()
          .replace(/^application\//, '')
  if (said === TYPE) return
  if (said !== undefined && said !== 'jwt')
    refuse('token-type', `It is no logout token: it says to be ${quoted(String(typ))}.`)
  if (options.logoutTokenType === 'required')
    refuse('token-type', `It does not say to be a logout token (${TYPE}), as ${displayName} has to: logoutTokenType.`)
}

/** OpenID Connect Back-Channel Logout 1.0, 2.6, steps 5 to 9. */
function contentOf({ events, nonce, sid, sub, jti }: JWTPayload) {
  const event = (events as Readonly<Record<string, unknown>> | undefined)?.[EVENT]
  if (typeof event !== 'object' || event === null) refuse('logout-token', 'It tells of no logout.')
  if (nonce !== undefined) refuse('nonce', 'It has a nonce: it is an id token, or is to be taken for one.')
  const by = { subject: textOf(sub), sid: textOf(sid) }
  if (by.subject === undefined && by.sid === undefined)
    refuse('logout-token', 'It names neither a person nor a session.')
  const id = textOf(jti) ?? refuse('logout-token', 'It has no name of its own (jti).')
  return { id, by }
}

/** Logout through OpenID Connect providers: theirs that ends ours, and ours that ends theirs. */
export function oidcLogout(parts: OidcLogoutParts): OidcLogout {
  const { own, clients, providers, requests, oidcSessions, sessions, ledger, ask, clock = systemClock } = parts
  type Keys = ReturnType<typeof createRemoteJWKSet>
  const kept = new Map<string, { readonly uri: string; readonly keys: Keys }>()

  /** A provider's keys. Strangers can make us look for a key that is not there: not more often than the library allows. */
  async function keysOf(provider: ProviderRecord): Promise<Keys> {
    const { jwks_uri: uri } = await clients.describe(provider)
    if (uri === undefined) return refuse('no-key', 'The provider publishes no keys.')
    const held = kept.get(provider.id)
    if (held?.uri === uri) return held.keys
    const keys = createRemoteJWKSet(new URL(uri), {
      [joseFetch]: (url, { method, headers }) => ask(url, { method, headers: Object.fromEntries(headers) }),
    })
    kept.set(provider.id, { uri, keys })
    return keys
  }

  async function claimsOf(provider: ProviderRecord, token: string): Promise<JWTPayload> {
    const keys = await keysOf(provider)
    const { payload, protectedHeader, key } = await refusing('logout-token', () =>
      jwtVerify(token, keys, {
        ...{ issuer: provider.issuer, audience: provider.clientId ?? '', algorithms: ALGORITHMS },
        ...{ requiredClaims: ['iat', 'jti', 'events'], maxTokenAge: AGE_MAX_S },
        ...{ clockTolerance: Math.ceil(provider.options.skew_ms / 1000), currentDate: new Date(clock.now_ms()) },
      }),
    )
    const { modulusLength } = (key as CryptoKey).algorithm as { modulusLength?: number }
    refuseShort(modulusLength, protectedHeader.kid, parts.rsaBits)
    checkType(protectedHeader, provider)
    return payload
  }

  return {
    async backChannel(token, address) {
      const event = { action: 'signIn.providerLogout', address }
      let provider: ProviderRecord | undefined
      const checked = await checkingLater(async () => {
        const [sender, text] = await senderOf(parts, token)
        provider = sender
        const { id, by } = contentOf(await claimsOf(sender, text))
        const until_ms = clock.now_ms() + AGE_MAX_S * 1000 + sender.options.skew_ms + MARGIN_MS
        if (!(await requests.firstTime('logout', sender.id, id, until_ms)))
          refuse('replay', 'The logout token was used before.')
        // Before the sessions: who comes in at this moment is either found there or does not come in.
        await parts.arrivals.forget(sender.id, by)
        const ending = await oidcSessions.find(sender.id, by)
        for (const { sessionHash } of ending) await sessions.end(sessionHash)
        return { subject: by.subject ?? ending[0]?.subject, count: ending.length }
      })
      if (!checked.ok) {
        await ledger.refused({ ...event, provider, detail: checked.detail, reason: checked.reason })
        return false
      }
      const { subject, count } = checked.value
      await ledger.done({ ...event, provider, subject: subject?.slice(0, 200), detail: `${count} sessions ended.` })
      return true
    },
    async endSessionUrl(sessionHash) {
      const session = await oidcSessions.ofSession(sessionHash)
      const provider = session && (await providers.byId(session.providerId))
      if (!session || !provider) return undefined
      const checked = await checkingLater(async () => {
        const client = await clients.bare(provider)
        if (client.serverMetadata().end_session_endpoint === undefined) return undefined
        const hint = await parts.open(`oidc-session/${provider.id}`, session.idToken)
        return buildEndSessionUrl(client, {
          ...{ id_token_hint: hint.toString('utf8'), post_logout_redirect_uri: own.signedOutUrl },
        }).href
      })
      // Where the provider is away, its session stays; ours ends all the same.
      return checked.ok ? checked.value : undefined
    },
  }
}
