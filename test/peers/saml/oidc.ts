import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import Provider from 'oidc-provider'
import { freePort } from './process.ts'
import { PEOPLE, type Person } from './simplesamlphp.ts'

export interface OpenIdSettings {
  /** Part of cookie names; two that run at the same time need two names. */
  readonly name: string
  /** Where it may send people back to after sign-in. */
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris?: readonly string[]
  /** Where it tells that a session ended (OpenID Connect Back-Channel Logout 1.0). */
  readonly backChannelLogoutUri?: string
  readonly users?: Readonly<Record<string, Person>>
  /** Whether the ID token has e-mail, name and groups; otherwise only the user info has them. Default true. */
  readonly claimsInIdToken?: boolean
  /** Default 127.0.0.1; another address of the loopback network is another site for a browser. */
  readonly address?: string
}

export interface OpenIdProvider {
  /** Origin and discovery address: `ISSUER/.well-known/openid-configuration`. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Signs with a key of which nobody was told. */
  rotateKey(): void
  /** Is down until `resume`, on the same port with the same keys, client and people. */
  halt(): Promise<void>
  resume(): Promise<void>
  stop(): Promise<void>
}

const formPage = (uid: string, wrong: boolean) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>OpenID sign-in</title></head><body><h1>OpenID sign-in</h1>
${wrong ? '<p role="alert">Name or password is wrong.</p>' : ''}
<form method="post" action="/interaction/${uid}">
<label>Name <input name="username" autocomplete="username"></label>
<label>Password <input name="password" type="password"></label>
<button>Sign in</button></form></body></html>`

const logoutPage = (form: string) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>OpenID sign-out</title></head><body><h1>OpenID sign-out</h1>
${form.replace('</form>', '<input type="hidden" name="logout" value="yes"></form>')}
<button form="op.logoutForm">Sign out</button></body></html>`

function signingKey(name: string): Readonly<Record<string, unknown>> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 3072 })
  return {
    ...privateKey.export({ format: 'jwk' }),
    alg: 'RS256',
    use: 'sig',
    kid: `${name}-${randomBytes(4).toString('hex')}`,
  }
}

const claimsOf = (sub: string, { attributes }: Person) => ({
  sub,
  email: attributes.mail?.[0],
  email_verified: true,
  name: attributes.displayName?.[0],
  preferred_username: sub,
  groups: attributes.groups,
})

const SCOPES = 'openid email profile groups'
const DAY_S = 86_400

type Stored = Record<string, unknown> & { uid?: string; grantId?: string; consumed?: number }

/** What oidc-provider keeps, in memory: it outlives the provider object, so that a key can change under a session. */
function keepRecords() {
  const records = new Map<string, Stored>()
  return (model: string) => {
    const find = async (id: string) => records.get(`${model}:${id}`)
    const findWith = async (field: 'uid' | 'userCode', value: string) =>
      [...records].find(([key, record]) => key.startsWith(`${model}:`) && record[field] === value)?.[1]
    return {
      find,
      findByUid: (uid: string) => findWith('uid', uid),
      findByUserCode: (code: string) => findWith('userCode', code),
      upsert: async (id: string, record: Stored) => void records.set(`${model}:${id}`, record),
      destroy: async (id: string) => void records.delete(`${model}:${id}`),
      consume: async (id: string) => {
        const record = await find(id)
        if (record) record.consumed = Math.floor(Date.now() / 1000)
      },
      revokeByGrantId: async (grantId: string) => {
        for (const [key, record] of records) if (record.grantId === grantId) records.delete(key)
      },
    }
  }
}

interface Kept {
  readonly adapter: ReturnType<typeof keepRecords>
  readonly cookieKey: string
}

function makeProvider(settings: OpenIdSettings, issuer: string, clientSecret: string, kept: Kept): Provider {
  const { name } = settings
  const users = settings.users ?? PEOPLE
  return new Provider(issuer, {
    clients: [
      {
        client_id: 'weft',
        client_secret: clientSecret,
        redirect_uris: settings.redirectUris,
        post_logout_redirect_uris: settings.postLogoutRedirectUris ?? [],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        id_token_signed_response_alg: 'RS256',
        ...(settings.backChannelLogoutUri
          ? { backchannel_logout_uri: settings.backChannelLogoutUri, backchannel_logout_session_required: true }
          : {}),
      },
    ],
    adapter: kept.adapter,
    jwks: { keys: [signingKey(name)] },
    pkce: { required: () => true },
    cookies: {
      keys: [kept.cookieKey],
      // Browsers share cookies between ports: every provider has names of its own.
      names: { session: `${name}-session`, interaction: `${name}-interaction`, resume: `${name}-resume` },
    },
    scopes: SCOPES.split(' '),
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'preferred_username'],
      groups: ['groups'],
    },
    conformIdTokenClaims: !(settings.claimsInIdToken ?? true),
    ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: DAY_S, IdToken: 3600, Interaction: 3600, Session: DAY_S },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context: { body: string }, form: string) => {
          context.body = logoutPage(form)
        },
      },
    },
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_context: unknown, sub: string) => {
      const person = users[sub]
      return person && { accountId: sub, claims: () => claimsOf(sub, person) }
    },
    // Its own dispatcher refuses to tell an address of the loopback network that a session ended.
    fetch: (url: string, { dispatcher: _, ...options }: RequestInit & { dispatcher?: unknown }) => fetch(url, options),
    // People sign in for this one client: whoever can sign in has agreed to it.
    loadExistingGrant: async ({ oidc }: import('oidc-provider').Context) => {
      const known = oidc.session.grantIdFor(oidc.client.clientId)
      if (known !== undefined) return oidc.provider.Grant.find(known)
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
      grant.addOIDCScope(SCOPES)
      await grant.save()
      return grant
    },
  })
}

async function passForm(
  provider: Provider,
  users: Readonly<Record<string, Person>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { uid } = await provider.interactionDetails(request, response)
  const fields = request.method === 'POST' ? new URLSearchParams(await text(request)) : undefined
  const [username, password] = [fields?.get('username') ?? '', fields?.get('password')]
  if (users[username] && users[username].password === password)
    return provider.interactionFinished(request, response, { login: { accountId: username, amr: ['pwd'] } })
  response.writeHead(fields ? 403 : 200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  response.end(formPage(uid, fields !== undefined))
}

/** An OpenID Connect provider (code flow, PKCE required, RS256) on a free port, with a form where people sign in. */
export async function startOpenIdProvider(settings: OpenIdSettings): Promise<OpenIdProvider> {
  const { address = '127.0.0.1' } = settings
  const port = await freePort(address)
  const issuer = `http://${address}:${port}`
  const clientSecret = randomBytes(24).toString('base64url')
  const users = settings.users ?? PEOPLE
  const kept: Kept = { adapter: keepRecords(), cookieKey: randomBytes(16).toString('hex') }
  let provider = makeProvider(settings, issuer, clientSecret, kept)

  const server = createServer((request, response) => {
    if (!request.url?.startsWith('/interaction/')) return provider.callback()(request, response)
    passForm(provider, users, request, response).catch((error: unknown) => {
      response.writeHead(400, { 'content-type': 'text/plain' })
      response.end(String(error))
    })
  })
  const resume = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, address, () => resolve())
    })
  const halt = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  await resume()
  return {
    issuer,
    clientId: 'weft',
    clientSecret,
    rotateKey() {
      provider = makeProvider(settings, issuer, clientSecret, kept)
    },
    halt,
    resume,
    stop: halt,
  }
}
