import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Change } from '#server/contract/changes.ts'
import type { Attachment, InventoryFile, Nic, NicLimits, Site } from '#server/contract/inventory.ts'
import type { Network, Port } from '#server/contract/networks.ts'
import type { Api } from './api.ts'
import { NOWHERE, refusal, refusedTo, rule, taken } from './refused.ts'
import type { Page, RunningLab } from './running-lab.ts'
import { type House, startTwoTenants } from './two-tenants.ts'

let running: RunningLab
let api: Api
let red: House
let network: Network
let port: Port
let asBlue: Api
let attachments: ReadonlyMap<string, string>

beforeAll(async () => {
  const two = await startTwoTenants('e2er')
  ;({ running, red } = two)
  ;({ network, near: port } = red)
  api = running.api
  asBlue = two.bea.api
  const { items } = await api.get<Page<{ id: string; name: string }>>('/attachments')
  attachments = new Map(items.map(({ name, id }) => [name, id]))
})

afterAll(() => running?.stop())

const refused = refusedTo(() => api)

const place = (name: string) => attachments.get(name)
const aNetwork = (more: object) => ({ body: { tenantId: red.tenant.id, name: 'more', ...more } })
const aSubnet = (more: object) => ({ body: { networkId: network.id, prefix: '10.1.0.0/24', ...more } })
const aPort = (more: object) => ({ body: { networkId: network.id, attachmentId: place('h3'), ...more } })

