import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Problem } from '#server/contract/base.ts'
import { logoutReach } from '#server/identity/federation/logout-reach.ts'
import { hashPassword } from '#server/identity/password.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { outbound } from '#server/outbound/guard.ts'
import { rsaCredential } from '../identity/saml/credentials.ts'
import { addOidcProvider } from './oidc/ground.ts'
import { type Amiss, type FakeProvider, startFakeProvider } from './oidc/provider.ts'
import { metadataOf, type SignInGround, startSignIn } from './saml/ground.ts'

/** An installation that connects to one provider and to nobody else. */

const PASSWORD = 'a password for tests'
let weft: SignInGround
let fake: FakeProvider
/** A machine that is none of the places, and how often somebody connected to it. */
let elsewhere: { readonly url: string; readonly close: () => void }
let connections = 0

beforeAll(async () => {
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  elsewhere = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`, close: () => void server.close() }
  fake = await startFakeProvider()
  const { hostname, port } = new URL(fake.issuer)
  weft = await startSignIn({ WEFT_METADATA_PRIVATE: 'true', WEFT_OUTBOUND: `${hostname}:${port}, *.known.example` })
  const passwordHash = await hashPassword(PASSWORD)
  const olga = { name: 'olga', displayName: 'Olga', role: 'operator', tenantId: null, passwordHash } as const
  await weft.accounts.create(EVERYTHING, olga)
}, 60_000)
afterAll(async () => {
  elsewhere?.close()
  await fake?.halt()
  await weft?.close()
})
beforeEach(() => {
  connections = 0
})

async function asOlga() {
  const send = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${weft.origin}/api/v1${path}`, {
      ...{ method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) },
    })
  const entered = await send('POST', '/session', { name: 'olga', password: PASSWORD })
  const cookie = entered.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  return async (method: string, path: string, body: unknown, revision?: number) => {
    const answer = await send(method, path, body, {
      cookie,
      ...(revision !== undefined && { 'if-match': `"${revision}"` }),
    })
    return { status: answer.status, body: (await answer.json()) as Problem & { id: string; revision: number } }
  }
}

describe('an address that is none of the places', () => {
  const refusal = (pointer: string) => ({
    status: 422,
    body: { errors: [{ pointer, rule: 'outbound', mend: expect.stringContaining('WEFT_OUTBOUND') }] },
  })

  test('is refused where it is entered, before anybody is asked', async () => {
    const ask = await asOlga()
    const common = { operators: true, rules: [] }
    const saml = { ...common, name: 'by-url', metadataUrl: elsewhere.url }
    expect(await ask('POST', '/identity-providers', saml)).toMatchObject(refusal('/metadataUrl'))
    const secret = { clientId: 'weft', clientSecret: 'secret' }
    const oidc = { ...common, ...secret, name: 'oidc', issuer: 'https://login.unknown.example' }
    expect(await ask('POST', '/identity-providers/oidc', oidc)).toMatchObject(refusal('/issuer'))

    const metadata = metadataOf('https://idp.example', rsaCredential())
    const { body: made } = await ask('POST', '/identity-providers', { ...common, name: 'by-file', metadata })
    const changed = await ask('PATCH', `/identity-providers/${made.id}`, { metadataUrl: elsewhere.url }, made.revision)
    expect(changed).toMatchObject(refusal('/metadataUrl'))
    expect(connections).toBe(0)
  })

  test('and one of the places is taken', async () => {
    const ask = await asOlga()
    const secret = { clientId: 'weft', clientSecret: 'secret' }
    const oidc = { ...secret, operators: true, rules: [], name: 'known', issuer: 'https://login.known.example' }
    expect((await ask('POST', '/identity-providers/oidc', oidc)).status).toBe(201)
  })
})

/** Sets out to a provider that describes itself as `amiss` says, comes back, and answers with which status and line. */
async function enter(amiss: Amiss, more: Parameters<typeof addOidcProvider>[2] = {}) {
  fake.misbehave(amiss)
  // What it says of itself is kept for a while: it is another provider each time.
  await weft.database.engine.query('DELETE FROM identity_provider WHERE issuer = $1', [fake.issuer])
  const idp = await addOidcProvider(weft, fake, more)
  const begun = await weft.get(`/oidc/login?idp=${idp.name}`)
  const cookie = weft.cookieOf(begun, /^__Host-weft-login/)
  const query = fake.authorize(begun.headers.get('location') ?? '', { preferred_username: 'alice' })
  const { status } = await weft.get(`/oidc/callback?${query}`, { cookie, 'sec-fetch-site': 'cross-site' })
  return { status, line: weft.audit.lines.at(-1) }
}

describe('a provider that is one of the places', () => {
  test.each([
    ['tokens', 'token_endpoint', {}],
    ['keys', 'jwks_uri', {}],
    ['user info', 'userinfo_endpoint', { options: { userInfo: true } }],
  ])('sends nobody elsewhere for its %s', async (_, field, more) => {
    const { status, line } = await enter({ metadata: { [field]: elsewhere.url } }, more)
    expect([status, line?.reason]).toEqual([403, 'unreachable'])
    expect(line?.detail).toContain('is none of the places that WEFT_OUTBOUND names.')
    expect(connections).toBe(0)
  })

  test('signs its people in', async () => {
    expect(await enter({})).toMatchObject({ status: 303, line: { action: 'signIn.oidc', outcome: 'done' } })
  })
})

test('a logout by SOAP, and the look whether somebody listens, go nowhere else either', async () => {
  const confined = logoutReach(1000, outbound([{ name: 'idp.example' }]))
  await expect(confined.post(elsewhere.url, '<x/>', true)).rejects.toThrow('WEFT_OUTBOUND')
  expect(await confined.isDown(elsewhere.url, true)).toBe(false)
  expect(connections).toBe(0)
  const free = logoutReach(1000, outbound(undefined))
  await expect(free.post(elsewhere.url, '<x/>', true)).rejects.toThrow()
  expect(connections).toBe(1)
})
