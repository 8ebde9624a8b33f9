import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NicLimits } from '#server/contract/inventory.ts'
import { changeStore } from '#server/inventory/changes.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import type { Writer } from '#server/inventory/drafts.ts'
import { infrastructureStore } from '#server/inventory/infrastructure.ts'
import { networkWriter } from '#server/inventory/networks.ts'
import { portWriter } from '#server/inventory/ports.ts'
import { networkViews } from '#server/inventory/views.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { hardware, refusal, type Site, site } from './fixture.ts'

let database: TestDatabase
let lab: Site
let red: { id: string; writer: Writer }
let blue: { id: string; writer: Writer }
/** A draft of red with network `web`, 10.0.0.0/24 whose gateway is .254, and a port with 10.0.0.1 on host-1-1. */
let draft: Writer
let networkId: string
let portId: string

const networks = () => networkWriter(database)
const ports = () => portWriter(database)
const views = () => networkViews(database)
const changes = () => changeStore(database)
const attachment = (name: string): string => lab.attachments.get(name) as string
const plug = (host: string, more: object = {}) =>
  ports().createPort(draft, { networkId, attachmentId: attachment(host), vlan: null, ...more })

beforeAll(async () => {
  database = await startTestDatabase()
  lab = await site(database, 4)
  red = await lab.tenant('red', { networks: 3, ports: 5 })
  blue = await lab.tenant('blue')
  const { id: change } = await changes().create(red.writer.scope, {
    title: '',
    tenantId: red.id,
    actor: red.writer.actor,
  })
  draft = { ...red.writer, change }
  networkId = (await networks().createNetwork(draft, { tenantId: red.id, name: 'web', vni: 300 })).id
  await networks().createSubnet(draft, { networkId, prefix: '10.0.0.0/24', gateway: '10.0.0.254' })
  portId = (await plug('host-1-1')).id
}, 30_000)
afterAll(() => database?.close())

/** What a refusal said of its first error; nothing was stored. */
async function refused(work: () => Promise<unknown>) {
  const stored = () => database.engine.query('SELECT kind, object_id, revision FROM change_edit ORDER BY 1, 2')
  const drafts = () => database.engine.query('SELECT count(*) FROM change')
  const [before, count] = [(await stored()).rows, (await drafts()).rows]
  const { code, errors } = await refusal(work())
  expect((await stored()).rows).toEqual(before)
  expect((await drafts()).rows).toEqual(count)
  const [first] = errors
  expect(first?.message, 'a message').toMatch(/\w.*\.$/)
  expect(first?.mend, 'a mend').toMatch(/\w.*\.$/)
  return { code, pointer: first?.pointer, rule: first?.rule, limit: first?.limit }
}

describe('a network is refused', () => {
  test('with a VNI that is taken, without saying whose when it is another tenant’s', async () => {
    const again = () => networks().createNetwork(draft, { tenantId: red.id, name: 'again', vni: 300 })
    expect(await refused(again)).toMatchObject({ code: 'conflict', pointer: '/vni', rule: 'network.vni-taken' })
    const own = await refusal(networks().createNetwork(draft, { tenantId: red.id, name: 'again', vni: 300 }))
    expect(own.message).toBe('VNI 300 is taken by web.')
    const foreign = await refusal(networks().createNetwork(blue.writer, { tenantId: blue.id, name: 'again', vni: 300 }))
    expect(foreign.message).toBe('VNI 300 is taken by another network.')
  })

  test('with a name that the tenant has, be it in another draft', async () => {
    const twin = () => networks().createNetwork(red.writer, { tenantId: red.id, name: 'web' })
    expect(await refused(twin)).toMatchObject({ code: 'conflict', pointer: '/name', rule: 'network.name-taken' })
  })

  test('beyond the tenant’s quota, drafts included', async () => {
    const make = (name: string) => networks().createNetwork(draft, { tenantId: red.id, name })
    const [second, third] = [await make('two'), await make('three')]
    const fourth = () => networks().createNetwork(red.writer, { tenantId: red.id, name: 'four' })
    expect(await refused(fourth)).toEqual({
      ...{ code: 'rule', pointer: '', rule: 'tenant.quota-networks', limit: '3 networks' },
    })
    for (const { id } of [second, third]) await networks().removeNetwork(draft, id, 1)
  })

  test('with an MTU that its subnets cannot have', async () => {
    const small = () => networks().updateNetwork(draft, networkId, 1, { mtu: 67 })
    expect(await refused(small)).toMatchObject({ pointer: '/mtu', rule: 'network.mtu-least', limit: '68 bytes' })
  })

  test('for a tenant that the writer may not know of', async () => {
    const foreign = () => networks().createNetwork(red.writer, { tenantId: blue.id, name: 'mine' })
    expect(await refused(foreign)).toMatchObject({ code: 'not-found', pointer: '/tenantId' })
  })
})

