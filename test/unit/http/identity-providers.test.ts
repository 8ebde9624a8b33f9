import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Problem } from '#server/contract/base.ts'
import type { IdentityProvider, Trial } from '#server/contract/providers.ts'
import { hashPassword } from '#server/identity/password.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { tenantStore } from '#server/inventory/tenants.ts'
import { rsaCredential } from '../identity/saml/credentials.ts'
import { metadataOf, type SignInGround, startSignIn } from './saml/ground.ts'

let ground: SignInGround
let blue: { id: string }
beforeAll(async () => {
  ground = await startSignIn({ WEFT_METADATA_PRIVATE: 'true' })
  blue = await tenantStore(ground.database).create(EVERYTHING, { name: 'blue', quotas: { networks: 1, ports: 1 } })
  const passwordHash = await hashPassword(PASSWORD)
  const people = [
    ['olga', 'operator', null],
    ['rita', 'tenant-administrator', ground.tenant.id],
    ['bert', 'tenant-administrator', blue.id],
    ['mona', 'tenant-member', ground.tenant.id],
  ] as const
  for (const [name, role, tenantId] of people)
    await ground.accounts.create(EVERYTHING, { name, displayName: name, role, tenantId, passwordHash })
}, 60_000)
afterAll(() => ground?.close())

const PASSWORD = 'a password for tests'
let count = 0
const newIssuer = () => `https://idp-${++count}.example.org`

