import { createConnection } from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Operation, Row } from '#server/codec/ovsdb/index.ts'
import { sameValue } from '#server/codec/ovsdb/index.ts'
import { parseEndpoint } from '#server/datapath/connection/endpoint.ts'
import {
  addPorts,
  bridge,
  dialledSource,
  ensureBridge,
  interfaceNamed,
  interfacesOf,
  type OvsdbClient,
  type OvsdbEvent,
  openOvsdbClient,
  openOvsdbListener,
  type PortRequest,
  readStatistics,
  removePorts,
} from '#server/datapath/openflow/ovsdb/index.ts'
import { WATCH } from '#server/datapath/openflow/ovsdb/watch.ts'
import { ANYWHERE } from '#server/outbound/guard.ts'
import { type Openvswitch, run, startPeer, stopPeersAfterAll, until } from './openvswitch.ts'

stopPeersAfterAll()

let peer: Openvswitch
const clients: OvsdbClient[] = []

beforeAll(async () => {
  peer = await startPeer()
  await peer.addBridge('br0', { failMode: 'standalone', protocols: ['OpenFlow10'] })
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})

async function open(events: OvsdbEvent[] = []): Promise<OvsdbClient> {
  const source = dialledSource(parseEndpoint(`unix:${peer.database}`), {
    ...{ outbound: ANYWHERE, backoff: { first_ms: 20, most_ms: 200 } },
  })
  const client = openOvsdbClient({ source, log: () => undefined })
  clients.push(client)
  client.subscribe((event) => events.push(event))
  await client.until('the mirror', () => true)
  return client
}

const comment = 'weft C-1'

/** What the database says now of every watched column, for comparison with the mirror. */
async function select(client: OvsdbClient): Promise<Map<string, Map<string, Row>>> {
  const tables = Object.entries(WATCH)
  const outcomes = await client.transact(
    tables.map(([table, columns]): Operation => ({ op: 'select', table, where: [], columns: ['_uuid', ...columns] })),
  )
  return new Map(
    tables.map(([table], place) => {
      const rows = outcomes[place]?.rows ?? []
      return [table, new Map(rows.map(({ _uuid, ...row }) => [(_uuid as { uuid: string }).uuid, row]))]
    }),
  )
}

function differences(client: OvsdbClient, held: Map<string, Map<string, Row>>): string[] {
  return [...held].flatMap(([table, rows]) => {
    const mirrored = client.table(table)
    const ids = new Set([...rows.keys(), ...mirrored.keys()])
    return [...ids].flatMap((id) => {
      const [there, here] = [rows.get(id), mirrored.get(id)]
      if (!there || !here) return [`${table} ${id} is only ${there ? 'there' : 'here'}`]
      return Object.keys(there)
        .filter((column) => !sameValue(there[column], here[column]))
        .map((column) => `${table}.${column}`)
    })
  })
}

