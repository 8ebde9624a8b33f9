import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { hashPassword } from '#server/identity/password.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { rsaCredential } from '../../identity/saml/credentials.ts'
import { addOidcProvider } from '../oidc/ground.ts'
import { startFakeProvider } from '../oidc/provider.ts'
import { consoleMetadata } from './console-ground.ts'
import { metadataOf, type SignInGround, startSignIn } from './ground.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

/** RSA keys of others are as strong as is asked for: 3072 bits, unless somebody says less. */

let ground: SignInGround
const PASSWORD = 'a password for tests'
beforeAll(async () => {
  ground = await startSignIn({ WEFT_RSA_BITS: '', WEFT_METADATA_PRIVATE: 'true' })
  const passwordHash = await hashPassword(PASSWORD)
  const olga = { name: 'olga', displayName: 'Olga', role: 'operator', tenantId: null, passwordHash } as const
  await ground.accounts.create(EVERYTHING, olga)
}, 60_000)
afterAll(() => ground?.close())

const last = () => ground.audit.lines.at(-1)
const short = rsaCredential(2_048, 'short.example')

async function ask(method: string, path: string, body?: unknown) {
  const send = (at: string, how: string, what: unknown, headers: Record<string, string> = {}) =>
    fetch(`${ground.origin}/api/v1${at}`, {
      ...{ method: how, headers: { 'content-type': 'application/json', ...headers } },
      ...(what !== undefined && { body: JSON.stringify(what) }),
    })
  const cookie = ground.cookieOf(await send('/session', 'POST', { name: 'olga', password: PASSWORD }), /^__Host-weft=/)
  const answer = await send(path, method, body, { cookie })
  return { status: answer.status, body: await answer.json() }
}

describe('metadata with a short key', () => {
  test.each([
    [
      'a provider',
      '/identity-providers',
      { operators: true, metadata: metadataOf('https://short.example.org', short) },
    ],
    ['a console', '/consoles', { metadata: consoleMetadata('https://console.example.org', short) }],
  ])('of %s are refused, and say whose key, how short, and what may be done', async (_whose, path, fields) => {
    const { status, body } = await ask('POST', path, { name: 'short', ...fields })
    expect([status, body.errors]).toMatchObject([
      422,
      [
        {
          ...{ pointer: '/metadata', rule: 'metadata.weak-key' },
          message: 'The RSA key of CN=short.example has 2048 bits, fewer than 3072 (WEFT_RSA_BITS).',
          mend: expect.stringMatching(/at least 3072 bits.*WEFT_RSA_BITS/),
        },
      ],
    ])
  })
})

describe('a provider that was there before more was asked for', () => {
  test('signs nobody in, is closed and says why, and opens by itself once its keys are long enough', async () => {
    const idp = await ground.provider()
    const answer = await ground.post({ SAMLResponse: await ground.respond(idp) })
    expect([answer.status, last()?.reason]).toEqual([403, 'weak-key'])
    await ground.federation.watch.look()
    const of = async () => (await ask('GET', `/identity-providers/${idp.id}`)).body
    expect(await of()).toMatchObject({
      ...{ state: 'closed', closedReason: 'weak-key', metadataProblem: expect.stringContaining('has 2048 bits') },
      certificates: [{ key: 'RSA, 2048 bits' }],
    })
    await ground.database.engine.query('UPDATE identity_provider SET metadata = $2 WHERE id = $1', [
      ...[idp.id, metadataOf(idp.issuer, rsaCredential())],
    ])
    await ground.federation.watch.look()
    expect(await of()).toMatchObject({ state: 'open', closedReason: null, metadataProblem: null })
  })
})

describe('an OpenID Connect provider with a short key', () => {
  test('signs nobody in and ends no session until it has a longer one', async () => {
    const fake = await startFakeProvider()
    const idp = await addOidcProvider(ground, fake)
    const enter = async () => {
      const out = await ground.get(`/oidc/login?idp=${idp.name}`)
      const query = fake.authorize(out.headers.get('location') ?? '')
      return ground.get(`/oidc/callback?${query}`, { cookie: ground.cookieOf(out, /^__Host-weft-login/) })
    }
    const logOut = async () =>
      fetch(`${ground.origin}/oidc/backchannel-logout`, {
        ...{ method: 'POST', body: new URLSearchParams({ logout_token: await fake.logoutToken() }) },
      })
    expect([(await enter()).status, last()?.reason]).toEqual([403, 'weak-key'])
    expect(last()?.detail).toMatch(/RSA key \w+ has 2048 bits, fewer than 3072 \(WEFT_RSA_BITS\)/)
    expect([(await logOut()).status, last()?.reason]).toEqual([400, 'weak-key'])
    await fake.halt()
    const longer = await startFakeProvider()
    await longer.rotateKey(3072)
    const other = await addOidcProvider(ground, longer)
    const out = await ground.get(`/oidc/login?idp=${other.name}`)
    const query = longer.authorize(out.headers.get('location') ?? '')
    const entered = await ground.get(`/oidc/callback?${query}`, { cookie: ground.cookieOf(out, /^__Host-weft-login/) })
    expect([entered.status, last()?.outcome]).toEqual([303, 'done'])
    const told = await fetch(`${ground.origin}/oidc/backchannel-logout`, {
      ...{ method: 'POST', body: new URLSearchParams({ logout_token: await longer.logoutToken() }) },
    })
    expect(told.status).toBe(200)
    await longer.halt()
  })
})