async function as(name: string) {
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(`${ground.origin}/api/v1${path}`, {
      ...{ method, headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers } },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  const entered = await send('POST', '/session', { name, password: PASSWORD })
  const cookie = entered.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  return async <T = Problem>(method: string, path: string, body?: unknown, revision?: number) => {
    const headers = { cookie, ...(revision !== undefined && { 'if-match': `"${revision}"` }) }
    const answer = await send(method, path, body, headers)
    const text = await answer.text()
    return { status: answer.status, body: (text === '' ? undefined : JSON.parse(text)) as T }
  }
}

/** Serves metadata that can be changed. */
async function publisher(first: string) {
  const state = { xml: first }
  const server = createServer((_request, reply) => reply.end(state.xml))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metadata` }
}

async function imported(more: Record<string, unknown> = {}) {
  const ask = await as('olga')
  const [issuer, key] = [newIssuer(), rsaCredential()]
  const metadata = metadataOf(issuer, key)
  const fields = { name: `p-${count}`, tenantId: ground.tenant.id, metadata, ...more }
  const { status, body } = await ask<IdentityProvider>('POST', '/identity-providers', fields)
  expect(status, JSON.stringify(body)).toBe(201)
  return { ask, issuer, key, provider: body }
}

/** Makes metadata end at a time. */
const until = (metadata: string, time: Date) =>
  metadata.replace(' entityID=', ` validUntil="${time.toISOString()}" entityID=`)

describe('a provider is added', () => {
  test('from its metadata, with the keys that will count', async () => {
    const { ask, issuer, provider } = await imported({ emailDomains: ['red.example'] })
    expect(provider).toMatchObject({ issuer, state: 'open', tenantName: 'red', pending: null, revision: 1 })
    expect(provider.certificates).toMatchObject([{ fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) }])
    expect((await ask('GET', `/identity-providers/${provider.id}`)).body).toEqual(provider)
  })

  test('from the address of its metadata', async () => {
    const issuer = newIssuer()
    const { url } = await publisher(metadataOf(issuer, rsaCredential()))
    const { provider } = await imported({ metadata: undefined, metadataUrl: url })
    expect(provider).toMatchObject({ issuer, metadataUrl: url })
  })

  test.each([
    ['neither metadata nor an address', { metadata: undefined }, '/metadata', 'metadata.missing'],
    ['what is no XML', { metadata: 'hello' }, '/metadata', 'metadata.not-xml'],
    ['nobody’s people', { tenantId: undefined }, '/tenantId', 'provider.owner'],
    ['everybody’s people', { operators: true }, '/tenantId', 'provider.owner'],
    [
      'a tenant that is not there',
      { tenantId: '019ab000-0000-7000-8000-000000000000' },
      '/tenantId',
      'provider.tenant',
    ],
  ])('but not with %s', async (_words, wrong, pointer, rule) => {
    const ask = await as('olga')
    const metadata = metadataOf(newIssuer(), rsaCredential())
    const body = { name: `w-${++count}`, tenantId: ground.tenant.id, metadata, ...wrong }
    const answer = await ask('POST', '/identity-providers', body)
    expect(answer.status).toBe(422)
    expect(answer.body.errors).toMatchObject([{ pointer, rule, mend: expect.any(String) }])
    const { items } = (await ask<{ items: IdentityProvider[] }>('GET', '/identity-providers?limit=500')).body
    expect(items.map(({ name }) => name)).not.toContain(body.name)
  })

  test('once: an issuer names one provider', async () => {
    const { ask, issuer, key } = await imported()
    const metadata = metadataOf(issuer, key)
    const again = await ask('POST', '/identity-providers', { name: 'again', operators: true, metadata })
    expect(again).toMatchObject({ status: 409, body: { errors: [{ rule: 'provider.issuer-taken' }] } })
  })
})

describe('a tenant’s administrator', () => {
  test('adds and sees providers of that tenant alone', async () => {
    const { provider: ofOperators } = await imported({ tenantId: undefined, operators: true })
    const { provider: ofRed } = await imported()
    const bert = await as('bert')
    const { items } = (await bert<{ items: IdentityProvider[] }>('GET', '/identity-providers?limit=500')).body
    expect(items.filter(({ tenantId }) => tenantId !== blue.id)).toEqual([])
    for (const { id } of [ofOperators, ofRed]) {
      expect((await bert('GET', `/identity-providers/${id}`)).status).toBe(404)
      expect((await bert('POST', `/identity-providers/${id}/state`, { state: 'closed' }, 1)).status).toBe(404)
      expect((await bert('DELETE', `/identity-providers/${id}`, undefined, 1)).status).toBe(404)
      expect((await bert('POST', `/identity-providers/${id}/scim`)).status).toBe(404)
    }
    const metadata = metadataOf(newIssuer(), rsaCredential())
    const outside = { name: `b-${count}`, metadata }
    expect(await bert('POST', '/identity-providers', { ...outside, operators: true })).toMatchObject({
      ...{ status: 403, body: { errors: [{ pointer: '/operators', rule: 'field.everywhere' }] } },
    })
    expect((await bert('POST', '/identity-providers', { ...outside, tenantId: ground.tenant.id })).status).toBe(422)
    const own = await bert<IdentityProvider>('POST', '/identity-providers', { ...outside, tenantId: blue.id })
    expect(own).toMatchObject({ status: 201, body: { tenantName: 'blue' } })
  })

  test('tries rules, and sees which cannot give what they say', async () => {
    const { provider } = await imported()
    const rita = await as('rita')
    const rules = [
      { when: [{ attribute: 'groups', operator: 'is', value: 'noc' }], then: { give: 'role', role: 'operator' } },
      { when: [], then: { give: 'role', role: 'tenant-member' } },
    ]
    const { body } = await rita<Trial>('POST', `/identity-providers/${provider.id}/trial`, {
      ...{ rules, attributes: { groups: ['noc'] } },
    })
    expect(body.roles).toEqual([{ role: 'tenant-member', tenantId: ground.tenant.id, siteId: null, rule: 1 }])
    expect(body.ignored).toMatchObject([{ rule: 0, because: expect.stringContaining('operator') }])
  })
})

test('a member may not even list providers', async () => {
  const mona = await as('mona')
  expect((await mona('GET', '/identity-providers')).status).toBe(403)
})

describe('metadata that come anew', () => {
  test('with the same keys are in force at once', async () => {
    const { ask, issuer, key, provider } = await imported()
    const moved = metadataOf(issuer, key).replace('/sso"', '/elsewhere"')
    const { body } = await ask<IdentityProvider>('POST', `/identity-providers/${provider.id}/metadata`, {
      metadata: moved,
    })
    expect(body).toMatchObject({ pending: null, certificates: provider.certificates, revision: 2 })
  })

  test('with another key wait for a person, while the old key alone counts', async () => {
    const { ask, issuer, provider } = await imported()
    const metadata = metadataOf(issuer, rsaCredential())
    const path = `/identity-providers/${provider.id}/metadata`
    const waiting = (await ask<IdentityProvider>('POST', path, { metadata })).body
    expect(waiting).toMatchObject({ certificates: provider.certificates, pending: { words: expect.any(String) } })
    expect((await ask('POST', `${path}/confirm`, {}, provider.revision)).status).toBe(409)
    const confirmed = (await ask<IdentityProvider>('POST', `${path}/confirm`, {}, waiting.revision)).body
    expect(confirmed.pending).toBeNull()
    expect(confirmed.certificates).toEqual(waiting.pending?.certificates)
  })

  test('of another provider are refused', async () => {
    const { ask, provider } = await imported()
    const metadata = metadataOf(newIssuer(), rsaCredential())
    const answer = await ask('POST', `/identity-providers/${provider.id}/metadata`, { metadata })
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ rule: 'metadata.entity' }] } })
  })
})

describe('the watch', () => {
  const read = async (id: string) =>
    (await (await as('olga'))<IdentityProvider>('GET', `/identity-providers/${id}`)).body
  /** As though they had been fetched long ago. */
  const age = (id: string) =>
    ground.database.engine.query(`UPDATE identity_provider SET metadata_fetched_at = '2026-01-01' WHERE id = $1`, [id])

  test('closes the provider whose metadata expired, and no other', async () => {
    const { provider: other } = await imported()
    const { provider } = await imported({
      metadata: until(metadataOf(newIssuer(), rsaCredential()), new Date(Date.now() + 3_600_000)),
    })
    await ground.database.engine.query(`UPDATE identity_provider SET metadata_valid_until = now() WHERE id = $1`, [
      provider.id,
    ])
    await ground.federation.watch.look()
    expect(await read(provider.id)).toMatchObject({
      ...{ state: 'closed', closedReason: 'metadata-expired', metadataProblem: expect.stringContaining('expired') },
    })
    expect(await read(other.id)).toMatchObject({ state: 'open', metadataProblem: null })
    const watched = ground.audit.lines.filter(({ action }) => action === 'identityProviders.watch')
    expect(watched).toMatchObject([{ outcome: 'failed', subject: `identity-provider/${provider.id}` }])
  })

  test('closes the provider that publishes no key any more, and opens it when there is one again', async () => {
    const [issuer, key] = [newIssuer(), rsaCredential()]
    const { state, url } = await publisher(metadataOf(issuer, key))
    const { provider } = await imported({ metadata: undefined, metadataUrl: url })
    state.xml = metadataOf(issuer, key).replace(/<md:KeyDescriptor.*?<\/md:KeyDescriptor>/s, '')
    await age(provider.id)
    await ground.federation.watch.look()
    expect(await read(provider.id)).toMatchObject({ state: 'closed', closedReason: 'no-signing-key' })
    state.xml = metadataOf(issuer, key)
    await age(provider.id)
    await ground.federation.watch.look()
    expect(await read(provider.id)).toMatchObject({ state: 'open', closedReason: null, metadataProblem: null })
  })

  test('opens none that a person closed', async () => {
    const [issuer, key] = [newIssuer(), rsaCredential()]
    const { url } = await publisher(metadataOf(issuer, key))
    const { ask, provider } = await imported({ metadata: undefined, metadataUrl: url })
    await ask('POST', `/identity-providers/${provider.id}/state`, { state: 'closed' }, 1)
    await age(provider.id)
    await ground.federation.watch.look()
    expect(await read(provider.id)).toMatchObject({ state: 'closed', closedReason: 'operator' })
  })

  test('says what is wrong with an address that answers nonsense, and lets the provider work on', async () => {
    const [issuer, key] = [newIssuer(), rsaCredential()]
    const { state, url } = await publisher(metadataOf(issuer, key))
    const { provider } = await imported({ metadata: undefined, metadataUrl: url })
    state.xml = '<html>'
    await age(provider.id)
    await ground.federation.watch.look()
    expect(await read(provider.id)).toMatchObject({ state: 'open', metadataProblem: expect.any(String) })
  })
})

test('the secret of an OpenID Connect client is answered nowhere', async () => {
  const ask = await as('olga')
  const { status, body } = await ask<IdentityProvider>('POST', '/identity-providers/oidc', {
    ...{ name: 'oidc', operators: true, issuer: 'https://op.example.org', clientId: 'weft', clientSecret: 'hush-hush' },
  })
  expect(status).toBe(201)
  expect(JSON.stringify([body, ground.audit.lines])).not.toContain('hush-hush')
})

test('a SCIM token is shown once, and kept as a hash', async () => {
  const { ask, provider } = await imported()
  const { body } = await ask<{ token: string }>('POST', `/identity-providers/${provider.id}/scim`)
  expect(body.token).toMatch(/^weftscim_[\w-]{43}$/)
  const { rows } = await ground.database.engine.query('SELECT * FROM scim_client')
  expect(JSON.stringify(rows)).not.toContain(body.token)
  const { body: seen } = await ask<IdentityProvider>('GET', `/identity-providers/${provider.id}`)
  expect(seen.scim).toBe(true)
})
