import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NicLimits } from '#server/contract/inventory.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { datapathStore, readInfrastructure } from '#server/inventory/facts.ts'
import { ATTACHMENT_FIELDS, infrastructureStore, NIC_FIELDS, SERVER_FIELDS } from '#server/inventory/infrastructure.ts'
import { readList } from '#server/inventory/list.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { hardware, refusal } from './fixture.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await startTestDatabase()
}, 30_000)
afterAll(() => database?.close())

const store = () => infrastructureStore(database)
const revision = async () => (await database.engine.query('SELECT revision FROM intent_revision')).rows[0].revision

describe('an import', () => {
  test('makes what is new, and changes nothing when it is repeated', async () => {
    const file = hardware()
    expect(await store().import(EVERYTHING, file)).toEqual({ created: 15, updated: 0, unchanged: 0 })
    const before = await revision()
    expect(await store().import(EVERYTHING, file)).toEqual({ created: 0, updated: 0, unchanged: 15 })
    expect(await revision()).toBe(before)
  })

  test('updates what a later file says differently, and keeps its id', async () => {
    const before = await datapathStore(database).all()
    const file = hardware()
    const [first] = file.servers
    if (first) first.underlayMtu = 9000
    const nic = file.datapaths.find(({ name }) => name === 'nic-1')
    if (nic) nic.bridge = 'nic0'
    expect(await store().import(EVERYTHING, file)).toEqual({ created: 0, updated: 2, unchanged: 13 })
    const after = await datapathStore(database).all()
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id))
    expect(after.find(({ name }) => name === 'nic-1')).toMatchObject({
      ...{ bridge: 'nic0', serverName: 'server-1', siteName: 'lab', nic: 'nic-1', profile: 'openflow-nic' },
    })
  })

  test('is refused as a whole, with all that is wrong in it', async () => {
    const file = hardware()
    const [server, nic, datapath, attachment] = [file.servers[1], file.nics[0], file.datapaths[0], file.attachments[0]]
    if (server) server.site = 'nowhere'
    if (nic) nic.profile = 'magic'
    if (datapath) datapath.fabric = 'nothing'
    if (attachment) file.attachments.push({ ...attachment })
    file.sites.push({ name: 'new-site', words: '' })
    const { code, errors } = await refusal(store().import(EVERYTHING, file))
    expect(code).toBe('rule')
    expect(errors.map(({ pointer, rule }) => [pointer, rule])).toEqual([
      ['/servers/1/site', 'inventory.reference'],
      ['/nics/0/profile', 'inventory.profile'],
      ['/datapaths/0/fabric', 'inventory.reference'],
      ['/attachments/6', 'inventory.twice'],
      ['/attachments/6', 'inventory.twice'],
    ])
    const { items } = await store().sites(EVERYTHING, { conditions: [], limit: 10 })
    expect(items.map(({ name }) => name)).toEqual(['lab'])
  })

  test('that takes what another row has is a conflict', async () => {
    const file = hardware()
    file.servers.push({ name: 'server-3', site: 'lab', vtep: '172.16.0.1', underlayMtu: 1500 })
    file.servers.splice(0, 1)
    file.nics.splice(0, 1)
    file.datapaths = []
    file.attachments = []
    const { code, errors } = await refusal(store().import(EVERYTHING, file))
    expect(code).toBe('conflict')
    expect(errors).toMatchObject([{ rule: 'inventory.taken' }])
  })
})

