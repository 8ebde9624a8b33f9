import { existsSync } from 'node:fs'
import { createConnection } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DriverError } from '#server/datapath/driver.ts'
import { readDifference } from '#server/engine/program/deserialise.ts'
import { inverse } from '#server/engine/program/difference.ts'
import { entry, group } from '#server/engine/program/entry.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { EMPTY_DIFFERENCE } from '#server/engine/program/program.ts'
import { writeDifference } from '#server/engine/program/serialise.ts'
import {
  adding,
  commit,
  connected,
  type DrivenBridge,
  drive,
  driveConnected,
  manyEntries,
  setController,
} from './openflow.ts'
import { type Openvswitch, run, startPeer, stopPeersAfterAll, until } from './openvswitch.ts'

stopPeersAfterAll()

let peer: Openvswitch
let driven: DrivenBridge

beforeAll(async () => {
  peer = await startPeer({ datapath: 'dummy' })
})

beforeEach(async () => {
  await peer.addBridge('br0', { datapathId: '00000000000000aa' })
  driven = await driveConnected(peer, 'br0')
})

afterEach(async () => {
  await driven.close()
  await peer.vsctl('del-br', 'br0')
})

const toGroup = (number: number) =>
  entry({
    table: 0,
    priority: 1,
    match: [],
    instructions: [{ type: 'apply_actions', actions: [{ type: 'group', group: number }] }],
  })
const all = (number: number, ...ports: number[]) =>
  group({ group: number, type: 'all', buckets: ports.map((port) => ({ actions: [{ type: 'output', port }] })) })

const failing = async (work: Promise<unknown>): Promise<DriverError> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DriverError)
  return error as DriverError
}

describe('a driven switch', () => {
  it('says what it is', async () => {
    const description = await driven.datapath.describe()
    expect(description).toMatchObject({
      datapathId: '00000000000000aa',
      protocol: 'OpenFlow 1.5',
      tables: 254,
      tableDefault: 1_000_000,
      tableLimits: {},
      groupTypes: ['all', 'select', 'indirect', 'fast_failover'],
      metadataBits: 64,
      features: ['bundles', 'flow_monitor', 'copy_field'],
    })
    expect(description.product).toMatch(/^Open vSwitch 3\.\d+\.\d+, OpenFlow 1\.5$/)
    expect(description.ports.map((port) => port.name)).toEqual(['br0'])
  })

  it('tells the limit of a table that has one, and makes room in it before it adds', async () => {
    await peer.vsctl(
      '--',
      '--id=@t',
      'create',
      'Flow_Table',
      'flow_limit=3',
      '--',
      'set',
      'bridge',
      'br0',
      'flow_tables:7=@t',
    )
    await driven.close()
    driven = await driveConnected(peer, 'br0')
    expect((await driven.datapath.describe()).tableLimits).toEqual({ 7: 3 })
    const [a, b, c, d, e] = manyEntries(5, 7)
    await commit(driven.datapath, adding([a, b, c].flatMap((one) => one ?? [])))
    await commit(driven.datapath, { ...EMPTY_DIFFERENCE, entries: [{ after: d }, { before: a }] })
    expect((await driven.datapath.read()).program.entries.size).toBe(3)
    const error = await failing(commit(driven.datapath, { ...EMPTY_DIFFERENCE, entries: [{ after: e }] }))
    expect(error).toMatchObject({ failure: 'refused', message: 'flow_mod_failed: table_full' })
    expect(error.entry).toContain('nw_dst=10.0.0.4')
  })

  it('holds what was committed, and after the inverse what it held before', async () => {
    const empty = hashProgram((await driven.datapath.read()).program).all
    const entries = manyEntries(1000)
    const d = adding(
      [...entries, toGroup(5)],
      [all(6, 1, 2), group({ group: 5, type: 'all', buckets: [{ actions: [{ type: 'group', group: 6 }] }] })],
    )
    await commit(driven.datapath, d)
    const { program, counters } = await driven.datapath.read()
    expect(program.entries.size).toBe(1001)
    for (const wanted of entries) expect(program.entries.get(wanted.key)).toEqual(wanted)
    expect([...program.groups.keys()]).toEqual([5, 6])
    expect(counters.get(entries[0]?.key ?? '')).toMatchObject({ packets: 0n, bytes: 0n })
    await commit(driven.datapath, inverse(d))
    expect(hashProgram((await driven.datapath.read()).program).all).toBe(empty)
  })

  it('forwards nothing differently while a part is only staged', async () => {
    const staged = await driven.datapath.stage({ change: 'C-1', difference: adding(manyEntries(10)) }, 5000)
    expect((await driven.datapath.read()).program.entries.size).toBe(0)
    await driven.datapath.discard(staged)
    expect(await failing(driven.datapath.commit(staged, 5000))).toMatchObject({ failure: 'away' })
  })

  it('stages again what has waited so long that the switch dropped it', async () => {
    const staged = await driven.datapath.stage({ change: 'C-1', difference: adding(manyEntries(10)) }, 5000)
    await peer.vsctl('set', 'open_vswitch', '.', 'other_config:bundle-idle-timeout=1')
    const start = performance.now()
    await until('the part to be old', () => performance.now() - start > 8100, { deadline_ms: 10_000 })
    await driven.datapath.commit(staged, 5000)
    expect((await driven.datapath.read()).program.entries.size).toBe(10)
    await peer.vsctl('remove', 'open_vswitch', '.', 'other_config', 'bundle-idle-timeout')
  })

  it('tells counters of its ports', async () => {
    expect(await driven.datapath.portCounters()).toMatchObject([{ port: 0xfffffffe, rxPackets: 0n, txBytes: 0n }])
  })
})

