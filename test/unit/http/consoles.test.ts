import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Problem } from '#server/contract/base.ts'
import type { VnfConsole } from '#server/contract/consoles.ts'
import { hashPassword } from '#server/identity/password.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { tenantStore } from '#server/inventory/tenants.ts'
import { type Credential, ecCredential, rsaCredential } from '../identity/saml/credentials.ts'
import { consoleMetadata } from './saml/console-ground.ts'
import { metadataOf, type SignInGround, startSignIn } from './saml/ground.ts'

const PASSWORD = 'a password for tests'
let ground: SignInGround
let blue: { id: string }
beforeAll(async () => {
  ground = await startSignIn()
  blue = await tenantStore(ground.database).create(EVERYTHING, { name: 'blue', quotas: { networks: 1, ports: 1 } })
  const passwordHash = await hashPassword(PASSWORD)
  const people = [
    ['olga', 'operator', null],
    ['axel', 'auditor', null],
    ['rita', 'tenant-administrator', ground.tenant.id],
    ['bert', 'tenant-administrator', blue.id],
    ['mona', 'tenant-member', ground.tenant.id],
  ] as const
  for (const [name, role, tenantId] of people)
    await ground.accounts.create(EVERYTHING, { name, displayName: name, role, tenantId, passwordHash })
}, 60_000)
afterAll(() => ground?.close())