describe('a subnet is refused', () => {
  const add = (prefix: string, gateway: string | null = null) =>
    networks().createSubnet(draft, { networkId, prefix, gateway })

  test('that overlaps another one of the network', async () => {
    expect(await refused(() => add('10.0.0.128/25'))).toMatchObject({ pointer: '/prefix', rule: 'subnet.overlap' })
  })
  test('that is no prefix', async () => {
    expect(await refused(() => add('10.0.0'))).toMatchObject({ pointer: '/prefix', rule: 'subnet.prefix' })
  })
  test('that has host bits, naming the prefix that was meant', async () => {
    expect(await refused(() => add('10.1.0.7/24'))).toMatchObject({ pointer: '/prefix', rule: 'subnet.host-bits' })
    expect((await refusal(add('10.1.0.7/24'))).errors[0]?.mend).toContain('10.1.0.0/24')
  })
  test('whose gateway lies outside', async () => {
    expect(await refused(() => add('10.1.0.0/24', '10.2.0.1'))).toMatchObject({
      pointer: '/gateway',
      rule: 'subnet.gateway',
    })
  })
  test('in a network of another tenant, as if there were none', async () => {
    const foreign = () => networks().createSubnet(blue.writer, { networkId, prefix: '10.9.0.0/24', gateway: null })
    expect(await refused(foreign)).toMatchObject({ code: 'not-found', pointer: '/networkId', rule: 'network.unknown' })
  })
  test('to be removed while a port has an address in it', async () => {
    const { items } = await views().subnets(red.writer.scope, { conditions: [], limit: 9 }, draft)
    const [subnet] = items
    expect(await refused(() => networks().removeSubnet(draft, subnet?.id as string, 1))).toMatchObject({
      ...{ code: 'conflict', rule: 'subnet.in-use' },
    })
  })
})

