import { call } from '@orpc/server'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { datapathHandlers } from '#server/api/datapaths.ts'
import { overviewHandlers } from '#server/api/overview.ts'
import { entry } from '#server/engine/program/entry.ts'
import { EMPTY_DIFFERENCE } from '#server/engine/program/program.ts'
import { readWeave } from '#server/inventory/weave.ts'
import { refusal } from '../inventory/fixture.ts'
import { callerIn, twoTenants } from './ground.ts'

let ground: Awaited<ReturnType<typeof twoTenants>>
let datapaths: ReturnType<typeof datapathHandlers>
let overview: ReturnType<typeof overviewHandlers>
let nic1: string
const operator = callerIn('operator')
const auditor = callerIn('auditor')

beforeAll(async () => {
  ground = await twoTenants()
  datapaths = datapathHandlers(ground.parts)
  const { database, observed, parts } = ground
  const { spoofedTotal } = observed
  overview = overviewHandlers({ ...parts, weave: (scope) => readWeave(database, scope), spoofedTotal, attention: [] })
  nic1 = ground.idOf('nic-1')
}, 60_000)
afterAll(() => ground?.database.close())
afterEach(() => {
  for (const device of ground.devices.values()) device.connect()
  for (const [id, { program }] of ground.committed)
    for (const device of ground.devices.values()) if (device.datapathId === id) device.program = program
  ground.conditions.clear()
  ground.pass(60_000)
})

const entriesOf = (input: object = {}) => call(datapaths.entries, { id: nic1, limit: 500, ...input }, operator)

describe('datapaths', () => {
  test('are listed with what they hold, without reading any of them', async () => {
    const device = ground.devices.get('nic-1')
    const reads = device?.log.length
    const { items } = await call(datapaths.list, {}, auditor)
    expect(items.map(({ name }) => name)).toEqual(['fabric-1', 'fabric-2', 'nic-1', 'nic-2'])
    expect(items[2]).toMatchObject({ state: 'held', connected: true, product: 'device in memory', drift: 0 })
    expect(items[2]?.wanted).toBeGreaterThan(10)
    expect(device?.log.length).toBe(reads)
  })

  test('are found by their fields, page by page', async () => {
    const one = await call(datapaths.list, { filter: 'name:eq:nic-2' }, operator)
    expect(one.items.map(({ name }) => name)).toEqual(['nic-2'])
    const first = await call(datapaths.list, { limit: 3, sort: '-name' }, operator)
    const rest = await call(datapaths.list, { limit: 3, sort: '-name', cursor: first.next ?? '' }, operator)
    expect([...first.items, ...rest.items].map(({ name }) => name)).toEqual(['nic-2', 'nic-1', 'fabric-2', 'fabric-1'])
    expect((await refusal(call(datapaths.list, { filter: 'colour:eq:red' }, operator))).code).toBe('malformed')
  })

  test.each(['tenant-administrator', 'tenant-member'] as const)('are no business of a %s', async (role) => {
    const tenant = callerIn(role, ground.red.id)
    for (const ask of [
      () => call(datapaths.list, {}, tenant),
      () => call(datapaths.entries, { id: nic1 }, tenant),
      () => call(datapaths.ports, { id: nic1 }, tenant),
      () => call(datapaths.why, { id: nic1, key: 'x' }, tenant),
      () => call(datapaths.read, { id: nic1 }, tenant),
    ])
      expect((await refusal(ask())).code).toBe('forbidden')
  })

  test('that are not there are not found', async () => {
    const id = '0190a0a0-0000-7000-8000-000000000001'
    for (const ask of [
      () => call(datapaths.get, { id }, operator),
      () => call(datapaths.tables, { id }, operator),
      () => call(datapaths.drift, { id }, operator),
    ])
      expect((await refusal(ask())).code).toBe('not-found')
  })
})

