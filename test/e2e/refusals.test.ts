import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Problem } from '#server/contract/base.ts'
import type { ChangeSummary } from '#server/contract/changes.ts'
import type { Tenant } from '#server/contract/inventory.ts'
import type { Network, Port } from '#server/contract/networks.ts'
import { type Api, type Asked, apiAt, commit, type Reply, signIn } from './api.ts'
import { type Page, type RunningLab, startLab, type Wrote } from './running-lab.ts'

const NOWHERE = '01a1fcb4-c9f1-725c-abdb-f25b649bf204'

let running: RunningLab
let api: Api
/** A tenant with one network (VNI 4242, 10.0.0.0/24), h1 and h4 in it, committed; its quota: two networks, four ports. */
let red: Tenant
let network: Network
let port: Port
/** Another tenant, which has a network too, and its administrator. */
let blue: Tenant
let foreign: { network: Network; port: Port; change: ChangeSummary }
let asBlue: Api
let attachments: ReadonlyMap<string, string>

beforeAll(async () => {
  running = await startLab('e2er')
  api = running.api
  const { items } = await api.get<Page<{ id: string; name: string }>>('/attachments')
  attachments = new Map(items.map(({ name, id }) => [name, id]))
  red = await running.tenant('red', { networks: 2, ports: 4 })
  blue = await running.tenant('blue')
  const { id: change } = await running.draft('red and blue')
  const body = { tenantId: red.id, name: 'red-net', vni: 4242, change }
  network = (await api.post<Wrote<Network>>('/networks', body)).item
  await api.post('/subnets', { networkId: network.id, prefix: '10.0.0.0/24', gateway: '10.0.0.254', change })
  port = (await running.plug(network, 'h1', change)).item
  await running.plug(network, 'h4', change)
  const theirs = await running.network(blue, 'blue-net', '10.0.0.0/24', change)
  const { item } = await running.plug(theirs, 'h2', change)
  const done = await commit(api, change)
  foreign = { network: theirs, port: item, change: done.change }
  expect(done.change.state).toBe('committed')
  const account = { name: 'bea', role: 'tenant-administrator', tenantId: blue.id, password: 'a long enough one' }
  await api.post('/users', account)
  asBlue = apiAt(running.weft.address, await signIn(running.weft.address, 'bea', account.password))
})

afterAll(() => running?.stop())

/** Everything that a refused write could have left behind: objects, drafts, tasks, and the next number of the pool. */
async function stored(): Promise<unknown> {
  const lists = ['/tenants', '/networks', '/subnets', '/ports', '/tasks', '/users']
  const found = await Promise.all(lists.map((path) => api.get<Page<object>>(path)))
  const { items } = await api.get<Page<ChangeSummary>>('/changes', { filter: 'state:ne:discarded' })
  // How things stand on the switches moves by itself.
  const intent = found.map((page) => page.items.map((item) => ({ ...item, state: undefined, spoofed: undefined })))
  return [...intent, items.map(({ name, state }) => [name, state])]
}

/** Asks for what must be refused. Answers what the problem says first; checks its form, and that nothing was stored. */
async function refused(as: Api, method: string, path: string, asked: Asked = {}) {
  const before = await stored()
  const reply = await as.ask<Problem>(method, path, asked)
  expect(await stored()).toEqual(before)
  return said(reply)
}

function said({ status, headers, body }: Reply<Problem>) {
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(body).toMatchObject({ status, type: `urn:weft:problem:${body.code}`, title: expect.stringMatching(/\w/) })
  expect(body.detail).toMatch(/\w.*\.$/)
  for (const { message, mend } of body.errors)
    expect([message, mend]).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/\w/)])
  const [first] = body.errors
  return { status, code: body.code, pointer: first?.pointer, rule: first?.rule }
}

const rule = (pointer: string, name: string) => ({ status: 422, code: 'rule', pointer, rule: name })
const taken = (pointer: string, name: string) => ({ status: 409, code: 'conflict', pointer, rule: name })

const place = (name: string) => attachments.get(name)
const aNetwork = (more: object) => ({ body: { tenantId: red.id, name: 'more', ...more } })
const aSubnet = (more: object) => ({ body: { networkId: network.id, prefix: '10.1.0.0/24', ...more } })
const aPort = (more: object) => ({ body: { networkId: network.id, attachmentId: place('h3'), ...more } })