describe('a port is refused', () => {
  test('with an address outside its subnets, the gateway’s, or one that the tenant uses', async () => {
    const at = (address: string) => refused(() => plug('host-1-2', { addresses: [address] }))
    const pointer = '/addresses/0'
    expect(await at('10.1.0.1')).toMatchObject({ pointer, rule: 'port.address-outside' })
    expect(await at('10.0.0.254')).toMatchObject({ pointer, rule: 'port.address-gateway' })
    expect(await at('10.0.0.255')).toMatchObject({ pointer, rule: 'port.address-reserved' })
    expect(await at('10.0.0.1')).toMatchObject({ code: 'conflict', pointer, rule: 'port.address-taken' })
    expect(await at('10.0.0.300')).toMatchObject({ pointer, rule: 'port.address' })
  })

  test('with a MAC that the network has, or a group address', async () => {
    const taken = () => plug('host-1-2', { mac: '52:54:00:00:01:01' })
    expect(await refused(taken)).toMatchObject({ code: 'conflict', pointer: '/mac', rule: 'port.mac-taken' })
    expect(await refused(() => plug('host-1-2', { mac: '01:00:5e:00:00:01' }))).toMatchObject({
      rule: 'port.mac-group',
    })
  })

  test('with a VLAN outside 1 to 4094', async () => {
    expect(await refused(() => plug('host-1-2', { vlan: 4095 }))).toMatchObject({
      ...{ pointer: '/vlan', rule: 'port.vlan-range', limit: '1..4094' },
    })
  })

  test('at an attachment that is used untagged, by the tenant or by another one', async () => {
    expect(await refused(() => plug('host-1-1', { mac: '52:54:00:00:09:09', name: 'b' }))).toMatchObject({
      ...{ code: 'conflict', pointer: '/attachmentId', rule: 'port.attachment-taken' },
    })
    const { id } = await networks().createNetwork(blue.writer, { tenantId: blue.id, name: 'theirs' })
    const { draft: theirs } = await networks().createNetwork(blue.writer, { tenantId: blue.id, name: 'more' })
    const inDraft = { ...blue.writer, change: theirs.id }
    const network = await networks().createNetwork(inDraft, { tenantId: blue.id, name: 'third' })
    expect(id).not.toBe(network.id)
    const squat = ports().createPort(inDraft, {
      ...{ networkId: network.id, attachmentId: attachment('host-1-1'), vlan: null },
    })
    const said = await refusal(squat)
    expect(said.errors).toMatchObject([{ pointer: '/attachmentId', rule: 'port.attachment-taken' }])
    expect(said.message).toBe('host-1-1 is in use untagged already.')
    await ports().createPort(inDraft, { networkId: network.id, attachmentId: attachment('host-1-1'), vlan: 7 })
  })

  test('with a name that the network has', async () => {
    expect(await refused(() => plug('host-1-2', { name: 'host-1-1' }))).toMatchObject({
      pointer: '/name',
      rule: 'port.name-taken',
    })
  })

  test('at an attachment or in a network that does not exist', async () => {
    const nowhere = '019ab000-0000-7000-8000-000000000000'
    const noPlace = () => ports().createPort(draft, { networkId, attachmentId: nowhere, vlan: null })
    expect(await refused(noPlace)).toMatchObject({ code: 'not-found', pointer: '/attachmentId' })
    const noNetwork = () =>
      ports().createPort(draft, {
        networkId: nowhere,
        attachmentId: attachment('host-1-2'),
        vlan: null,
      })
    expect(await refused(noNetwork)).toMatchObject({ code: 'not-found', pointer: '/networkId' })
  })

  test('behind a NIC without room', async () => {
    const correct = (limits: NicLimits) => {
      const file = hardware(4)
      for (const nic of file.nics) nic.limits = limits
      return infrastructureStore(database).import(EVERYTHING, file)
    }
    await correct({ virtualNics: 1 })
    const one = await plug('host-2-4')
    expect(await refused(() => plug('host-2-1'))).toMatchObject({
      ...{ pointer: '/attachmentId', rule: 'nic.no-room', limit: '1 virtual NIC' },
    })
    await correct({ virtualNics: 2 })
    const two = await plug('host-2-1')
    await correct({})
    for (const { id } of [one, two]) await ports().removePort(draft, id, 1)
  })

  test('beyond the tenant’s quota', async () => {
    const made = []
    for (const host of ['host-1-2', 'host-1-3', 'host-2-1', 'host-2-2']) made.push(await plug(host))
    expect(await refused(() => plug('host-2-3'))).toMatchObject({ rule: 'tenant.quota-ports', limit: '5 ports' })
    for (const { id } of made) await ports().removePort(draft, id, 1)
  })

  test('when its subnet has no free address', async () => {
    const network = await networks().createNetwork(draft, { tenantId: red.id, name: 'tiny' })
    await networks().createSubnet(draft, { networkId: network.id, prefix: '192.0.2.0/30', gateway: '192.0.2.1' })
    const there = (host: string) =>
      ports().createPort(draft, { networkId: network.id, attachmentId: attachment(host), vlan: null })
    await there('host-2-1')
    expect(await refused(() => there('host-2-2'))).toMatchObject({ pointer: '/addresses', rule: 'port.address-pool' })
    await networks().removeNetwork(draft, network.id, 1)
  })
})

describe('an edit is refused', () => {
  test('that is based on an old revision', async () => {
    await ports().updatePort(draft, portId, 1, { vlan: 9 })
    const stale = () => ports().updatePort(draft, portId, 1, { vlan: 10 })
    expect(await refused(stale)).toMatchObject({ code: 'revision-stale', rule: 'revision', limit: '2' })
    await ports().updatePort(draft, portId, 2, { vlan: null })
  })

  test('of an object that does not exist, or is another tenant’s', async () => {
    const nobody = await refusal(ports().removePort(draft, '019ab000-0000-7000-8000-000000000000', 1))
    expect(nobody.code).toBe('not-found')
    const foreign = await refusal(ports().removePort({ ...blue.writer, change: draft.change }, portId, 3))
    expect(foreign.code).toBe('not-found')
  })

  test('in a draft of another tenant', async () => {
    const mine = () =>
      networks().createNetwork({ ...blue.writer, change: draft.change }, { tenantId: blue.id, name: 'in-red' })
    expect(await refused(mine)).toMatchObject({ code: 'not-found', pointer: '/change' })
    const mixed = () =>
      networks().createNetwork({ ...lab.operator, change: draft.change }, { tenantId: blue.id, name: 'in-red' })
    expect(await refused(mixed)).toMatchObject({ code: 'rule', pointer: '/change', rule: 'change.tenant' })
  })
})