describe('the mirror of a real database', () => {
  it('holds what ovs-vsctl changes, and says what was before', async () => {
    const events: OvsdbEvent[] = []
    const client = await open(events)
    expect(bridge(client, 'br0')).toMatchObject({ failMode: 'standalone', protocols: ['OpenFlow10'], ports: ['br0'] })
    await peer.vsctl('set', 'bridge', 'br0', 'external_ids:owner=somebody')
    await client.until('the change', () => bridge(client, 'br0')?.externalIds.owner === 'somebody' || undefined)
    const change = events
      .flatMap((event) => (event.type === 'rows' ? event.changes : []))
      .findLast(({ table }) => table === 'Bridge')
    expect(change?.before?.external_ids).toEqual(new Map())
    expect(change?.after?.external_ids).toEqual(new Map([['owner', 'somebody']]))
  })

  it('is what a select answers, after any changes of sets, maps, optional values and rows', async () => {
    const client = await open()
    const key = fc.constantFrom('a', 'b', 'c')
    const step = fc.oneof(
      fc
        .tuple(key, fc.constantFrom('1', '2'))
        .map(([one, two]) => ['set', 'bridge', 'br0', `external_ids:${one}=${two}`]),
      key.map((one) => ['remove', 'bridge', 'br0', 'external_ids', one]),
      fc
        .subarray(['OpenFlow10', 'OpenFlow13', 'OpenFlow15'], { minLength: 1 })
        .map((all) => ['set', 'bridge', 'br0', `protocols=${all.join()}`]),
      fc.constantFrom('secure', 'standalone').map((mode) => ['set', 'bridge', 'br0', `fail_mode=${mode}`]),
      fc.constant(['clear', 'bridge', 'br0', 'fail_mode']),
      key.map((one) => ['--may-exist', 'add-port', 'br0', one, '--', 'set', 'interface', one, 'type=internal']),
      fc
        .tuple(key, fc.subarray([1, 2, 3]))
        .map(([one, tags]) => ['--if-exists', 'set', 'port', one, `trunks=${tags.length ? tags.join() : '[]'}`]),
      key.map((one) => ['--if-exists', 'del-port', 'br0', one]),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        await peer.vsctl(...steps.flatMap((one) => ['--', ...one]))
        await until('the mirror to agree', async () => differences(client, await select(client)).length === 0)
      }),
      { numRuns: 30 },
    )
    for (const port of ['a', 'b', 'c']) await peer.vsctl('--if-exists', 'del-port', 'br0', port)
  })

  it('survives the loss of the database: it connects again and tells only what differs', async () => {
    const events: OvsdbEvent[] = []
    const client = await open(events)
    const bridges = client.table('Bridge').size
    const seen = events.length
    await run(['ovs-appctl', '-t', `${peer.dir}/ovsdb.ctl`, 'ovsdb-server/reconnect'])
    await client.until(
      'the mirror again',
      () => events.slice(seen).some(({ type }) => type === 'connected') || undefined,
    )
    expect(events[seen]?.type).toBe('disconnected')
    expect(client.table('Bridge').size).toBe(bridges)
    const told = events.slice(seen).flatMap((event) => (event.type === 'rows' ? event.changes : []))
    expect(told.filter(({ table }) => table === 'Bridge' || table === 'Interface')).toEqual([])
  })

  it('answers echo and asks for it: a silent peer of ours stays connected', async () => {
    const client = await open()
    // ovsdb-server sends an echo after 5 s of silence and drops a client that does not answer within 5 s more.
    const [before] = client.table('Open_vSwitch').keys()
    const source = dialledSource(parseEndpoint(`unix:${peer.database}`), {
      outbound: ANYWHERE,
      idle: { probe_ms: 50, grace_ms: 500 },
    })
    const events: OvsdbEvent[] = []
    const probing = openOvsdbClient({ source, log: () => undefined, watch: {} })
    clients.push(probing)
    probing.subscribe((event) => events.push(event))
    await probing.until('the session', () => true)
    const end = performance.now() + 1000
    await until('a second of probes', () => performance.now() > end)
    expect(events.map(({ type }) => type)).toEqual(['connected'])
    expect([...client.table('Open_vSwitch').keys()][0]).toBe(before)
  })
})

describe('transactions on a real database', () => {
  it('make nothing of it when one operation is refused, and say which', async () => {
    const client = await open()
    const outcome = client.transact([
      {
        op: 'mutate',
        table: 'Bridge',
        where: [['name', '==', 'br0']],
        mutations: [['external_ids', 'insert', new Map([['half', '1']])]],
      },
      {
        op: 'wait',
        table: 'Bridge',
        where: [['name', '==', 'br9']],
        columns: ['name'],
        until: '==',
        rows: [{ name: 'br9' }],
        timeout_ms: 0,
      },
    ])
    await expect(outcome).rejects.toMatchObject({ name: 'OvsdbError', failure: 'refused', operation: 1 })
    expect(bridge(client, 'br0')?.externalIds.half).toBeUndefined()
    await expect(client.transact([{ op: 'insert', table: 'Bridge', row: { colour: 'red' } }])).rejects.toThrow(/colour/)
  })

  it('give up at a deadline or an abort', async () => {
    const client = await open()
    const never: Operation = {
      ...{
        op: 'wait',
        table: 'Bridge',
        where: [['name', '==', 'br0']],
        columns: ['name'],
        until: '!=',
        rows: [{ name: 'br0' }],
      },
      timeout_ms: 60_000,
    }
    await expect(client.transact([never], { deadline_ms: 50 })).rejects.toMatchObject({ failure: 'stalled' })
    const stop = new AbortController()
    const aborted = client.transact([never], { signal: stop.signal })
    stop.abort()
    await expect(aborted).rejects.toMatchObject({ failure: 'aborted' })
    await expect(client.until('a miracle', () => undefined, { deadline_ms: 30 })).rejects.toThrow(
      'waited 30 ms for a miracle',
    )
  })

  it('are refused as away without a connection', async () => {
    const source = dialledSource(parseEndpoint(`unix:${peer.dir}/nobody.sock`), { outbound: ANYWHERE })
    const client = openOvsdbClient({ source, log: () => undefined })
    clients.push(client)
    await expect(client.transact([])).rejects.toMatchObject({ failure: 'away' })
  })
})