describe.each([
  ['OpenFlow13', 'OpenFlow 1.3', ['bundles']],
  ['OpenFlow14', 'OpenFlow 1.4', ['bundles', 'flow_monitor']],
  ['OpenFlow15', 'OpenFlow 1.5', ['bundles', 'flow_monitor', 'copy_field']],
] as const)('a switch that speaks %s alone', (protocols, protocol, features) => {
  it('is driven like any other', async () => {
    await peer.vsctl('set', 'bridge', 'br0', `protocols=${protocols}`)
    await until('the switch to speak it', async () => {
      const known = driven.datapath.connected ? await driven.datapath.describe() : undefined
      return known?.protocol === protocol
    })
    expect((await driven.datapath.describe()).features).toEqual(features)
    const groups = [all(6, 1), group({ group: 7, type: 'select', buckets: [{ weight: 3, actions: [] }] })]
    const d = adding([...manyEntries(300), toGroup(6)], groups)
    await commit(driven.datapath, d)
    const { program } = await driven.datapath.read()
    expect(program.entries).toEqual(new Map(d.entries.map(({ after }) => [after?.key, after])))
    expect([...program.groups.values()]).toEqual(groups)
    expect(await failing(commit(driven.datapath, adding([toGroup(77)])))).toMatchObject({
      failure: 'refused',
      entry: 'table=0, priority=1 actions=group:77',
    })
    await commit(driven.datapath, inverse(d))
    expect((await driven.datapath.read()).program).toMatchObject({ entries: new Map(), groups: new Map() })
  })
})

describe('what a switch refuses', () => {
  it('is known at staging when the message itself is wrong, with the entry', async () => {
    const wrong = entry({ table: 2, priority: 9, match: [{ field: 'tcp_dst', value: 80n }], instructions: [] })
    const difference = adding([...manyEntries(500), wrong, ...manyEntries(500, 3)])
    expect(await failing(driven.datapath.stage({ change: 'C-1', difference }, 5000))).toMatchObject({
      failure: 'refused',
      datapath: 'br0',
      message: 'bad_match: bad_prereq',
      entry: 'table=2, priority=9,tp_dst=80 actions=drop',
    })
  })

  it('is known at commit when it depends on what is there, and nothing is held then', async () => {
    const error = await failing(commit(driven.datapath, adding([...manyEntries(10), toGroup(77)])))
    expect(error).toMatchObject({
      failure: 'refused',
      message: 'bad_action: bad_out_group',
      entry: 'table=0, priority=1 actions=group:77',
    })
    expect((await driven.datapath.read()).program.entries.size).toBe(0)
  })

  it('names the group that is there already', async () => {
    await peer.ofctl('add-group', 'br0', 'group_id=5,type=all,bucket=output:1')
    expect(await failing(commit(driven.datapath, adding([], [all(5, 2)])))).toMatchObject({
      failure: 'refused',
      message: 'group_mod_failed: group_exists',
      entry: 'group_id=5,type=all,bucket=actions=output:2',
    })
  })

  it('does not keep what follows from being committed', async () => {
    await failing(commit(driven.datapath, adding([toGroup(77)])))
    await commit(driven.datapath, adding(manyEntries(3)))
    expect((await driven.datapath.read()).program.entries.size).toBe(3)
  })
})

