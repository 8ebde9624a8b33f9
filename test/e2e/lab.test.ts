import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Change, ChangeSummary, Task } from '#server/contract/changes.ts'
import type { Datapath, HeldEntry } from '#server/contract/datapaths.ts'
import type { Attachment, Tenant } from '#server/contract/inventory.ts'
import type { Network, Port, Subnet } from '#server/contract/networks.ts'
import { type LabView, openLab } from '#server/lab/index.ts'
import { type Api, apiAt, commit, ended, rollBack, signIn, until } from './api.ts'
import { arpFrame, BROADCAST, received, send, udpFrame } from './frames.ts'
import { type RunningWeft, startWeft } from './weft.ts'

interface Wrote<T> {
  readonly item: T
  readonly change: { readonly id: string; readonly name: string }
  readonly task: Task | null
}
interface Page<T> {
  readonly items: T[]
  readonly next: string | null
}

const BRIDGES = [
  ['srv-1', 'br-nic'],
  ['srv-1', 'br-srv'],
  ['srv-2', 'br-nic'],
  ['srv-2', 'br-srv'],
] as const

let weft: RunningWeft
let lab: LabView
let api: Api
let attachments: Map<string, Attachment>

beforeAll(async () => {
  weft = await startWeft('e2el')
  lab = await openLab(`.weft/${weft.instance}/lab`)
  api = apiAt(weft.address, await signIn(weft.address, 'admin', weft.password))
  await weft.cli('login', 'admin', '--password-file', `.weft/${weft.instance}/admin-password`)
  const { items } = await api.get<Page<Attachment>>('/attachments')
  attachments = new Map(items.map((one) => [one.name, one]))
  await until('all datapaths to connect', async () => (await datapaths()).every(({ connected }) => connected))
})

afterAll(() => weft?.stop())

const datapaths = async () => (await api.get<Page<Datapath>>('/datapaths')).items

async function datapath(name: string): Promise<Datapath> {
  const found = (await datapaths()).find((one) => one.name === name)
  if (!found) throw new Error(`no datapath ${name}`)
  return found
}

/** What all four datapaths hold, asked of the switches themselves: without counters, and without cookies. */
async function tableHashes(): Promise<string[]> {
  return Promise.all(
    BRIDGES.map(async ([server, bridge]) => {
      const flows = await lab.ofctl(server, 'dump-flows', bridge, '--no-stats')
      const groups = await lab.ofctl(server, 'dump-groups', bridge)
      const lines = `${flows}\n${groups}`
        .split('\n')
        .map((line) => line.replace(/cookie=0x[0-9a-f]+, ?/, '').trim())
        .filter((line) => /actions=|group_id=/.test(line))
      return createHash('sha256').update(lines.sort().join('\n')).digest('hex')
    }),
  )
}

const draft = (title: string) => api.post<ChangeSummary>('/changes', { title })

async function tenantNetwork(name: string, change: string, prefix: string, quotas?: object) {
  const tenant = await api.post<Tenant>('/tenants', { name, ...(quotas && { quotas }) })
  const network = await api.post<Wrote<Network>>('/networks', { tenantId: tenant.id, name: `${name}-net`, change })
  await api.post<Wrote<Subnet>>('/subnets', { networkId: network.item.id, prefix, change })
  return { tenant, network: network.item }
}

const plug = async (networkId: string, attachment: string, change?: string, more: object = {}): Promise<Wrote<Port>> =>
  api.post('/ports', { networkId, attachmentId: attachments.get(attachment)?.id, change, ...more })

const dress = (name: string, { addresses }: Port) => lab.host(name).dress(addresses[0] as string, 24)

const addressOf = ({ addresses }: Port): string => addresses[0] as string

let red: { tenant: Tenant; network: Network; near: Port; far: Port }
let blue: { tenant: Tenant; network: Network; near: Port; far: Port }

