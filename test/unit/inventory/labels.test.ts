import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attachmentNames, attachmentsByPort } from '#server/inventory/attachments.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { databaseJournal } from '#server/inventory/journal.ts'
import { labels } from '#server/inventory/labels.ts'
import { networkWriter } from '#server/inventory/networks.ts'
import { portWriter } from '#server/inventory/ports.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { nothingOnDatapaths, type Site, site } from './fixture.ts'

let database: TestDatabase
let lab: Site
let red: string
const refs: Record<'network' | 'subnet' | 'port', string> = { network: '', subnet: '', port: '' }

beforeAll(async () => {
  database = await startTestDatabase()
  lab = await site(database)
  const { id, writer } = await lab.tenant('red')
  red = id
  const { draft, id: networkId } = await networkWriter(database).createNetwork(writer, { tenantId: id, name: 'web' })
  const inDraft = { ...writer, change: draft.id }
  const subnet = await networkWriter(database).createSubnet(inDraft, {
    networkId,
    prefix: '10.0.0.0/24',
    gateway: null,
  })
  const attachmentId = lab.attachments.get('host-1-1') as string
  const port = await portWriter(database).createPort(inDraft, { networkId, attachmentId, vlan: null, name: 'db' })
  Object.assign(refs, { network: `network/${networkId}`, subnet: `subnet/${subnet.id}`, port: `port/${port.id}` })
}, 30_000)
afterAll(() => database?.close())

const commit = async (change: string) => {
  await databaseJournal(database).prepare(nothingOnDatapaths(change))
  const { commitment } = nothingOnDatapaths(change)
  await databaseJournal(database).finish(change, { outcome: 'committed', ...commitment })
}
const changeOf = async (): Promise<string> =>
  (await database.engine.query<{ id: string }>('SELECT id FROM change ORDER BY number DESC LIMIT 1')).rows[0]?.id ?? ''

describe('labels', () => {
  test('of what is only drafted say so', async () => {
    const found = await labels(database, EVERYTHING, Object.values(refs))
    expect([...found.values()].map(({ kind, name, words }) => [kind, name, words]).sort()).toEqual([
      ['network', 'web', 'of the draft C-1'],
      ['port', 'db', 'of the draft C-1'],
      ['subnet', '10.0.0.0/24', 'of the draft C-1'],
    ])
  })

  test('of what is committed say whose it is and where', async () => {
    await commit(await changeOf())
    const found = await labels(database, EVERYTHING, Object.values(refs))
    expect(found.get(refs.network)?.words).toMatch(/^network of red, VNI \d+$/)
    expect(found.get(refs.port)?.words).toBe('port of web, 10.0.0.1, red')
    expect(found.get(refs.subnet)).toMatchObject({ name: '10.0.0.0/24', words: 'subnet of web' })
  })

  test('are told to their tenant alone', async () => {
    const { id: blue } = await lab.tenant('blue')
    expect((await labels(database, { tenantId: red }, Object.values(refs))).size).toBe(3)
    expect((await labels(database, { tenantId: blue }, Object.values(refs))).size).toBe(0)
  })

  test('leave out what is no reference, and what never was', async () => {
    const asked = ['block/admit', 'port/x', `port/${red}`, "network/'; DROP TABLE port; --", refs.port]
    expect([...(await labels(database, EVERYTHING, asked)).keys()]).toEqual([refs.port])
    expect((await labels(database, EVERYTHING, [])).size).toBe(0)
  })

  test('of what is gone say in which change it went', async () => {
    const id = refs.port.slice('port/'.length)
    const written = await portWriter(database).removePort(lab.operator, id, 1)
    await commit(written.draft.id)
    expect((await labels(database, EVERYTHING, [refs.port])).get(refs.port)).toMatchObject({
      ...{ name: 'db', words: `removed in ${written.draft.name}` },
    })
  })
})

test('attachments are named by id, and by the port that they are', async () => {
  const id = lab.attachments.get('host-1-2') as string
  expect([...(await attachmentNames(database, [id]))]).toEqual([[id, 'host-1-2']])
  expect((await attachmentNames(database, [])).size).toBe(0)
  const { rows } = await database.engine.query<{ id: string }>(`SELECT id FROM datapath WHERE name = 'nic-1'`)
  expect((await attachmentsByPort(database, rows[0]?.id ?? '')).get('p2')).toBe('host-1-2')
})
