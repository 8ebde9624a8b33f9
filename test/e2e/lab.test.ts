import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Change, Task } from '#server/contract/changes.ts'
import type { Datapath, HeldEntry } from '#server/contract/datapaths.ts'
import type { Network, Port } from '#server/contract/networks.ts'
import type { LabView } from '#server/lab/index.ts'
import { type Api, commit, ended, rollBack, until } from './api.ts'
import { arpFrame, BROADCAST, keepQuiet, received, send, udpFrame } from './frames.ts'
import { addressOf, type Page, type RunningLab, startLab, type Wrote } from './running-lab.ts'

let running: RunningLab
let lab: LabView
let api: Api

beforeAll(async () => {
  running = await startLab('e2el')
  lab = running.lab
  api = running.api
  await Promise.all(lab.hosts().map(keepQuiet))
})

afterAll(() => running?.stop())

interface Stretched {
  readonly network: Network
  /** On the first server … */
  readonly near: Port
  /** … and on the second. */
  readonly far: Port
}
let red: Stretched
let blue: Stretched

/** A network of a new tenant with a host on each server, drafted in a change. */
async function stretch(name: string, hosts: readonly [string, string], change: string): Promise<Stretched> {
  const tenant = await running.tenant(name)
  const network = await running.network(tenant, `${name}-net`, '10.0.0.0/24', change)
  const [near, far] = [await running.plug(network, hosts[0], change), await running.plug(network, hosts[1], change)]
  return { network, near: near.item, far: far.item }
}