describe('a managed bridge', () => {
  it('gets what it needs once, and nothing the second time', async () => {
    const client = await open()
    await peer.addBridge('br1', { failMode: 'standalone', protocols: ['OpenFlow10'] })
    await peer.vsctl(
      'set-controller',
      'br1',
      'tcp:127.0.0.1:1',
      'tcp:127.0.0.1:2',
      '--',
      'set',
      'bridge',
      'br1',
      'other_config:mine=yes',
    )
    await client.until('br1', () => bridge(client, 'br1')?.controllers.length === 2 || undefined)
    const controller = `unix:${peer.dir}/weft.sock`
    const requirements = { bridge: 'br1', controller, datapathId: '00000000000b0001', bundleIdle_s: 30 }
    expect(await ensureBridge(client, requirements, { comment })).toBe(true)
    expect(await ensureBridge(client, requirements, { comment })).toBe(false)
    expect(bridge(client, 'br1')).toMatchObject({
      failMode: 'secure',
      datapathId: '00000000000b0001',
      protocols: ['OpenFlow13', 'OpenFlow14', 'OpenFlow15'],
      otherConfig: { 'disable-in-band': 'true', 'datapath-id': '00000000000b0001', mine: 'yes' },
    })
    expect(await peer.vsctl('get-controller', 'br1')).toBe(`${controller}\n`)
    expect(await peer.vsctl('get', 'controller', 'br1', 'connection_mode', 'max_backoff')).toBe('out-of-band\n1000\n')
    expect(await peer.vsctl('get', 'open_vswitch', '.', 'other_config:bundle-idle-timeout')).toBe('"30"\n')
    expect(await peer.ofctl('show', 'br1')).toContain('dpid:00000000000b0001')
    expect(await run(['ovsdb-tool', 'show-log', '-m', `${peer.dir}/conf.db`])).toContain(comment)
    await expect(ensureBridge(client, { ...requirements, bridge: 'br9' }, { comment })).rejects.toThrow('no bridge br9')
  })

  it('gets tunnels and patches with the numbers asked for, again without effect, and loses them', async () => {
    await peer.addBridge('br2')
    const client = await open()
    const requests: PortRequest[] = [
      {
        bridge: 'br0',
        name: 'vx7',
        type: 'vxlan',
        ofport: 70,
        options: { remote_ip: 'flow', key: 'flow' },
        externalIds: { weft: 'C-1' },
      },
      { bridge: 'br0', name: 'pa7', type: 'patch', ofport: 71, options: { peer: 'pb7' } },
      { bridge: 'br2', name: 'pb7', type: 'patch', ofport: 72, options: { peer: 'pa7' } },
    ]
    const made = await addPorts(client, requests, { comment })
    expect(made).toMatchObject([
      { name: 'vx7', ofport: 70, options: { key: 'flow' } },
      { name: 'pa7', ofport: 71, error: undefined },
      { name: 'pb7', ofport: 72, error: undefined },
    ])
    expect(await addPorts(client, requests, { comment })).toEqual(made)
    expect(interfacesOf(client, 'br0').map(({ name }) => name)).toEqual(['vx7', 'pa7', 'br0'])
    expect((await readStatistics(client)).get('vx7')).toMatchObject({ rx_packets: 0n })
    await removePorts(client, ['vx7', 'pa7', 'pb7', 'nothing'], { comment })
    expect((await peer.vsctl('list-ports', 'br0')).trim()).toBe('')
  })

  it('keeps none of the ports when the switch cannot use one', async () => {
    const client = await open()
    const bad = addPorts(
      client,
      [
        { bridge: 'br0', name: 'ok7', type: 'internal' },
        { bridge: 'br0', name: 'absent7', type: '' },
      ],
      { comment },
    )
    await expect(bad).rejects.toThrow(/absent7.*No such device/)
    expect((await peer.vsctl('list-ports', 'br0')).trim()).toBe('')
    await addPorts(client, [{ bridge: 'br0', name: 'in7', type: 'internal' }], { comment })
    await expect(addPorts(client, [{ bridge: 'br0', name: 'in7', type: 'vxlan' }], { comment })).rejects.toThrow(
      'another port in7',
    )
    expect(interfaceNamed(client, 'in7')?.type).toBe('internal')
    await removePorts(client, ['in7'], { comment })
  })
})

