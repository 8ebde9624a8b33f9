import { call } from '@orpc/server'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { IntentParts } from '#server/api/intent.ts'
import { networkHandlers } from '#server/api/networks.ts'
import { portHandlers } from '#server/api/ports.ts'
import { subnetHandlers } from '#server/api/subnets.ts'
import type { Task } from '#server/contract/changes.ts'
import type { Role } from '#server/contract/rights.ts'
import { changeStore } from '#server/inventory/changes.ts'
import { networkWriter } from '#server/inventory/networks.ts'
import { portWriter } from '#server/inventory/ports.ts'
import { taskStore } from '#server/inventory/tasks.ts'
import { networkViews } from '#server/inventory/views.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { refusal, type Site, site } from '../inventory/fixture.ts'
import { callerIn } from './ground.ts'

let database: TestDatabase
let lab: Site
let tenantId: string
beforeAll(async () => {
  database = await startTestDatabase()
  lab = await site(database)
  tenantId = (await lab.tenant('red')).id
}, 30_000)
afterAll(() => database?.close())

let committed: string[]
let refuse: Refusal | undefined
let events: string[]
beforeEach(() => {
  ;[committed, events, refuse] = [[], [], undefined]
})

/** Stands in for the change engine: begins a task, or refuses. */
async function commit(_scope: unknown, changeId: string): Promise<Task> {
  if (refuse) throw refuse
  committed.push(changeId)
  const about = { kind: 'commit', title: 'Commit', total: 1, unit: 'datapaths', cancellable: true, subject: null }
  return taskStore(database).start({ ...about, tenantId })
}

function handlers() {
  const parts: IntentParts = {
    changes: changeStore(database),
    observed: {
      networkState: () => ({ state: 'held', words: 'On all datapaths.' }),
      portState: () => ({ state: 'held', words: 'On nic-1.' }),
      spoofed: () => '7',
    },
    commit,
    publish: ({ topic, kind }) => events.push(`${topic} ${kind}`),
  }
  const [views, networks, ports] = [networkViews(database), networkWriter(database), portWriter(database)]
  return {
    networks: networkHandlers({ ...parts, views, networks }),
    subnets: subnetHandlers({ ...parts, views, networks }),
    ports: portHandlers({ ...parts, views, ports }),
  }
}

const as = (role: Role, ifMatch?: number) => callerIn(role, tenantId, ifMatch)

describe('a write of intent', () => {
  test('inside a draft answers the object as the draft has it, and no task', async () => {
    const { networks, subnets, ports } = handlers()
    const actor = { name: 'anna', role: 'tenant-administrator' }
    const { id: change, name } = await changeStore(database).create({ tenantId }, { title: '', tenantId, actor })
    const admin = as('tenant-administrator')
    const network = await call(networks.create, { change, tenantId, name: 'web' }, admin)
    expect(network).toMatchObject({
      ...{ task: null, change: { id: change, name } },
      item: { name: 'web', tenantName: 'red', revision: 1, state: { state: 'draft' }, subnets: [], ports: 0 },
    })
    const networkId = network.item.id
    const subnet = await call(subnets.create, { change, networkId, prefix: '2001:db8::/64' }, admin)
    expect(subnet.item).toMatchObject({ prefix: '2001:db8::/64', free: String(2n ** 64n - 1n) })
    const attachmentId = lab.attachments.get('host-1-1') as string
    const port = await call(ports.create, { change, networkId, attachmentId }, admin)
    expect(port.item).toMatchObject({ addresses: ['2001:db8::1'], spoofed: '7', state: { state: 'draft' } })
    expect((await call(ports.list, { change, networkId }, admin)).items).toHaveLength(1)
    expect((await call(ports.list, {}, admin)).items).toEqual([])
    expect([committed, events]).toEqual([[], ['change edited', 'change edited', 'change edited']])
    const gone = await call(ports.remove, { id: port.item.id, change }, as('tenant-administrator', 1))
    expect(gone).toMatchObject({ item: null, task: null })
  })

  test('outside of one is a change of its own, which begins to be committed', async () => {
    const { networks } = handlers()
    const { item, change, task } = await call(networks.create, { tenantId, name: 'direct' }, as('operator'))
    expect(committed).toEqual([change.id])
    expect(task).toMatchObject({ kind: 'commit', state: 'running' })
    expect(item.state.state).toBe('moving')
    expect(await changeStore(database).get({ tenantId: null }, change.name)).toMatchObject({
      ...{ title: 'Create network direct', actor: 'anna', actorRole: 'operator', tenantId },
    })
  })

  test('leaves nothing behind when its commit is refused', async () => {
    const { networks } = handlers()
    refuse = new Refusal('rule', 'nic-1 is away.')
    const before = await database.engine.query('SELECT vni FROM vni_reservation ORDER BY vni')
    const said = await refusal(call(networks.create, { tenantId, name: 'refused' }, as('operator')))
    expect(said.message).toBe('nic-1 is away.')
    const after = await database.engine.query('SELECT vni FROM vni_reservation ORDER BY vni')
    expect(after.rows).toEqual(before.rows)
    refuse = undefined
    await call(networks.create, { tenantId, name: 'refused' }, as('operator'))
  })

  test('needs the revision that it is based on, and the right to write', async () => {
    const { networks } = handlers()
    const made = await call(networks.create, { tenantId, name: 'revised' }, as('operator'))
    const edit = { id: made.item.id, change: made.change.id, mtu: 1400 }
    expect((await refusal(call(networks.update, edit, as('operator')))).code).toBe('revision-required')
    expect((await refusal(call(networks.update, edit, as('operator', 9)))).code).toBe('revision-stale')
    expect((await refusal(call(networks.update, edit, as('tenant-member', 1)))).code).toBe('forbidden')
    const { item } = await call(networks.update, edit, as('operator', 1))
    expect(item).toMatchObject({ mtu: 1400, revision: 2 })
  })
})