describe('a network is refused', () => {
  test.each([
    ['with VNI 0', { vni: 0 }, rule('/vni', 'minimum')],
    ['with VNI 16777216', { vni: 16_777_216 }, rule('/vni', 'maximum')],
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

  test('with a VNI that is taken', async () => {
    expect(await refused(api, 'POST', '/networks', aNetwork({ vni: network.vni }))).toEqual(
      taken('/vni', 'network.vni-taken'),
    )
  })

  test('with an MTU that the underlay cannot carry', async () => {
    const asked = { body: { mtu: 9000 }, revision: network.revision }
    const expected = rule('/mtu', 'network.mtu-budget')
    expect(await refused(api, 'PATCH', `/networks/${network.id}`, asked)).toEqual(expected)
  })

  test('beyond the quota, drafts included', async () => {
    const { id: change } = await running.draft('the last one')
    await api.post('/networks', { tenantId: red.tenant.id, name: 'last', change })
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
    for (const host of ['h3', 'h6']) await running.plug(network, host, change)
    expect(await refused(api, 'POST', '/ports', aPort({ vlan: 7 }))).toEqual(rule('', 'tenant.quota-ports'))
    await api.remove(`/changes/${change}`)
  })
})

describe('a port behind a NIC without room is refused', () => {
  const declare = (hardware: Partial<InventoryFile>) =>
    api.post('/inventory/import', {
      ...{ sites: [], servers: [], nics: [], datapaths: [], attachments: [] },
      ...hardware,
    })
  const nicOf = async (serverName: string) => {
    const { items } = await api.get<Page<Nic>>('/nics', { filter: `serverName:eq:${serverName}` })
    return items[0] as Nic
  }
  /** Declares the NIC of a server again, with these figures in place of its profile's. */
  const correct = async (server: string, limits: NicLimits) => {
    const { name, profile } = await nicOf(server)
    return declare({ nics: [{ name, server, profile: profile.name, limits }] })
  }
  const noRoom = (message: string, limit: string) => ({
    ...{ status: 422, code: 'rule', detail: message },
    errors: [
      {
        ...{ pointer: '/attachmentId', rule: 'nic.no-room', limit, message },
        mend: 'Choose an attachment behind another NIC.',
      },
    ],
  })

  test('that was declared with room for two, by drafts too, and the command line says the same', async () => {
    const [{ name: site } = { name: '' }] = (await api.get<Page<Site>>('/sites')).items
    const socket = `unix:${running.lab.runDir}/small.sock`
    const datapath = { name: 'small', server: 'srv-9', nic: 'small', role: 'edge', bridge: 'small' } as const
    const away = { datapathId: '00000000000009ff', ovsdb: 'listen', controller: socket } as const
    await declare({
      servers: [{ name: 'srv-9', site, vtep: '192.0.2.9', underlayMtu: 1500 }],
      nics: [{ name: 'small', server: 'srv-9', profile: 'openflow-nic', limits: { virtualNics: 2 } }],
      datapaths: [{ ...datapath, ...away, uplink: null, fabric: null, fabricPort: null, tunnel: null }],
      attachments: [1, 2, 3].map((n) => ({
        ...{ name: `v${n}`, datapath: 'small', port: `v${n}`, mac: `52:54:00:99:00:0${n}` },
      })),
    })
    expect(await nicOf('srv-9')).toMatchObject({
      profile: { name: 'openflow-nic', limits: { virtualNics: 2, entries: 65_536, openflowInstances: 16 } },
      corrected: ['virtualNics'],
    })
    const { items } = await api.get<Page<Attachment>>('/attachments', { filter: 'serverName:eq:srv-9' })
    const [v1, v2, v3] = items.map(({ id }) => id)
    const { id: change, name } = await running.draft('three behind a small one')
    const green = await running.network(await running.tenant('green'), 'green-net', '10.0.0.0/24', change)
    const plug = (attachmentId: string | undefined) => ({ body: { networkId: green.id, attachmentId, change } })
    for (const place of [v1, v2]) expect((await api.ask('POST', '/ports', plug(place))).status).toBe(201)

    const message = 'small of srv-9 serves 2 ports, as many as the limit set for it allows.'
    const { body } = await refusal(api, api, 'POST', '/ports', plug(v3))
    expect(body).toMatchObject(noRoom(message, '2 virtual NICs'))

    const typed = ['port', 'create', '--network', 'green-net', '--attachment', 'v3', '--change', name]
    const ended = await running.weft.cli(...typed).catch((error: { code: number; stderr: string }) => error)
    expect(ended).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`/attachmentId: ${message} Choose an attachment behind another NIC.`),
    })
    const { edits } = await api.get<Change>(`/changes/${change}`)
    expect(edits.filter(({ kind }) => kind === 'port').map(({ label }) => label)).toEqual(['v1', 'v2'])
    await api.remove(`/changes/${change}`)
  })

  test('until its operator gives it more, in whosever ports it is full', async () => {
    expect(await correct('srv-1', { virtualNics: 2 })).toEqual({ created: 0, updated: 1, unchanged: 0 })
    const full = await nicOf('srv-1')
    expect([full.profile.limits.virtualNics, full.used.virtualNics]).toEqual([2, 2])
    const { body } = await refusal(api, api, 'POST', '/ports', aPort({}))
    expect(body).toMatchObject(
      noRoom(`${full.name} of srv-1 serves 2 ports, as many as the limit set for it allows.`, '2 virtual NICs'),
    )
    expect(await correct('srv-1', {})).toEqual({ created: 0, updated: 1, unchanged: 0 })
    expect(await nicOf('srv-1')).toMatchObject({ profile: { limits: { virtualNics: 2048 } }, corrected: [] })
    const { id: change } = await running.draft('there is room again')
    expect((await api.ask('POST', '/ports', aPort({ change }))).status).toBe(201)
    await api.remove(`/changes/${change}`)
  })

  test('and figures that are none are refused themselves', async () => {
    const nic = { name: 'odd', server: 'srv-1', profile: 'openflow-nic' }
    const body = { sites: [], servers: [], datapaths: [], attachments: [] }
    const declared = (limits: object) =>
      refused(api, 'POST', '/inventory/import', { body: { ...body, nics: [{ ...nic, limits }] } })
    expect(await declared({ virtualNics: -1 })).toEqual(rule('/nics/0/limits/virtualNics', 'minimum'))
    expect(await declared({ ports: 2 })).toEqual(rule('/nics/0/limits/ports', 'unknown-key'))
  })
})

describe('what another tenant has is not there', () => {
  test.each([
    ['GET', () => `/networks/${network.id}`],
    ['GET', () => `/ports/${port.id}`],
    ['GET', () => `/tenants/${red.tenant.id}`],
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