describe('two tenants with the same addresses', () => {
  let preview: Change

  test('are drawn in one draft, and nothing moves yet', async () => {
    const before = await tableHashes()
    const { id } = await draft('red and blue')
    const [a, b] = [await tenantNetwork('red', id, '10.0.0.0/24'), await tenantNetwork('blue', id, '10.0.0.0/24')]
    red = { ...a, near: (await plug(a.network.id, 'h1', id)).item, far: (await plug(a.network.id, 'h4', id)).item }
    blue = { ...b, near: (await plug(b.network.id, 'h2', id)).item, far: (await plug(b.network.id, 'h5', id)).item }
    expect(addressOf(red.near)).toBe(addressOf(blue.near))
    preview = await api.post<Change>(`/changes/${id}/preview`)
    expect(preview.datapaths.map(({ datapath }) => datapath)).toEqual(['nic-1', 'nic-2', 'srv-1', 'srv-2'])
    expect(preview.datapaths.every(({ added, lines }) => added > 0 && lines.length >= added)).toBe(true)
    expect(preview.waves.length).toBe(3)
    expect(preview.findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(preview.commit).toEqual({ allowed: true, why: null })
    expect(await tableHashes()).toEqual(before)
  })

  test('are committed, and every datapath holds what the preview showed', async () => {
    const { task, change } = await commit(api, preview.id, { reason: 'the first tenants' })
    expect(task).toMatchObject({ state: 'done', done: 4, total: 4 })
    expect(change.state).toBe('committed')
    expect(change.waves.map(({ state }) => state)).toEqual(['done', 'done', 'done'])
    for (const { datapath: name, added } of change.datapaths)
      expect((await datapath(name)).held).toBeGreaterThanOrEqual(added - 20)
    for (const { state, held, wanted } of await datapaths())
      expect({ state, held }).toEqual({ state: 'held', held: wanted })
  })

  test('reach each other inside, across the underlay, from the very first packet', async () => {
    await Promise.all([dress('h1', red.near), dress('h4', red.far), dress('h2', blue.near), dress('h5', blue.far)])
    const capture = await lab.captureUnderlay('srv-1')
    const [first, other] = await Promise.all([
      lab.host('h1').ping(addressOf(red.far), { count: 1 }),
      lab.host('h5').ping(addressOf(blue.near), { count: 1 }),
    ])
    expect([first.received, other.received]).toEqual([1, 1])
    const frames = await capture.stop()
    expect(new Set(frames.map(({ vni }) => vni))).toEqual(new Set([red.network.vni, blue.network.vni]))
  })

  test('never reach each other: no answer to ARP, no broadcast, no packet', async () => {
    const lone = await plug(blue.network.id, 'h6', undefined, { addresses: ['10.0.0.77'] })
    expect((await ended(api, lone.task as Task)).state).toBe('done')
    await dress('h6', lone.item)
    expect((await lab.host('h2').ping('10.0.0.77')).received).toBe(3)

    const hosts = ['h2', 'h5', 'h6'].map((name) => lab.host(name))
    const before = await Promise.all(hosts.map(received))
    expect((await lab.host('h1').ping('10.0.0.77', { count: 2 })).received).toBe(0)
    expect(await lab.host('h1').exec(['ip', 'neigh', 'show', '10.0.0.77'])).not.toContain('lladdr')
    // The frame itself, were the address known: to a MAC of blue, and to everybody.
    const mine = { mac: lab.host('h1').mac, address: addressOf(red.near) }
    const theirs = { mac: lab.host('h6').mac, address: '10.0.0.77' }
    await send(lab.host('h1'), [udpFrame(mine, theirs), udpFrame(mine, { ...theirs, mac: BROADCAST })], 5)
    expect((await lab.host('h1').ping(addressOf(red.far))).received).toBe(3)
    expect(await Promise.all(hosts.map(received))).toEqual(before)

    const gone = await api.remove<Wrote<null>>(`/ports/${lone.item.id}`, lone.item.revision)
    expect((await ended(api, gone.task as Task)).state).toBe('done')
  })

  test('cannot be spoofed: foreign MAC, IPv4 and ARP sources are dropped, and each is counted', async () => {
    const spoofed = async () => (await api.get<Port>(`/ports/${red.near.id}`)).spoofed
    const before = await until('a first reading', async () => (await spoofed()) ?? undefined)
    const [own, far] = [lab.host('h1').mac, { mac: lab.host('h4').mac, address: addressOf(red.far) }]
    const reached = () => received(lab.host('h4'))
    const seen = await reached()
    const frames = [
      udpFrame({ mac: '52:54:00:66:66:66', address: addressOf(red.near) }, far),
      udpFrame({ mac: own, address: '10.0.0.66' }, far),
      arpFrame('answer', { mac: own, address: addressOf(red.far) }, '10.0.0.9'),
      arpFrame('request', { mac: own, address: '10.0.0.66' }, '10.0.0.9'),
    ]
    await send(lab.host('h1'), frames, 5)
    // One that is honest goes the same way behind them: once it is there, nothing else comes.
    await send(lab.host('h1'), [udpFrame({ mac: own, address: addressOf(red.near) }, far)])
    await expect.poll(reached).toBe(seen + 1)
    await expect.poll(spoofed, { timeout: 10_000 }).toBe(String(Number(before) + 5 * frames.length))
  })
})

describe('while a numbered stream runs between two hosts of red', () => {
  test('a host is added by the command line, another removed by the API, and the stream loses nothing', async () => {
    const leaving = await plug(red.network.id, 'h6')
    expect((await ended(api, leaving.task as Task)).state).toBe('done')
    await lab.host('h6').undress()
    await dress('h6', leaving.item)
    const stream = await lab.host('h1').stream(addressOf(red.far), { interval_ms: 5 })
    expect((await lab.host('h6').ping(addressOf(red.far))).received).toBe(3)

    await weft.cli('port', 'create', '--network', 'red-net', '--attachment', 'h3', '-o', 'json')
    const { items } = await api.get<Page<Port>>('/ports', { networkId: red.network.id })
    const added = items.find(({ name }) => name === 'h3') as Port
    await dress('h3', added)
    expect((await lab.host('h3').ping(addressOf(red.far), { count: 1 })).received).toBe(1)

    const gone = await api.remove<Wrote<null>>(`/ports/${leaving.item.id}`, leaving.item.revision)
    expect((await ended(api, gone.task as Task)).state).toBe('done')
    expect((await lab.host('h6').ping(addressOf(red.far), { count: 2 })).received).toBe(0)
    const { sent, missing } = await stream.stop()
    expect(sent).toBeGreaterThan(100)
    expect(missing).toEqual([])
  })
})

describe('a rollback', () => {
  test('brings the tables of every datapath back', async () => {
    const before = await tableHashes()
    const { id } = await draft('green')
    const { network } = await tenantNetwork('green', id, '192.168.7.0/24')
    for (const host of ['h2', 'h3', 'h5', 'h6']) await plug(network.id, host, id, { vlan: 7 })
    expect((await commit(api, id)).change.state).toBe('committed')
    const between = await tableHashes()
    for (const [at, hash] of before.entries()) expect(between[at]).not.toBe(hash)

    const { change } = await rollBack(api, id)
    expect(change).toMatchObject({ state: 'committed', rollbackOf: { id } })
    expect(await tableHashes()).toEqual(before)
    expect((await lab.host('h1').ping(addressOf(red.far))).received).toBe(3)
  })
})

describe('a datapath', () => {
  test('shows a hand-made entry as drift within 2 s, and loses it when told to', async () => {
    const before = await tableHashes()
    const { id } = await datapath('nic-1')
    const made_ms = performance.now()
    await lab.ofctl('srv-1', 'add-flow', 'br-nic', 'table=0,priority=77,ip,nw_dst=203.0.113.7,actions=drop')
    await until('drift', async () => (await api.get<Datapath>(`/datapaths/${id}`)).state === 'drifted')
    expect(performance.now() - made_ms).toBeLessThan(2000)
    const { items } = await api.get<Page<{ kind: string; held: string }>>(`/datapaths/${id}/drift`)
    expect(items).toEqual([expect.objectContaining({ kind: 'foreign', wanted: null })])
    expect(items[0]?.held).toContain('nw_dst=203.0.113.7')

    expect((await ended(api, await api.post<Task>(`/datapaths/${id}/repair`))).state).toBe('done')
    expect(await tableHashes()).toEqual(before)
    expect((await api.get<Datapath>(`/datapaths/${id}`)).state).toBe('held')
  })

  test('that is emptied by a restart holds its 1,000 entries again within 5 s of reconnecting', async () => {
    const { id } = await draft('many')
    const tenant = await api.post<Tenant>('/tenants', { name: 'many', quotas: { networks: 20, ports: 60 } })
    for (let vlan = 100; vlan < 120; vlan++) {
      const body = { tenantId: tenant.id, name: `many-${vlan}`, change: id }
      const { item } = await api.post<Wrote<Network>>('/networks', body)
      await api.post('/subnets', { networkId: item.id, prefix: `172.16.${vlan}.0/24`, change: id })
      for (const host of ['h1', 'h2', 'h3']) await plug(item.id, host, id, { vlan })
    }
    expect((await commit(api, id)).change.state).toBe('committed')
    const nic = await datapath('nic-1')
    expect(nic.wanted).toBeGreaterThanOrEqual(1000)
    const before = await tableHashes()

    await lab.restartSwitch('srv-1')
    const back_ms = await until('the NIC to connect again', async () => {
      const now = await api.get<Datapath>(`/datapaths/${nic.id}`)
      return now.connected && now.connectedSince !== nic.connectedSince && performance.now()
    })
    await until('all entries', async () => {
      const now = await api.get<Datapath>(`/datapaths/${nic.id}`)
      return now.state === 'held' && now.held === now.wanted
    })
    expect(performance.now() - back_ms).toBeLessThan(5000)
    await until('the server bridge too', async () => (await datapath('srv-1')).state === 'held')
    expect(await tableHashes()).toEqual(before)
    expect((await lab.host('h1').ping(addressOf(red.far))).received).toBe(3)
    expect((await rollBack(api, id)).change.state).toBe('committed')
  })

  test('is listed entry by entry, each with its reason', async () => {
    const { id } = await datapath('nic-1')
    const { items } = await api.get<Page<HeldEntry>>(`/datapaths/${id}/entries`, { limit: 500 })
    expect(items.filter(({ state, because }) => state !== 'held' || because === null)).toEqual([])
  })
})