describe('entries', () => {
  test('are all there in order, whatever the size of pages', async () => {
    const { items, total } = await entriesOf()
    expect(items).toHaveLength(total)
    const paged: string[] = []
    let cursor: string | null | undefined
    do {
      const page = await entriesOf({ limit: 7, ...(cursor ? { cursor } : {}) })
      paged.push(...page.items.map(({ key }) => key))
      cursor = page.next
    } while (cursor)
    expect(paged).toEqual(items.map(({ key }) => key))
    expect(items.every(({ state }) => state === 'held')).toBe(true)
  })

  test('are found by table, state and text', async () => {
    const { items } = await entriesOf()
    const table = items[0]?.table ?? 0
    const inTable = await entriesOf({ table })
    expect(inTable.total).toBe(items.filter((one) => one.table === table).length)
    expect((await entriesOf({ filter: 'state:eq:missing' })).total).toBe(0)
    const found = await entriesOf({ filter: 'text:contains:10.0.0.1' })
    expect(found.total).toBeGreaterThan(0)
    expect(found.items.every(({ match, actions }) => `${match} ${actions}`.includes('10.0.0.1'))).toBe(true)
    for (const wrong of [{ filter: 'colour:eq:red' }, { sort: 'priority' }])
      expect((await refusal(entriesOf(wrong))).code).toBe('malformed')
  })

  test('tell why they are there, down to the person', async () => {
    const { items } = await entriesOf()
    const one = items.find(({ because }) => because?.kind === 'port')
    expect(one).toBeDefined()
    const why = await call(datapaths.why, { id: nic1, key: one?.key ?? '' }, auditor)
    expect(why).toMatchObject({ person: { name: 'red-admin' }, change: { id: ground.red.change } })
    expect(why.intents[0]).toMatchObject({ kind: 'port', words: expect.stringContaining('port of') })
  })

  test('that somebody else made are foreign, and nobody is named for them', async () => {
    const device = ground.devices.get('nic-1')
    const foreign = entry({ table: 200, priority: 7, match: [], instructions: [], cookie: 1n })
    device?.edit({ ...EMPTY_DIFFERENCE, entries: [{ after: foreign }] })
    const { items } = await entriesOf({ filter: 'state:eq:foreign' })
    expect(items).toMatchObject([{ table: 200, priority: 7, because: null }])
    const why = await call(datapaths.why, { id: nic1, key: items[0]?.key ?? '' }, operator)
    expect(why).toMatchObject({ intents: [], change: null, person: null })
  })

  test('of a datapath that is away, or goes away amid the reading, are those that it held last', async () => {
    const device = ground.devices.get('nic-1')
    const before = await entriesOf()
    ground.pass(60_000)
    if (device) device.faults = (operation) => (operation === 'read' ? 'close' : undefined)
    expect(await entriesOf()).toEqual(before)
    expect(ground.fleet.connection(nic1).connected).toBe(false)
    expect(await entriesOf()).toEqual(before)
    if (device) device.faults = () => undefined
    const { tables, readAt } = await call(datapaths.tables, { id: nic1 }, operator)
    expect(readAt).toBe(before.readAt)
    expect(tables.reduce((sum, { entries }) => sum + entries, 0)).toBe(before.total)
  })

  test('of a datapath that was never read are missing, each with its reason', async () => {
    const device = ground.devices.get('nic-2')
    device?.restart()
    device?.connect()
    if (device) device.faults = () => 'refuse'
    const page = await call(datapaths.entries, { id: ground.idOf('nic-2') }, operator)
    if (device) device.faults = () => undefined
    expect(page.readAt).toBeNull()
    expect(page.items.every(({ state, because }) => state === 'missing' && because !== null)).toBe(true)
  })
})

test('ports are shown without counts while a datapath does not answer', async () => {
  const driver = ground.devices.get('nic-1')?.driver
  if (!driver) throw new Error('no driver')
  const { portCounters } = driver
  driver.portCounters = () => Promise.reject(new Error('deaf'))
  const { items } = await call(datapaths.ports, { id: nic1 }, operator)
  driver.portCounters = portCounters
  expect(items).toEqual([])
})

test('drift is shown line by line, groups too, 500 lines at most', async () => {
  const after = entry({ table: 1, priority: 1, match: [], instructions: [] })
  const entries = [...Array.from({ length: 600 }, () => ({ before: after })), { after }]
  const state = 'drifted' as const
  ground.conditions.set(nic1, { state, driftSince_ms: 0, drift: { ...EMPTY_DIFFERENCE, entries } })
  const { items, since } = await call(datapaths.drift, { id: nic1 }, operator)
  expect([items.length, since, items[0]?.kind]).toEqual([500, '1970-01-01T00:00:00.000Z', 'foreign'])
  const view = await call(datapaths.get, { id: nic1 }, operator)
  expect(view).toMatchObject({ drift: 601, held: view.wanted - 1 })
})

describe('the overview', () => {
  test('of an operator has every server and what needs attention, since when', async () => {
    ground.devices.get('nic-1')?.disconnect('the cable is out')
    const since = ground.fleet.connection(nic1).since_ms ?? 0
    const { servers, totals, networks, attention } = await call(overview.get, undefined, operator)
    expect(servers.map(({ name, ports }) => [name, ports])).toEqual([
      ['server-1', 2],
      ['server-2', 1],
    ])
    expect(networks.map(({ name }) => name)).toEqual(['blue', 'red'])
    expect(totals).toMatchObject({ networks: 2, ports: 3, datapaths: 4, holding: 3 })
    expect(totals.entries).toBe(servers.reduce((sum, { entries }) => sum + entries, 0))
    expect(attention).toMatchObject([{ severity: 'bad', title: 'nic-1 is away', since: new Date(since).toISOString() }])
  })

  test('of a tenant has its own networks, their servers, and nothing of how full these are', async () => {
    const blue = callerIn('tenant-member', ground.blue.id)
    const { servers, networks, totals, attention, links, changes, sites } = await call(overview.get, undefined, blue)
    expect(networks.map(({ name }) => name)).toEqual(['blue'])
    expect(servers).toMatchObject([{ name: 'server-1', ports: 1, entries: 0, entryLimit: null }])
    expect(sites).toHaveLength(1)
    expect(totals).toMatchObject({ networks: 1, ports: 1, entries: 0, tunnelPackets: '0' })
    expect([attention, links]).toEqual([[], []])
    expect(changes.map(({ tenantId }) => tenantId)).toEqual([ground.blue.id])
  })

  test('of a tenant without ports has no server and no site', async () => {
    const { id } = await ground.lab.tenant('green')
    const { servers, sites } = await call(overview.get, undefined, callerIn('tenant-member', id))
    expect([servers, sites]).toEqual([[], []])
  })
})
