import type { DriverEvent } from '#server/datapath/driver.ts'
import { keepBridge } from '#server/datapath/openflow/custody.ts'
import { type OpenflowDatapath, type OpenflowOptions, openflowDatapath } from '#server/datapath/openflow/driver.ts'
import { createListeners, type Listeners } from '#server/datapath/openflow/listeners.ts'
import { dialledSource, openOvsdbClient } from '#server/datapath/openflow/ovsdb/index.ts'
import { type Entry, entry, type Group } from '#server/engine/program/entry.ts'
import { type Difference, EMPTY_DIFFERENCE } from '#server/engine/program/program.ts'
import { ANYWHERE } from '#server/outbound/guard.ts'
import { type Openvswitch, until } from './openvswitch.ts'

export interface DrivenBridge {
  readonly datapath: OpenflowDatapath
  readonly listeners: Listeners
  /** Everything that the driver told, oldest first. */
  readonly events: DriverEvent[]
  readonly lines: string[]
  close(): Promise<void>
}

export interface DriveOptions extends Partial<Pick<OpenflowOptions, 'generation' | 'groups_ms' | 'tunnel'>> {
  /** The bridge is configured in the switch's database too. */
  readonly configures?: boolean
  readonly datapathId?: string
  /** Name of the socket in the switch's run directory. */
  readonly socket?: string
}

let generation = 0n

/** Keeps a bridge configured for a driver. */
function configure(
  peer: Openvswitch,
  datapath: OpenflowDatapath,
  { bridge, datapathId, socket }: { bridge: string; datapathId: string; socket: string },
  log: OpenflowOptions['log'],
): () => Promise<void> {
  const client = openOvsdbClient({
    source: dialledSource({ type: 'unix', path: peer.database }, { outbound: ANYWHERE }),
    log,
  })
  const requirements = { bridge, datapathId, controller: `unix:${peer.dir}/${socket}` }
  const custody = keepBridge({ client, requirements, log })
  datapath.subscribe(({ type }) => type === 'connected' && custody.connected())
  return async () => {
    custody.end()
    await client.close()
  }
}

/** A driver that listens for a bridge of the switch, before the bridge knows of it. */
export async function drive(peer: Openvswitch, bridge: string, options: DriveOptions = {}): Promise<DrivenBridge> {
  const { datapathId = '00000000000000aa', socket = 'weft.sock', configures = false, ...more } = options
  const lines: string[] = []
  const log: OpenflowOptions['log'] = (_level, message, fields) =>
    void lines.push(`${message} ${JSON.stringify(fields ?? {})}`)
  const listeners = createListeners({ log })
  const datapath = openflowDatapath({
    ...{ id: bridge, name: bridge, datapathId, listeners, log },
    controller: { type: 'unix', path: `${peer.dir}/${socket}` },
    generation: async () => ++generation,
    ...more,
  })
  const events: DriverEvent[] = []
  datapath.subscribe((event) => events.push(event))
  await datapath.start()
  const release = configures ? configure(peer, datapath, { bridge, datapathId, socket }, log) : undefined
  const close = async () => {
    await release?.()
    await datapath.close()
    await listeners.close()
  }
  return { datapath, listeners, events, lines, close }
}

/** Points a bridge at sockets in the switch's run directory; connections that it has already stay. */
export const setController = (peer: Openvswitch, bridge: string, sockets: readonly string[] = ['weft.sock']) =>
  peer.vsctl(
    ...sockets.flatMap((socket, i) => [
      ...[`--id=@c${i}`, 'create', 'controller', `target="unix:${peer.dir}/${socket}"`],
      ...['connection_mode=out-of-band', 'max_backoff=1000', '--'],
    ]),
    ...['set', 'bridge', bridge, `controller=${sockets.map((_, i) => `@c${i}`).join(',')}`],
  )

export const connected = (driven: DrivenBridge) =>
  until('the switch to be connected', () => driven.datapath.connected, { deadline_ms: 15_000 })

/** A driver that is connected to a bridge of the switch. */
export async function driveConnected(peer: Openvswitch, bridge: string, options: DriveOptions = {}) {
  const driven = await drive(peer, bridge, options)
  await setController(peer, bridge, [options.socket ?? 'weft.sock'])
  await connected(driven)
  // Open vSwitch takes `max_backoff` over only when it is configured while the connection is up.
  await peer.vsctl('set', 'open_vswitch', '.', `external_ids:looked=${performance.now()}`)
  return driven
}

/** So many entries that differ in the address that they match. */
export const manyEntries = (count: number, table = 1): Entry[] =>
  Array.from({ length: count }, (_, i) =>
    entry({
      table,
      priority: 100,
      cookie: 0x5701_0000_0000_0000n + BigInt(i),
      match: [
        { field: 'in_port', value: 3n },
        { field: 'eth_type', value: 0x800n },
        { field: 'ipv4_dst', value: 0x0a00_0000n + BigInt(i) },
      ],
      instructions: [
        {
          type: 'apply_actions',
          actions: [
            { type: 'set_field', field: 'eth_dst', value: 0x5254_0000_0000n + BigInt(i) },
            { type: 'output', port: 4 },
          ],
        },
      ],
    }),
  )

export const adding = (entries: readonly Entry[], groups: readonly Group[] = []): Difference => ({
  ...EMPTY_DIFFERENCE,
  entries: entries.map((after) => ({ after })),
  groups: groups.map((after) => ({ after })),
})

/** Stages and commits. */
export async function commit(datapath: OpenflowDatapath, difference: Difference, deadline_ms = 10_000): Promise<void> {
  await datapath.commit(await datapath.stage({ change: 'C-1', difference }, deadline_ms), deadline_ms)
}