describe('the address where switches dial in', () => {
  it('serves the switch that is known, tells of one that is not, and takes it again after a loss', async () => {
    const strangers: string[] = []
    const listener = await openOvsdbListener({
      endpoint: parseEndpoint(`unix:${peer.dir}/manager.sock`),
      log: () => undefined,
      onUnknown: (identity) => strangers.push(identity.bridges.map(({ name }) => name).join()),
    })
    await peer.vsctl('set-manager', `unix:${peer.dir}/manager.sock`)
    await peer.vsctl('set', 'manager', `unix:${peer.dir}/manager.sock`, 'max_backoff=1000')
    await until('the switch to be turned away', () => strangers.length > 0)
    expect(strangers[0]).toContain('br0')
    const source = listener.source(({ bridges }) => bridges.some(({ name }) => name === 'br0'))
    const client = openOvsdbClient({ source, log: () => undefined })
    clients.push(client)
    await client.until('the mirror', () => bridge(client, 'br0'))
    await run(['ovs-appctl', '-t', `${peer.dir}/ovsdb.ctl`, 'ovsdb-server/reconnect'])
    await until('the loss', () => !client.connected)
    await client.until('the mirror again', () => bridge(client, 'br0'))
    await client.close()
    await listener.close()
    await peer.vsctl('del-manager')
  })

  it('closes peers that speak something else, says why, and holds no memory for them', async () => {
    const lines: string[] = []
    const listener = await openOvsdbListener({
      endpoint: { type: 'tcp', host: '127.0.0.1', port: 0 },
      log: (_level, message, fields) => lines.push(`${message} ${fields?.reason ?? ''}`),
      handshake_ms: 100,
    })
    const { endpoint } = listener
    if (endpoint.type !== 'tcp') throw new Error('a TCP endpoint was asked for')
    const send = (bytes: Uint8Array) =>
      new Promise<void>((resolve) => {
        const socket = createConnection(endpoint.port, endpoint.host)
        socket.on('error', () => undefined)
        socket.on('close', () => resolve())
        socket.resume()
        socket.write(bytes)
      })
    const hostile = [
      fc.sample(fc.uint8Array({ minLength: 1, maxLength: 4096 }), 100),
      [
        '{',
        `{"id":${'['.repeat(5000)}`,
        `{"method":"${'x'.repeat(1 << 20)}`,
        '{}',
        '{"id":1,"result":[],"error":null}',
        '{"method":1,"params":2,"id":3}',
      ].map((text) => Buffer.from(text)),
      [
        '{"method":"update2","params":["weft",{"Bridge":7}],"id":null}',
        '{"id":1,"result":[{"rows":[{"external_ids":["map",7]}]}],"error":null}',
        'GET / HTTP/1.1\r\n\r\n',
      ].map((text) => Buffer.from(text)),
    ].flat()
    await Promise.all(hostile.slice(0, 40).map(send))
    const before = process.memoryUsage().rss
    for (let round = 0; round < 5; round++)
      for (let at = 0; at < hostile.length; at += 40) await Promise.all(hostile.slice(at, at + 40).map(send))
    expect(listener.refused).toBeGreaterThanOrEqual(5 * hostile.length + 40)
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20)
    const said = lines.join('\n')
    expect(said).toContain('does not begin with {')
    expect(said).toContain('An OVSDB peer was refused.')
    expect(lines.length).toBeLessThan(200)
    await listener.close()
  })
})