describe('a network is refused', () => {
  test.each([
    ['with VNI 0', { vni: 0 }, rule('/vni', 'minimum')],
    ['with VNI 16777216', { vni: 16_777_216 }, rule('/vni', 'maximum')],
    ['with a VNI that is taken', { vni: 4242 }, taken('/vni', 'network.vni-taken')],
    ['with a name that is taken', { name: 'red-net' }, taken('/name', 'network.name-taken')],
    ['with a name that is none', { name: 'Red_Net' }, rule('/name', 'format')],
    ['with a key that nobody knows', { vin: 17 }, rule('/vin', 'unknown-key')],
    [
      'for a tenant that is not there',
      { tenantId: NOWHERE },
      { status: 404, code: 'not-found', pointer: '/tenantId', rule: 'tenant.unknown' },
    ],
    ['in a draft that is not there', { change: NOWHERE }, { status: 404, code: 'not-found' }],
  ])('%s', async (_, more, expected) => {
    expect(await refused(api, 'POST', '/networks', aNetwork(more))).toMatchObject(expected)
  })

  test('with an MTU that the underlay cannot carry', async () => {
    const asked = { body: { mtu: 9000 }, revision: network.revision }
    const expected = rule('/mtu', 'network.mtu-budget')
    expect(await refused(api, 'PATCH', `/networks/${network.id}`, asked)).toEqual(expected)
  })

  test('beyond the quota, drafts included', async () => {
    const { id: change } = await running.draft('the last one')
    await api.post('/networks', { tenantId: red.id, name: 'last', change })
    expect(await refused(api, 'POST', '/networks', aNetwork({}))).toEqual(rule('', 'tenant.quota-networks'))
    await api.remove(`/changes/${change}`)
  })
})

describe('a subnet is refused', () => {
  test.each([
    ['that overlaps another', { prefix: '10.0.0.128/25' }, rule('/prefix', 'subnet.overlap')],
    ['that is malformed', { prefix: '10.1.0.0/33' }, rule('/prefix', 'subnet.prefix')],
    ['that is no prefix at all', { prefix: 'ten' }, rule('/prefix', 'subnet.prefix')],
    ['with host bits', { prefix: '10.1.0.9/24' }, rule('/prefix', 'subnet.host-bits')],
    ['with a gateway outside', { gateway: '10.2.0.1' }, rule('/gateway', 'subnet.gateway')],
    [
      'in a network that is not there',
      { networkId: NOWHERE },
      { status: 404, code: 'not-found', pointer: '/networkId', rule: 'network.unknown' },
    ],
  ])('%s', async (_, more, expected) => {
    expect(await refused(api, 'POST', '/subnets', aSubnet(more))).toEqual(expected)
  })
})

describe('a port is refused', () => {
  test.each([
    [
      'with an address outside its subnet',
      () => ({ addresses: ['10.9.0.1'] }),
      rule('/addresses/0', 'port.address-outside'),
    ],
    [
      'with an address that is used',
      () => ({ addresses: port.addresses }),
      taken('/addresses/0', 'port.address-taken'),
    ],
    ['with the gateway’s address', () => ({ addresses: ['10.0.0.254'] }), rule('/addresses/0', 'port.address-gateway')],
    ['with an address that is none', () => ({ addresses: ['10.0.0.256'] }), rule('/addresses/0', 'port.address')],
    ['with a MAC that the network has', () => ({ mac: port.mac }), taken('/mac', 'port.mac-taken')],
    ['with a MAC that is none', () => ({ mac: '52:54' }), rule('/mac', 'format')],
    ['with VLAN 0', () => ({ vlan: 0 }), rule('/vlan', 'minimum')],
    ['with VLAN 4095', () => ({ vlan: 4095 }), rule('/vlan', 'maximum')],
    [
      'at a place that another tenant uses',
      () => ({ attachmentId: place('h2') }),
      taken('/attachmentId', 'port.attachment-taken'),
    ],
    [
      'at a place that is not there',
      () => ({ attachmentId: NOWHERE }),
      { status: 404, code: 'not-found', pointer: '/attachmentId', rule: 'attachment.unknown' },
    ],
    ['without a network', () => ({ networkId: undefined }), rule('/networkId', 'required')],
  ])('%s', async (_, more, expected) => {
    expect(await refused(api, 'POST', '/ports', aPort(more()))).toEqual(expected)
  })

  test('beyond the quota, drafts included', async () => {
    const { id: change } = await running.draft('the last ones')
    for (const host of ['h3', 'h5']) await running.plug(network, host, change)
    expect(await refused(api, 'POST', '/ports', aPort({ attachmentId: place('h6') }))).toEqual(
      rule('', 'tenant.quota-ports'),
    )
    await api.remove(`/changes/${change}`)
  })
})