async function as(name: string) {
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(`${ground.origin}/api/v1${path}`, {
      ...{ method, headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers } },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  const entered = await send('POST', '/session', { name, password: PASSWORD })
  const cookie = entered.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const ask = async <T = Problem>(method: string, path: string, body?: unknown, revision?: number) => {
    const headers = { cookie, ...(revision !== undefined && { 'if-match': `"${revision}"` }) }
    const answer = await send(method, path, body, headers)
    const text = await answer.text()
    return { status: answer.status, body: (text === '' ? undefined : JSON.parse(text)) as T }
  }
  return Object.assign(ask, { cookie })
}

let count = 0
const newEntity = () => `https://firewall-${++count}.example.org/sp`

async function registered(more: Record<string, unknown> = {}, key: Credential = rsaCredential()) {
  const [ask, entityId] = [await as('olga'), newEntity()]
  const fields = { name: `fw-${count}`, metadata: consoleMetadata(entityId, key), ...more }
  const { status, body } = await ask<VnfConsole>('POST', '/consoles', fields)
  expect(status, JSON.stringify(body)).toBe(201)
  return { ask, entityId, key, console: body }
}

const refusalOf = ({ status, body }: { status: number; body: Problem }) => {
  const [{ pointer = '', rule = '', mend = '' } = {}] = body.errors
  expect(mend).not.toBe('')
  return [status, pointer, rule]
}

describe('a console is registered', () => {
  test('from its metadata, and is told nothing of people unless that is said', async () => {
    const { ask, console, entityId } = await registered()
    expect(console).toMatchObject({
      ...{ entityId, state: 'open', tenantId: null, release: [], encrypt: false, revision: 1 },
      ...{ assertionConsumers: [`${entityId}/acs`], singleLogout: [], homeUrl: null },
      certificateNotAfter: '2049-12-31T23:59:59.000Z',
    })
    expect((await ask('GET', `/consoles/${console.id}`)).body).toEqual(console)
    expect(JSON.stringify(console)).not.toContain('X509Certificate')
    expect(ground.audit.lines.at(-1)).toMatchObject({
      ...{ action: 'consoles.register', outcome: 'done', subject: `console/${console.id}`, after: { entityId } },
    })
  })

  const refused = async (fields: Record<string, unknown>, name = 'olga') => {
    const ask = await as(name)
    const metadata = consoleMetadata(newEntity(), rsaCredential())
    return refusalOf(await ask('POST', '/consoles', { name: `fw-${count}`, metadata, ...fields }))
  }

  test.each([
    ['no XML', () => 'not at all', 'metadata.not-xml'],
    ['a DOCTYPE', () => `<!DOCTYPE x>${consoleMetadata(newEntity(), rsaCredential())}`, 'metadata.doctype'],
    ['an identity provider', () => metadataOf(newEntity(), rsaCredential()), 'metadata.entity-count'],
    ['a weak key', () => consoleMetadata(newEntity(), rsaCredential(1_024)), 'metadata.weak-key'],
    [
      'no key to sign by',
      () =>
        consoleMetadata(newEntity(), rsaCredential())
          .replace(' AuthnRequestsSigned="true"', '')
          .replace('use="signing"', 'use="encryption"'),
      'metadata.no-key',
    ],
    [
      'an address without TLS',
      () => consoleMetadata(newEntity(), rsaCredential(), 'http://firewall.example.org/acs'),
      'metadata.endpoint',
    ],
    [
      'an end that is past',
      () =>
        consoleMetadata(newEntity(), rsaCredential()).replace(
          ' entityID=',
          ' validUntil="2020-01-01T00:00:00Z" entityID=',
        ),
      'metadata.expired',
    ],
  ])('not from metadata with %s', async (_what, metadata, rule) => {
    expect(await refused({ metadata: metadata() })).toEqual([422, '/metadata', rule])
  })

  test('not twice, nor under a name that is taken', async () => {
    const { entityId, key, console } = await registered()
    const metadata = consoleMetadata(entityId, key)
    expect(await refused({ metadata })).toEqual([409, '/metadata', 'console.entity-taken'])
    expect(await refused({ name: console.name })).toEqual([409, '/name', 'console.name-taken'])
  })

  test('not with encryption to a key that cannot be encrypted to', async () => {
    const metadata = consoleMetadata(newEntity(), rsaCredential()).replace('use="encryption"', 'use="signing"')
    expect(await refused({ metadata, encrypt: true })).toEqual([422, '/encrypt', 'console.no-encryption-key'])
    const curve = consoleMetadata(newEntity(), ecCredential())
    expect(await refused({ metadata: curve, encrypt: true })).toEqual([422, '/encrypt', 'console.no-encryption-key'])
  })

  test('not for a tenant that is not there', async () => {
    expect(await refused({ tenantId: randomUUID() })).toEqual([422, '/tenantId', 'console.tenant'])
  })

  test('by a tenant for its own people alone', async () => {
    expect(await refused({}, 'rita')).toEqual([422, '/tenantId', 'console.tenant'])
    expect(await refused({ tenantId: blue.id }, 'rita')).toEqual([422, '/tenantId', 'console.tenant'])
    const ask = await as('rita')
    const fields = { name: `fw-${count}`, tenantId: ground.tenant.id }
    const metadata = consoleMetadata(newEntity(), rsaCredential())
    expect((await ask('POST', '/consoles', { ...fields, metadata })).status).toBe(201)
  })

  test('by nobody without the right to it', async () => {
    for (const name of ['mona', 'axel']) {
      const ask = await as(name)
      const metadata = consoleMetadata(newEntity(), rsaCredential())
      expect((await ask('POST', '/consoles', { name: `fw-${count}`, metadata })).status).toBe(403)
    }
  })
})

describe('a console that is registered', () => {
  test('is changed by who has its revision', async () => {
    const { ask, console } = await registered()
    const path = `/consoles/${console.id}`
    const fields = {
      release: ['email', 'roles'],
      encrypt: true,
      state: 'closed',
      homeUrl: 'https://firewall.example.org/',
    }
    const { body, status } = await ask<VnfConsole>('PATCH', path, fields, 1)
    expect([status, body]).toMatchObject([200, { ...fields, revision: 2 }])
    expect((await ask('PATCH', path, { state: 'open' }, 1)).status).toBe(409)
    expect((await ask('PATCH', path, { release: ['password'] }, 2)).status).toBe(422)
    expect(ground.audit.lines.findLast(({ outcome }) => outcome === 'done')).toMatchObject({
      ...{ action: 'consoles.update', before: { encrypt: false }, after: { encrypt: true } },
    })
    expect((await ask<VnfConsole>('PATCH', path, { homeUrl: null }, 2)).body).toMatchObject({
      homeUrl: null,
      encrypt: true,
    })
  })

  test('keeps being the same one when its metadata change', async () => {
    const { ask, console, entityId } = await registered()
    const path = `/consoles/${console.id}`
    const other = consoleMetadata(newEntity(), rsaCredential())
    expect(refusalOf(await ask('PATCH', path, { metadata: other }, 1))).toEqual([422, '/metadata', 'metadata.entity'])
    const next = consoleMetadata(entityId, rsaCredential(), `${entityId}/new`)
    expect((await ask<VnfConsole>('PATCH', path, { metadata: next }, 1)).body.assertionConsumers).toEqual([
      `${entityId}/new`,
    ])
  })

  test('is forgotten with all that it knew', async () => {
    const { ask, console } = await registered()
    const { rows } = await ground.database.engine.query(
      `INSERT INTO pairwise_name (service_provider_id, account_id, name_id) SELECT $1, id, '_x' FROM account WHERE name = 'mona' RETURNING 1`,
      [console.id],
    )
    expect(rows).toHaveLength(1)
    expect((await ask('DELETE', `/consoles/${console.id}`, undefined, 2)).status).toBe(409)
    expect((await ask('DELETE', `/consoles/${console.id}`, undefined, 1)).status).toBe(204)
    expect((await ask('GET', `/consoles/${console.id}`)).status).toBe(404)
    const left = await ground.database.engine.query('SELECT 1 FROM pairwise_name WHERE service_provider_id = $1', [
      console.id,
    ])
    expect(left.rows).toEqual([])
  })

  test('of another tenant, or of nobody, is not there for a tenant', async () => {
    const [of, nobodys] = [await registered({ tenantId: blue.id }), await registered()]
    const ask = await as('rita')
    for (const { id } of [of.console, nobodys.console]) {
      expect((await ask('GET', `/consoles/${id}`)).status).toBe(404)
      expect((await ask('PATCH', `/consoles/${id}`, { state: 'closed' }, 1)).status).toBe(404)
      expect((await ask('DELETE', `/consoles/${id}`, undefined, 1)).status).toBe(404)
    }
    const { body } = await ask<{ items: VnfConsole[] }>('GET', '/consoles')
    expect(new Set(body.items.map(({ tenantId }) => tenantId))).toEqual(new Set([ground.tenant.id]))
    const bert = await as('bert')
    expect((await bert<{ items: VnfConsole[] }>('GET', '/consoles')).body.items.map(({ id }) => id)).toEqual([
      of.console.id,
    ])
  })
})

describe('one’s own consoles', () => {
  interface Mine {
    items: { id: string; displayName: string; url: string; signedInAt: string | null }[]
  }

  test('are those that are open and that one may use', async () => {
    const made = {
      red: await registered({ tenantId: ground.tenant.id, displayName: 'Red wall' }),
      blue: await registered({ tenantId: blue.id }),
      all: await registered(),
      closed: await registered(),
    }
    await made.closed.ask('PATCH', `/consoles/${made.closed.console.id}`, { state: 'closed' }, 1)
    const ask = await as('mona')
    const ids = (await ask<Mine>('GET', '/my-consoles')).body.items.map(({ id }) => id)
    const has = Object.fromEntries(Object.entries(made).map(([name, { console }]) => [name, ids.includes(console.id)]))
    expect(has).toEqual({ red: true, blue: false, all: true, closed: false })
    const { items } = (await ask<Mine>('GET', '/my-consoles')).body
    expect(items.find(({ displayName }) => displayName === 'Red wall')).toEqual({
      ...{ id: made.red.console.id, displayName: 'Red wall', signedInAt: null },
      url: `/saml/idp/launch?console=${made.red.console.id}`,
    })
  })

  test('say which one is signed in to', async () => {
    const { console } = await registered()
    const ask = await as('mona')
    const launched = await ground.get(`/saml/idp/launch?console=${console.id}`, { cookie: ask.cookie })
    const login = ground.cookieOf(launched, /^__Host-weft-login/)
    const posted = await ground.get(launched.headers.get('location') ?? '', { cookie: `${ask.cookie}; ${login}` })
    expect(posted.status).toBe(200)
    const mine = (await ask<Mine>('GET', '/my-consoles')).body.items.find(({ id }) => id === console.id)
    expect(Date.parse(mine?.signedInAt ?? '')).toBeGreaterThan(Date.now() - 60_000)
    const elsewhere = (await (await as('mona'))<Mine>('GET', '/my-consoles')).body.items.find(
      ({ id }) => id === console.id,
    )
    expect(elsewhere?.signedInAt).toBeNull()
  })
})