describe('convergence', () => {
  it('brings what the difference names to its end, whatever is there, as often as it is asked', async () => {
    const [a, b, c] = manyEntries(3)
    await peer.ofctl('add-group', 'br0', 'group_id=5,type=select,bucket=output:9')
    await peer.ofctl('add-flow', 'br0', 'table=1,priority=100,ip,in_port=3,nw_dst=10.0.0.0,actions=output:9')
    await peer.ofctl('add-flow', 'br0', 'table=4,actions=drop')
    const difference = {
      ...EMPTY_DIFFERENCE,
      entries: [{ after: a }, { before: b, after: c }, { before: b }],
      groups: [{ after: all(5, 1) }, { after: all(6, 1) }, { before: all(7) }],
    }
    for (let turn = 0; turn < 2; turn++) {
      await driven.datapath.converge(difference, 5000)
      const { program } = await driven.datapath.read()
      expect([...program.entries.keys()].sort()).toEqual([a?.key, c?.key, '004/32767/'].sort())
      expect(program.entries.get(a?.key ?? '')).toEqual(a)
      expect([...program.groups.values()]).toEqual([all(5, 1), all(6, 1)])
    }
  })
})

describe('entries of somebody else', () => {
  it('that match on what has no name here are told apart, removed when asked to, and put back', async () => {
    for (const state of ['+new+trk', '+est+trk', '-trk'])
      await peer.ofctl('add-flow', 'br0', `table=1,priority=9,ct_state=${state},tcp,tcp_dst=80,actions=drop`)
    const before = (await driven.datapath.read()).program
    expect(before.entries.size).toBe(3)
    const removal = { ...EMPTY_DIFFERENCE, entries: [...before.entries.values()].map((one) => ({ before: one })) }
    const journalled = readDifference(Buffer.concat(writeDifference(removal)).toString('ascii'))
    if (!journalled.ok) throw new Error(journalled.error)
    const difference = journalled.value
    await driven.datapath.converge(difference, 5000)
    expect((await driven.datapath.read()).program.entries.size).toBe(0)
    await driven.datapath.converge(inverse(difference), 5000)
    expect(hashProgram((await driven.datapath.read()).program)).toEqual(hashProgram(before))
    expect(await peer.ofctl('dump-flows', 'br0')).toContain('ct_state=+new+trk')
  })
})

describe('what others do', () => {
  const moves = () => driven.events.flatMap((event) => (event.type === 'moved' ? [event.reason] : []))

  it('is told within a second: entries', async () => {
    const start = performance.now()
    await peer.ofctl('add-flow', 'br0', 'table=3,priority=7,ip,nw_dst=10.1.0.0/16,actions=drop')
    await until('the hand-made entry to be told', () => moves().length > 0)
    expect(performance.now() - start).toBeLessThan(1000)
    expect(moves()).toEqual(['table=3,priority=7,ip,nw_dst=10.1.0.0/16 was added'])
  })

  it('is told within two seconds: groups', async () => {
    const start = performance.now()
    await peer.ofctl('add-group', 'br0', 'group_id=9,type=all,bucket=output:2')
    await until('the hand-made group to be told', () => moves().length > 0)
    expect(performance.now() - start).toBeLessThan(2000)
    expect(moves()).toEqual(['group 9 changed'])
  })

  it('is told apart from what the driver does', async () => {
    await commit(driven.datapath, adding([...manyEntries(2000), toGroup(5)], [all(5, 1)]))
    await driven.datapath.converge({ ...EMPTY_DIFFERENCE, groups: [{ before: all(5, 1), after: all(5, 2) }] }, 5000)
    await peer.ofctl('add-group', 'br0', 'group_id=9,type=all,bucket=output:2')
    await until('the hand-made group to be told', () => moves().length > 0)
    expect(moves()).toEqual(['group 9 changed'])
  })

  it('is told: ports', async () => {
    await peer.vsctl('add-port', 'br0', 'p1', '--', 'set', 'interface', 'p1', 'type=dummy', 'ofport_request=7')
    const ports = await until('the port to be told', () => driven.events.find((event) => event.type === 'ports'))
    expect(ports).toMatchObject({ ports: [{ port: 7, name: 'p1' }, { name: 'br0' }] })
    expect((await driven.datapath.describe()).ports.map((port) => port.name)).toEqual(['p1', 'br0'])
  })
})