describe('what another tenant has is not there', () => {
  test.each([
    ['GET', () => `/networks/${network.id}`],
    ['GET', () => `/ports/${port.id}`],
    ['GET', () => `/tenants/${red.id}`],
    ['DELETE', () => `/networks/${network.id}`],
    ['DELETE', () => `/ports/${port.id}`],
  ])('%s %s', async (method, path) => {
    const expected = { status: 404, code: 'not-found' }
    expect(await refused(asBlue, method, path(), { revision: 1 })).toMatchObject(expected)
  })

  test('and nothing is put into it', async () => {
    expect(await refused(asBlue, 'POST', '/networks', aNetwork({}))).toMatchObject({
      status: 404,
      pointer: '/tenantId',
    })
    expect(await refused(asBlue, 'POST', '/subnets', aSubnet({}))).toMatchObject({ status: 404, pointer: '/networkId' })
    expect(await refused(asBlue, 'POST', '/ports', aPort({}))).toMatchObject({ status: 404, pointer: '/networkId' })
  })

  test('and what only operators may do is forbidden', async () => {
    expect(await refused(asBlue, 'POST', '/tenants', { body: { name: 'mine' } })).toMatchObject({
      status: 403,
      code: 'forbidden',
    })
    expect(await refused(asBlue, 'GET', '/datapaths')).toMatchObject({ status: 403 })
  })
})

describe('a revision', () => {
  const rename = { body: { name: 'renamed' } }
  test('that is missing is asked for', async () => {
    expect(await refused(api, 'PATCH', `/networks/${network.id}`, rename)).toEqual({
      status: 428,
      code: 'revision-required',
      pointer: '',
      rule: 'if-match',
    })
    expect(await refused(api, 'DELETE', `/ports/${port.id}`)).toMatchObject({ status: 428 })
  })
  test('that is stale is a conflict', async () => {
    const asked = { ...rename, revision: network.revision + 1 }
    expect(await refused(api, 'PATCH', `/networks/${network.id}`, asked)).toEqual({
      status: 409,
      code: 'revision-stale',
      pointer: '',
      rule: 'revision',
    })
  })
  test('that is no number is malformed', async () => {
    const asked = { ...rename, headers: { 'if-match': 'latest' } }
    expect(await refused(api, 'PATCH', `/networks/${network.id}`, asked)).toMatchObject({
      status: 400,
      code: 'malformed',
    })
  })
})

describe('a request is refused', () => {
  test('whose body is not JSON', async () => {
    expect(await refused(api, 'POST', '/networks', { body: '{"name": ' })).toMatchObject({
      status: 400,
      code: 'malformed',
    })
  })
  test('whose body is of another kind', async () => {
    const asked = { body: 'name=red', headers: { 'content-type': 'application/x-www-form-urlencoded' } }
    expect(await refused(api, 'POST', '/networks', asked)).toMatchObject({ status: 415 })
  })
  test('whose body is over its limit', async () => {
    const large = { body: { tenantId: red.id, name: 'x'.repeat(70_000) } }
    expect(await refused(api, 'POST', '/networks', large)).toMatchObject({ status: 413, code: 'too-large' })
  })
  test('whose id is not there, or is none', async () => {
    expect(await refused(api, 'GET', `/networks/${NOWHERE}`)).toMatchObject({ status: 404, code: 'not-found' })
    expect(await refused(api, 'GET', '/networks/red-net')).toMatchObject({ status: 404, code: 'not-found' })
    expect(await refused(api, 'GET', '/changes/C-9999')).toMatchObject({ status: 404 })
  })
  test('whose path or method is not there', async () => {
    expect(await refused(api, 'GET', '/nothing')).toMatchObject({ status: 404 })
    expect(await refused(api, 'PUT', '/networks', { body: {} })).toMatchObject({ status: 405 })
  })
  test('whose query has what a list does not know', async () => {
    expect(await refused(api, 'GET', '/networks', { query: { filter: 'colour:eq:red' } })).toMatchObject({
      status: 400,
    })
    expect(await refused(api, 'GET', '/networks', { query: { limit: 5000 } })).toMatchObject(rule('/limit', 'maximum'))
    expect(await refused(api, 'GET', '/networks', { query: { page: 2 } })).toMatchObject(rule('/page', 'unknown-key'))
    expect(await refused(api, 'GET', '/networks', { query: { cursor: 'nonsense' } })).toMatchObject({ status: 400 })
  })
  test('to commit, preview or edit what is no draft any more', async () => {
    const { id } = foreign.change
    expect(await refused(api, 'POST', `/changes/${id}/commit`, { body: {} })).toMatchObject({
      status: 409,
      rule: 'change.draft',
    })
    expect(await refused(api, 'POST', '/networks', aNetwork({ change: id }))).toMatchObject({ status: 409 })
    expect(await refused(api, 'DELETE', `/changes/${id}`)).toMatchObject({ status: 409 })
  })
  test('to commit a draft that edits nothing', async () => {
    const { id } = await running.draft('nothing')
    expect(await refused(api, 'POST', `/changes/${id}/commit`, { body: {} })).toMatchObject(rule('', 'change.empty'))
    await api.remove(`/changes/${id}`)
  })
  test('to remove a tenant that has networks', async () => {
    const { revision } = await api.get<Tenant>(`/tenants/${red.id}`)
    expect(await refused(api, 'DELETE', `/tenants/${red.id}`, { revision })).toMatchObject({ status: 409 })
  })
})