describe('two tenants with the same addresses', () => {
  let preview: Change

  test('are drawn in one draft, and nothing moves yet', async () => {
    const before = await running.tableHashes()
    const { id } = await running.draft('red and blue')
    red = await stretch('red', ['h1', 'h4'], id)
    blue = await stretch('blue', ['h2', 'h5'], id)
    expect(addressOf(red.near)).toBe(addressOf(blue.near))
    preview = await api.post<Change>(`/changes/${id}/preview`)
    expect(preview.datapaths.map(({ datapath }) => datapath)).toEqual(['nic-1', 'nic-2', 'srv-1', 'srv-2'])
    expect(preview.datapaths.every(({ added, lines }) => added > 0 && lines.length >= added)).toBe(true)
    expect(preview.waves.length).toBe(3)
    expect(preview.findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(preview.commit).toEqual({ allowed: true, why: null })
    expect(await running.tableHashes()).toEqual(before)
  })

  test('are committed, and every datapath holds what the preview showed', async () => {
    const { task, change } = await commit(api, preview.id, { reason: 'the first tenants' })
    expect(task).toMatchObject({ state: 'done', done: 4, total: 4 })
    expect(change.state).toBe('committed')
    expect(change.waves.map(({ state }) => state)).toEqual(['done', 'done', 'done'])
    for (const { datapath: name, added } of change.datapaths)
      expect((await running.datapath(name)).held).toBeGreaterThanOrEqual(added - 20)
    for (const { state, held, wanted } of await running.datapaths())
      expect({ state, held }).toEqual({ state: 'held', held: wanted })
  })

  test('reach each other inside, across the underlay, from the very first packet', async () => {
    await Promise.all([
      running.dress('h1', red.near),
      running.dress('h4', red.far),
      running.dress('h2', blue.near),
      running.dress('h5', blue.far),
    ])
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
    const lone = await running.plug(blue.network, 'h6', undefined, { addresses: ['10.0.0.77'] })
    expect((await ended(api, lone.task as Task)).state).toBe('done')
    await running.dress('h6', lone.item)
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
    const leaving = await running.plug(red.network, 'h6')
    expect((await ended(api, leaving.task as Task)).state).toBe('done')
    await running.dress('h6', leaving.item)
    const stream = await lab.host('h1').stream(addressOf(red.far), { interval_ms: 5 })
    expect((await lab.host('h6').ping(addressOf(red.far))).received).toBe(3)

    await running.weft.cli('port', 'create', '--network', 'red-net', '--attachment', 'h3', '-o', 'json')
    const { items } = await api.get<Page<Port>>('/ports', { networkId: red.network.id })
    const added = items.find(({ name }) => name === 'h3') as Port
    await running.dress('h3', added)
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
    const before = await running.tableHashes()
    const { id } = await running.draft('green')
    const network = await running.network(await running.tenant('green'), 'green-net', '192.168.7.0/24', id)
    for (const host of ['h2', 'h3', 'h5', 'h6']) await running.plug(network, host, id, { vlan: 7 })
    expect((await commit(api, id)).change.state).toBe('committed')
    const between = await running.tableHashes()
    for (const [at, hash] of before.entries()) expect(between[at]).not.toBe(hash)

    const { change } = await rollBack(api, id)
    expect(change).toMatchObject({ state: 'committed', rollbackOf: { id } })
    expect(await running.tableHashes()).toEqual(before)
    expect((await lab.host('h1').ping(addressOf(red.far))).received).toBe(3)
  })
})

describe('a datapath', () => {
  test('shows a hand-made entry as drift within 2 s, and loses it when told to', async () => {
    const before = await running.tableHashes()
    const { id } = await running.datapath('nic-1')
    const made_ms = performance.now()
    await lab.ofctl('srv-1', 'add-flow', 'br-nic', 'table=0,priority=77,ip,nw_dst=203.0.113.7,actions=drop')
    await until('drift', async () => (await api.get<Datapath>(`/datapaths/${id}`)).state === 'drifted')
    expect(performance.now() - made_ms).toBeLessThan(2000)
    const { items } = await api.get<Page<{ kind: string; held: string }>>(`/datapaths/${id}/drift`)
    expect(items).toEqual([expect.objectContaining({ kind: 'foreign', wanted: null })])
    expect(items[0]?.held).toContain('nw_dst=203.0.113.7')

    expect((await ended(api, await api.post<Task>(`/datapaths/${id}/repair`))).state).toBe('done')
    expect(await running.tableHashes()).toEqual(before)
    expect((await api.get<Datapath>(`/datapaths/${id}`)).state).toBe('held')
  })

  test('that is emptied by a restart holds its 1,000 entries again within 5 s of reconnecting', async () => {
    const { id } = await running.draft('many')
    const tenant = await running.tenant('many', { networks: 20, ports: 60 })
    for (let vlan = 100; vlan < 120; vlan++) {
      const network = await running.network(tenant, `many-${vlan}`, `172.16.${vlan}.0/24`, id)
      for (const host of ['h1', 'h2', 'h3']) await running.plug(network, host, id, { vlan })
    }
    expect((await commit(api, id)).change.state).toBe('committed')
    const nic = await running.datapath('nic-1')
    expect(nic.wanted).toBeGreaterThanOrEqual(1000)
    const before = await running.tableHashes()

    const restarted = lab.restartSwitch('srv-1')
    const connectedSince = await until('the NIC to connect again', async () => {
      const now = await api.get<Datapath>(`/datapaths/${nic.id}`)
      return now.connectedSince !== nic.connectedSince && (now.connectedSince ?? undefined)
    })
    // The console does not call it held before the switch itself has every entry.
    await until('the NIC to be held', async () => (await api.get<Datapath>(`/datapaths/${nic.id}`)).state === 'held')
    const flows = await lab.ofctl('srv-1', 'dump-aggregate', 'br-nic')
    expect(Number(/flow_count=(\d+)/.exec(flows)?.[1])).toBe(nic.wanted)
    expect(Date.now() - Date.parse(connectedSince)).toBeLessThan(5000)
    await restarted
    await until('the server bridge too', async () => (await running.datapath('srv-1')).state === 'held')
    expect(await running.tableHashes()).toEqual(before)
    expect((await lab.host('h1').ping(addressOf(red.far))).received).toBe(3)
    expect((await rollBack(api, id)).change.state).toBe('committed')
  })

  test('is listed entry by entry, each with its reason', async () => {
    const { id } = await running.datapath('nic-1')
    const { items } = await api.get<Page<HeldEntry>>(`/datapaths/${id}/entries`, { limit: 500 })
    expect(items.filter(({ state, because }) => state !== 'held' || because === null)).toEqual([])
  })
})