describe('a connection', () => {
  it('that ends takes staged parts with it: nothing was committed', async () => {
    const staged = await driven.datapath.stage({ change: 'C-1', difference: adding(manyEntries(10)) }, 5000)
    await peer.vsctl('del-controller', 'br0')
    await until('the disconnection to be told', () => driven.events.some((event) => event.type === 'disconnected'))
    expect(await failing(driven.datapath.commit(staged, 5000))).toMatchObject({ failure: 'away' })
    expect(await failing(driven.datapath.read())).toMatchObject({ failure: 'away' })
    await setController(peer, 'br0')
    await connected(driven)
    expect(await failing(driven.datapath.commit(staged, 5000))).toMatchObject({ failure: 'away' })
    expect((await driven.datapath.read()).program.entries.size).toBe(0)
  })

  it('that ends amid staging leaves nothing behind', async () => {
    const staging = driven.datapath.stage({ change: 'C-1', difference: adding(manyEntries(20_000)) }, 20_000)
    await Promise.all([
      expect(failing(staging)).resolves.toMatchObject({ failure: 'away' }),
      peer.vsctl('del-controller', 'br0'),
    ])
  })

  it('comes back by itself after a restart, and the emptied switch is told', async () => {
    await commit(driven.datapath, adding(manyEntries(1000)))
    const before = driven.events.length
    await peer.restart()
    await connected(driven)
    expect(driven.events.slice(before).map((event) => event.type)).toEqual(['disconnected', 'connected'])
    expect((await driven.datapath.read()).program.entries.size).toBe(0)
    await driven.datapath.converge(adding(manyEntries(1000)), 5000)
    expect((await driven.datapath.read()).program.entries.size).toBe(1000)
  })
})

describe('two engines', () => {
  it('the newer one is master; the older one is fenced, and says so', async () => {
    const staged = await driven.datapath.stage({ change: 'C-1', difference: adding(manyEntries(10)) }, 5000)
    const newer = await drive(peer, 'br0', { socket: 'other.sock' })
    await setController(peer, 'br0', ['weft.sock', 'other.sock'])
    await connected(newer)
    await until('the older one to be told', () => driven.events.some((event) => event.type === 'disconnected'))
    expect(driven.datapath.connected).toBe(false)
    expect(await failing(driven.datapath.commit(staged, 5000))).toMatchObject({ failure: 'fenced' })
    expect(await failing(commit(driven.datapath, adding(manyEntries(1))))).toMatchObject({ failure: 'fenced' })
    await commit(newer.datapath, adding(manyEntries(3)))
    expect((await newer.datapath.read()).program.entries.size).toBe(3)
    await newer.close()
  })

  it('one with a stale generation never becomes master', async () => {
    const stale = await drive(peer, 'br0', { socket: 'other.sock', generation: async () => 0n })
    await setController(peer, 'br0', ['weft.sock', 'other.sock'])
    await until('the stale one to be refused', () => stale.lines.some((line) => line.includes('has become master')))
    expect(await failing(stale.datapath.read())).toMatchObject({ failure: 'fenced' })
    expect(driven.datapath.connected).toBe(true)
    await stale.close()
  })
})