describe('a list', () => {
  test('is filtered by text, number and id', async () => {
    const servers = (filter: string[]) =>
      store()
        .servers(EVERYTHING, readList({ filter, limit: 10 }, SERVER_FIELDS))
        .then(({ items }) => items.map((s) => s.name))
    expect(await servers(['name:eq:server-2'])).toEqual(['server-2'])
    expect(await servers(['name:contains:VER-1'])).toEqual(['server-1'])
    expect(await servers(['underlayMtu:gt:1500'])).toEqual(['server-1'])
    expect(await servers(['underlayMtu:lt:9000', 'siteName:ne:other'])).toEqual(['server-2'])
    const [one] = (await store().servers(EVERYTHING, { conditions: [], limit: 1 })).items
    const of = await store().attachments(
      EVERYTHING,
      readList({ filter: `serverId:eq:${one?.id}`, limit: 10 }, ATTACHMENT_FIELDS),
    )
    expect(of.items.map(({ name }) => name)).toEqual(['host-1-1', 'host-1-2', 'host-1-3'])
  })

  test.each(['name', '-name', 'portName', '-portName', 'used', '-serverName'])(
    'sorted by %s gives every row once, page by page, in order',
    async (sort) => {
      const names: string[] = []
      const keys: unknown[] = []
      let cursor: string | undefined
      do {
        const page = await store().attachments(EVERYTHING, readList({ sort, limit: 2, cursor }, ATTACHMENT_FIELDS))
        names.push(...page.items.map(({ name }) => name))
        keys.push(...page.items.map((item) => (item as unknown as Record<string, unknown>)[sort.replace('-', '')]))
        cursor = page.next ?? undefined
      } while (cursor)
      expect([...names].sort()).toEqual(['host-1-1', 'host-1-2', 'host-1-3', 'host-2-1', 'host-2-2', 'host-2-3'])
      const ordered = [...keys].sort((a, b) => (String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0))
      expect(keys).toEqual(sort.startsWith('-') ? ordered.reverse() : ordered)
    },
  )

  test.each([
    [{ filter: 'name' }, '/filter'],
    [{ filter: 'name:like:x' }, '/filter'],
    [{ filter: 'colour:eq:red' }, '/filter'],
    [{ filter: 'underlayMtu:gt:many' }, '/filter'],
    [{ filter: 'siteId:eq:lab' }, '/filter'],
    [{ sort: 'colour' }, '/sort'],
    [{ cursor: 'bm9uc2Vuc2U' }, '/cursor'],
  ])('refuses %o', async (query, pointer) => {
    const { code, errors } = await refusal(
      Promise.resolve().then(() => readList({ ...query, limit: 10 }, SERVER_FIELDS)),
    )
    expect(code).toBe('malformed')
    expect(errors).toMatchObject([{ pointer, mend: expect.stringMatching(/\w/) }])
  })

  test('of NICs shows the limits of their profiles beside what is used', async () => {
    const { items } = await store().nics(EVERYTHING, readList({ limit: 10 }, NIC_FIELDS))
    expect(items[0]).toMatchObject({
      ...{ name: 'nic-1', serverName: 'server-1' },
      profile: { name: 'openflow-nic', limits: { virtualNics: 2048, entries: 65_536 } },
      used: { virtualNics: 0, entries: 0, openflowInstances: 1 },
    })
  })

  test('of one server that does not exist is not found', async () => {
    const { code } = await refusal(store().server(EVERYTHING, '019ab000-0000-7000-8000-000000000000'))
    expect(code).toBe('not-found')
  })
})

describe('a figure of a NIC’s profile', () => {
  const nics = async () => (await store().nics(EVERYTHING, readList({ limit: 10 }, NIC_FIELDS))).items
  const correct = (limits: NicLimits) => {
    const file = hardware()
    const [first] = file.nics
    if (first) first.limits = limits
    return store().import(EVERYTHING, file)
  }

  test('is corrected for one NIC by a file that says so, until a later one does not', async () => {
    await correct({})
    expect(await correct({ virtualNics: 8, filterRules: 0 })).toMatchObject({ created: 0, updated: 1 })
    expect(await correct({ virtualNics: 8, filterRules: 0 })).toMatchObject({ created: 0, updated: 0 })
    expect(await nics()).toMatchObject([
      {
        profile: { limits: { virtualNics: 8, entries: 65_536, openflowInstances: 16, filterRules: 0 } },
        corrected: ['filterRules', 'virtualNics'],
      },
      { profile: { limits: { virtualNics: 2048, entries: 65_536 } }, corrected: [] },
    ])
    await correct({})
    expect((await nics()).map(({ corrected }) => corrected)).toEqual([[], []])
  })

  test('bounds the tables of the datapath that runs in it', async () => {
    const datapaths = datapathStore(database)
    const id = (await datapaths.all()).find(({ name }) => name === 'nic-1')?.id as string
    await datapaths.describe(id, {
      ...{ datapathId: '0000000000000101', product: 'Open vSwitch', protocol: 'OpenFlow 1.5', tables: 254 },
      ...{ tableLimits: {}, tableDefault: 1_000_000, groupTypes: ['all'], maxGroups: 10, metadataBits: 64 },
      ...{ features: [], ports: [] },
    })
    const bound = async () => (await readInfrastructure(database.engine)).datapaths.get(id)?.limits?.tableDefault
    expect(await bound()).toBe(65_536)
    await correct({ entries: 9 })
    expect(await bound()).toBe(9)
  })
})
