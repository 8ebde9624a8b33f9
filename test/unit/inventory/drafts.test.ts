import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changeStore } from '#server/inventory/changes.ts'
import { networkWriter } from '#server/inventory/networks.ts'
import { portWriter } from '#server/inventory/ports.ts'
import { networkViews } from '#server/inventory/views.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { refusal, type Site, site } from './fixture.ts'

let database: TestDatabase
let lab: Site
beforeAll(async () => {
  database = await startTestDatabase()
  lab = await site(database, 6)
}, 30_000)
afterAll(() => database?.close())

const parts = () => ({
  networks: networkWriter(database),
  ports: portWriter(database),
  views: networkViews(database),
  changes: changeStore(database),
})

const ALL = { conditions: [], limit: 100 }

let serial = 0
/** A tenant with a draft that holds one network with 10.0.0.0/24. */
async function drafted() {
  serial += 1
  const { networks, changes } = parts()
  const { id: tenantId, writer } = await lab.tenant(`tenant-${serial}`)
  const { id: change } = await changes.create(writer.scope, { title: 'try', tenantId, actor: writer.actor })
  const inDraft = { ...writer, change }
  const network = await networks.createNetwork(inDraft, { tenantId, name: 'web' })
  const subnet = await networks.createSubnet(inDraft, { networkId: network.id, prefix: '10.0.0.0/24', gateway: null })
  return { tenantId, writer, change, inDraft, networkId: network.id, subnetId: subnet.id }
}
const attachment = (name: string): string => lab.attachments.get(name) as string

describe('a draft', () => {
  test('shows its edits to those who read with it, and to nobody else', async () => {
    const { views } = parts()
    const { writer, change, networkId, tenantId } = await drafted()
    expect((await views.networks(writer.scope, ALL)).items).toEqual([])
    const { items } = await views.networks(writer.scope, ALL, change)
    expect(items).toMatchObject([
      {
        ...{ id: networkId, tenantId, name: 'web', revision: 1, drafted: true, mtu: 1450, ports: 0, servers: [] },
        subnets: [{ prefix: '10.0.0.0/24', free: '254', gateway: null }],
      },
    ])
    expect(items[0]?.vni).toBeGreaterThanOrEqual(20_001)
  })

  test('gives a port the attachment’s name and MAC and the lowest free address', async () => {
    const { ports, views } = parts()
    const { writer, inDraft, change, networkId } = await drafted()
    const make = (name: string) => ports.createPort(inDraft, { networkId, attachmentId: attachment(name), vlan: 100 })
    await make('host-1-1')
    await make('host-2-1')
    const { items } = await views.ports(writer.scope, ALL, { networkId, change })
    expect(items).toMatchObject([
      { name: 'host-1-1', mac: '52:54:00:00:01:01', addresses: ['10.0.0.1'], vlan: 100, serverName: 'server-1' },
      { name: 'host-2-1', mac: '52:54:00:00:02:01', addresses: ['10.0.0.2'], serverName: 'server-2' },
    ])
    const network = await views.network(writer.scope, networkId, change)
    expect(network).toMatchObject({ ports: 2, subnets: [{ free: '252' }] })
    expect(network.servers.map(({ name, ports }) => [name, ports])).toEqual([
      ['server-1', 1],
      ['server-2', 1],
    ])
  })

  test('forgets what it made and took away again, and gives the VNI back', async () => {
    const { networks, views, changes } = parts()
    const { writer, inDraft, change, networkId } = await drafted()
    const { vni, revision } = await views.network(writer.scope, networkId, change)
    await networks.removeNetwork(inDraft, networkId, revision)
    expect(await changes.edits(writer.scope, change)).toEqual([])
    const held = await database.engine.query('SELECT FROM vni_reservation WHERE vni = $1', [vni])
    expect(held.rowCount).toBe(0)
  })

  test('gives its VNI back when it is discarded, and then takes no more edits', async () => {
    const { networks, views, changes } = parts()
    const { writer, inDraft, change, networkId } = await drafted()
    const { vni } = await views.network(writer.scope, networkId, change)
    await changes.discard(writer.scope, change)
    const held = await database.engine.query('SELECT FROM vni_reservation WHERE vni = $1', [vni])
    expect(held.rowCount).toBe(0)
    const late = networks.createSubnet(inDraft, { networkId, prefix: '10.1.0.0/24', gateway: null })
    expect((await refusal(late)).errors[0]).toMatchObject({ rule: 'change.draft', pointer: '/change' })
  })

  test('that nobody edited for 24 hours expires', async () => {
    const { changes } = parts()
    const { writer, change } = await drafted()
    await database.engine.query(`UPDATE change SET reserved_until = now() - interval '1 s' WHERE id = $1`, [change])
    expect(await changes.expire()).toContain(change)
    expect(await changes.get(writer.scope, change)).toMatchObject({ state: 'discarded' })
  })

  test('of one edit is made for a write without a change', async () => {
    const { networks, changes } = parts()
    const { id: tenantId, writer } = await lab.tenant('single')
    const { draft, id } = await networks.createNetwork(writer, { tenantId, name: 'web' })
    expect(draft).toMatchObject({ own: true, name: expect.stringMatching(/^C-\d+$/) })
    const edits = await changes.edits(writer.scope, draft.id)
    expect(edits).toMatchObject([{ kind: 'network', id, operation: 'create', before: null, after: { name: 'web' } }])
    expect(await changes.get(writer.scope, draft.name)).toMatchObject({ id: draft.id, title: 'Create network web' })
  })
})

test('64 drafts at once never draw one VNI twice, with or without one tenant', async () => {
  const { networks } = parts()
  const tenants = await Promise.all(Array.from({ length: 4 }, (_, i) => lab.tenant(`crowd-${i}`)))
  const made = await Promise.all(
    Array.from({ length: 64 }, (_, i) => {
      const { id: tenantId, writer } = tenants[i % 4] as (typeof tenants)[number]
      return networks.createNetwork(writer, { tenantId, name: `net-${i}` })
    }),
  )
  expect(new Set(made.map(({ id }) => id)).size).toBe(64)
  const { rows } = await database.engine.query<{ vni: number }>(
    'SELECT vni FROM vni_reservation WHERE network_id = ANY($1::uuid[])',
    [made.map(({ id }) => id)],
  )
  expect(new Set(rows.map(({ vni }) => vni)).size).toBe(64)
}, 30_000)