describe('a bridge whose database is known', () => {
  it('is configured there, again after somebody changes it, and once it is made', async () => {
    const keeper = await drive(peer, 'br5', { configures: true, datapathId: '00000000000000c5', socket: 'br5.sock' })
    await peer.vsctl('add-br', 'br5', '--', 'set', 'bridge', 'br5', 'datapath_type=dummy')
    await connected(keeper)
    const settings = async () => [
      ...(await Promise.all([
        peer.vsctl('get', 'bridge', 'br5', 'fail_mode'),
        peer.vsctl('get', 'bridge', 'br5', 'protocols'),
        peer.vsctl('get', 'controller', 'br5', 'connection_mode'),
      ])),
    ]
    const wanted = ['secure\n', '[OpenFlow13, OpenFlow14, OpenFlow15]\n', 'out-of-band\n']
    expect(await settings()).toEqual(wanted)
    await peer.vsctl('del-controller', 'br5', '--', 'set-fail-mode', 'br5', 'standalone')
    await until('the settings to be back', async () => (await settings()).join() === wanted.join())
    await connected(keeper)
    await keeper.close()
    await peer.vsctl('del-br', 'br5')
  })

  it('comes back soon when the engine does, not after the switch’s own 8 s', async () => {
    const options = { configures: true, datapathId: '00000000000000c6', socket: 'br6.sock' }
    await peer.addBridge('br6')
    const configuration = async () => Number(await peer.vsctl('get', 'open_vswitch', '.', 'cur_cfg'))
    const before = await configuration()
    const first = await drive(peer, 'br6', options)
    await connected(first)
    // Once for the bridge, once for the backoff.
    await until('the switch to be configured twice', async () => (await configuration()) >= before + 2)
    for (let turn = 0; turn < 3; turn++) {
      const engine = turn === 0 ? first : await drive(peer, 'br6', options)
      const start = performance.now()
      await connected(engine)
      // A second of backoff, and the handshake on a busy machine.
      expect(performance.now() - start).toBeLessThan(4000)
      await engine.close()
    }
    await peer.vsctl('del-br', 'br6')
  })
})

describe('an address', () => {
  it('serves several datapaths, over TCP too, and is closed with the last of them', async () => {
    const { listeners } = driven
    const at = { type: 'tcp', host: '127.0.0.1', port: 0 } as const
    const taken: string[] = []
    const withdraw = await Promise.all(
      ['0000000000000001', '0000000000000002'].map((id) =>
        listeners.serve(at, id, (greeting) => taken.push(greeting.datapathId)),
      ),
    )
    const port = listeners.open.flatMap(({ endpoint }) => (endpoint.type === 'tcp' ? endpoint.port : []))[0]
    await peer.addBridge('br1', { datapathId: '0000000000000001' })
    await peer.addBridge('br2', { datapathId: '0000000000000002' })
    for (const bridge of ['br1', 'br2']) await peer.vsctl('set-controller', bridge, `tcp:127.0.0.1:${port}`)
    await until('both bridges to connect', () => new Set(taken).size === 2)
    for (const stop of withdraw) await stop()
    expect(listeners.open).toHaveLength(1)
    for (const bridge of ['br1', 'br2']) await peer.vsctl('del-br', bridge)
  })

  it('that a dead process left behind is taken over; the file goes with the driver', async () => {
    const file = `${peer.dir}/stale.sock`
    const die = "require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))"
    await run([process.execPath, '-e', die, file]).catch(() => undefined)
    expect(existsSync(file)).toBe(true)
    const second = await drive(peer, 'br0', { socket: 'stale.sock', datapathId: '00000000000000cc' })
    await second.close()
    expect(existsSync(file)).toBe(false)
  })
})

describe('peers that are no switches', () => {
  const refusals = () => driven.lines.filter((line) => line.startsWith('An OpenFlow peer was refused.'))

  it('are closed with a logged reason', async () => {
    const socket = createConnection(`${peer.dir}/weft.sock`)
    socket.on('error', () => undefined)
    socket.resume()
    socket.write(Uint8Array.from({ length: 4096 }, (_, i) => (i * 73 + 11) & 0xff))
    await until('the peer to be refused', () => refusals().length > 0)
    await until('the socket to be closed', () => socket.closed || socket.destroyed)
    expect(refusals()[0]).toMatch(/sent what is not OpenFlow/)
    expect(driven.datapath.connected).toBe(true)
  })

  it('are told apart by datapath id', async () => {
    await peer.addBridge('br1', { datapathId: '00000000000000bb' })
    await setController(peer, 'br1')
    await until('the unknown datapath to be refused', () => refusals().length > 0)
    expect(refusals()[0]).toContain('datapath 00000000000000bb is not known here')
    await peer.vsctl('del-br', 'br1')
  })
})
