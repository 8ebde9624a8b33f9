import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

/** What an answer of the provider is to be like, instead of as it should. */
export interface Amiss {
  /** Claims of the id token, over the right ones; undefined: left out. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly alg?: 'RS256' | 'HS256' | 'none'
  /** Signed with a key that is not published. */
  readonly foreignKey?: boolean
  /** What logout tokens say to be; null: nothing. */
  readonly type?: string | null
  /** The token endpoint answers this. */
  readonly token?: { readonly status: number; readonly body: string; readonly type?: string }
  readonly userInfo?: Readonly<Record<string, unknown>>
  /** The discovery document, over the right one. */
  readonly metadata?: Readonly<Record<string, unknown>>
}

interface Code {
  readonly challenge: string
  readonly nonce: string
  readonly redirectUri: string
  readonly claims: Readonly<Record<string, unknown>>
}

const now_s = () => Math.floor(Date.now() / 1000)

async function makeKey(modulusLength = 2048) {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true, modulusLength })
  const kid = randomBytes(8).toString('hex')
  return { privateKey, kid, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } as JWK }
}

/** A token that nothing was signed with. */
const unsigned = (claims: object) =>
  `${[{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`

/** An OpenID Connect provider that can be told to misbehave. It signs in whoever is named, without a form. */
export async function startFakeProvider(clientId = 'weft', clientSecret = 'a secret of this client') {
  let key = await makeKey()
  const foreign = await makeKey()
  const codes = new Map<string, Code>()
  let amiss: Amiss = {}
  const asked: string[] = []
  let issuer = ''

  const sign = async (claims: Record<string, unknown>, typ?: string): Promise<string> => {
    if (amiss.alg === 'none') return unsigned(claims)
    const signer: CryptoKey | Uint8Array =
      amiss.alg === 'HS256' ? Buffer.from(clientSecret) : (amiss.foreignKey ? foreign : key).privateKey
    const header = { alg: amiss.alg ?? 'RS256', kid: key.kid, ...(typ && { typ }) }
    return new SignJWT(claims).setProtectedHeader(header).sign(signer)
  }
  const without = (claims: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))

  const metadata = () => ({
    ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
    ...{ jwks_uri: `${issuer}/keys`, userinfo_endpoint: `${issuer}/me`, end_session_endpoint: `${issuer}/end` },
    ...{ response_types_supported: ['code'], subject_types_supported: ['public'] },
    ...{ id_token_signing_alg_values_supported: ['RS256'], code_challenge_methods_supported: ['S256'] },
    ...{ authorization_response_iss_parameter_supported: true, backchannel_logout_supported: true },
    ...amiss.metadata,
  })

  async function redeem(request: IncomingMessage): Promise<[number, object]> {
    const form = new URLSearchParams(await text(request))
    const code = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const credentials = Buffer.from(`${clientId}:${encodeURIComponent(clientSecret).replaceAll('%20', '+')}`)
    if (request.headers.authorization !== `Basic ${credentials.toString('base64')}`)
      return [401, { error: 'invalid_client' }]
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (!code || code.challenge !== challenge || code.redirectUri !== form.get('redirect_uri'))
      return [400, { error: 'invalid_grant', error_description: 'the code is not good' }]
    const claims = { iss: issuer, aud: clientId, iat: now_s(), exp: now_s() + 60, nonce: code.nonce, ...code.claims }
    const idToken = await sign(without({ ...claims, ...amiss.claims }))
    return [200, { access_token: `for ${code.claims.sub}`, token_type: 'Bearer', expires_in: 60, id_token: idToken }]
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', issuer).pathname
    asked.push(path)
    const send = (status: number, body: unknown, type = 'application/json') => {
      response.writeHead(status, { 'content-type': type }).end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    if (path === '/.well-known/openid-configuration') return send(200, metadata())
    if (path === '/keys') return send(200, { keys: [key.jwk] })
    if (path === '/token' && amiss.token) return send(amiss.token.status, amiss.token.body, amiss.token.type)
    if (path === '/token') return send(...(await redeem(request)))
    if (path === '/me') return send(200, amiss.userInfo ?? {})
    send(404, {})
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  issuer = `http://127.0.0.1:${port}`

  return {
    issuer,
    clientId,
    clientSecret,
    /** Paths that were asked for since it began. */
    asked,
    misbehave(next: Amiss) {
      amiss = next
    },
    async rotateKey(bits?: number) {
      key = await makeKey(bits)
    },
    /** What the provider answers to a request for sign-in: the query that the browser comes back with. */
    authorize(location: string, claims: Readonly<Record<string, unknown>> = {}): URLSearchParams {
      const query = new URL(location).searchParams
      const code = randomBytes(16).toString('base64url')
      codes.set(code, {
        ...{ challenge: query.get('code_challenge') ?? '', nonce: query.get('nonce') ?? '' },
        ...{ redirectUri: query.get('redirect_uri') ?? '', claims: { sub: 'alice', ...claims } },
      })
      return new URLSearchParams({ code, state: query.get('state') ?? '', iss: issuer })
    },
    /** A logout token (Back-Channel Logout 1.0, 2.4); `change` over what it should say. */
    logoutToken(change: Readonly<Record<string, unknown>> = {}): Promise<string> {
      const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
      const claims = {
        iss: issuer,
        aud: clientId,
        iat: now_s(),
        exp: now_s() + 120,
        jti: randomBytes(8).toString('hex'),
        events,
      }
      return sign(
        without({ ...claims, sub: 'alice', ...change }),
        amiss.type === undefined ? 'logout+jwt' : (amiss.type ?? undefined),
      )
    },
    halt: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
    resume: () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve())),
  }
}
export type FakeProvider = Awaited<ReturnType<typeof startFakeProvider>>