/** A request with headers that fetch does not let one set. */
const raw = (path: string, headers: Record<string, string>, method = 'GET'): Promise<number> =>
  new Promise((resolve, reject) => {
    const { hostname, port: number } = new URL(running.weft.address)
    request({ host: hostname, port: number, path, method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })

describe('a stranger', () => {
  const nobody = () => apiAt(running.weft.address)

  test('without a session, or with a made-up one, gets nothing', async () => {
    const made = apiAt(running.weft.address, 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
    for (const one of [nobody(), made])
      for (const path of ['/networks', '/changes', '/datapaths', '/session', '/audit'])
        expect(await refused(one, 'GET', path)).toMatchObject({ status: 401, code: 'unauthenticated' })
    expect(await refused(nobody(), 'POST', '/tenants', { body: { name: 'mine' } })).toMatchObject({ status: 401 })
    expect((await fetch(`${running.weft.address}/events`)).status).toBe(401)
  })

  test('behind a page of another site is refused, whatever cookie comes along', async () => {
    const session = await signIn(running.weft.address, 'admin', running.weft.password)
    const as = apiAt(running.weft.address, session)
    const body = { name: 'mine' }
    const foreign = [
      ['origin', 'https://evil.example'],
      ['origin', 'null'],
      ['sec-fetch-site', 'cross-site'],
    ] as const
    for (const headers of foreign.map(([name, value]) => ({ [name]: value })))
      expect(await refused(as, 'POST', '/tenants', { body, headers })).toMatchObject({ status: 403, code: 'forbidden' })
  })

  test('who calls the console by a foreign name is refused', async () => {
    expect(await raw('/api/v1/session', { host: 'evil.example' })).toBe(400)
    expect(await raw('/', { host: 'evil.example' })).toBe(400)
  })

  test('meets headers that keep pages to themselves', async () => {
    const page = await fetch(`${running.weft.address}/sign-in`)
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/script-src 'self' 'nonce-[^']+' 'strict-dynamic'/)
    expect(policy).toContain("frame-ancestors 'none'")
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] as string
    const scripts = [...(await page.text()).matchAll(/<script\b[^>]*>/g)].map(([tag]) => tag)
    expect(scripts.length).toBeGreaterThan(0)
    expect(scripts.filter((tag) => !tag.includes(`nonce="${nonce}"`))).toEqual([])
    const data = await fetch(`${running.weft.address}/api/v1/session`)
    for (const { headers } of [page, data])
      expect(Object.fromEntries(headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
      })
    expect(data.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(data.headers.get('cache-control')).toBe('no-store')
  })

  test('gets a cookie that scripts and other sites do not see', async () => {
    const reply = await nobody().ask('POST', '/session', { body: { name: 'bea', password: 'a long enough one' } })
    expect(reply.headers.get('set-cookie')).toMatch(
      /^__Host-weft-e2er=[\w-]{32,}; Path=\/; Max-Age=\d+; HttpOnly; Secure; SameSite=Lax$/,
    )
    expect(reply.headers.get('x-weft-session')).toBeNull()
  })

  test('who tries a wrong password learns nothing, and is stopped after ten', async () => {
    const wrong = (name: string) => nobody().ask<Problem>('POST', '/session', { body: { name, password: 'wrong' } })
    const [known, unknown] = [await wrong('bea'), await wrong('nobody')]
    expect(known.status).toBe(401)
    expect(unknown.body).toEqual(known.body)
    for (let tries = 1; tries < 10; tries++) expect((await wrong('bea')).status).toBe(401)
    const stopped = await wrong('bea')
    expect(said(stopped)).toMatchObject({ status: 429, code: 'too-many' })
    expect(Number(stopped.headers.get('retry-after'))).toBeGreaterThan(0)
    const right = await nobody().ask('POST', '/session', { body: { name: 'bea', password: 'a long enough one' } })
    expect(right.status).toBe(429)
    expect((await asBlue.ask('GET', '/session')).status).toBe(200)
  })

  test('who was signed out is one again', async () => {
    const session = await signIn(running.weft.address, 'admin', running.weft.password)
    const as = apiAt(running.weft.address, session)
    expect((await as.ask('GET', '/session')).status).toBe(200)
    expect((await as.ask('DELETE', '/session')).status).toBe(204)
    expect((await as.ask('GET', '/session')).status).toBe(401)
  })
})
