import { GROUP, GROUP_TYPES } from '#server/codec/openflow/group.ts'
import type { Port, PortStats } from '#server/codec/openflow/port.ts'
import type { Version } from '#server/codec/openflow/version.ts'
import type { Description, PortCounters, PortDescription } from '#server/datapath/driver.ts'
import type { GroupType } from '#server/engine/program/entry.ts'
import { PORT } from '#server/kernel/action.ts'
import { formatMac } from '#server/kernel/mac.ts'
import type { Connection } from './connection.ts'
import type { Patience } from './waiting.ts'

export const PROTOCOLS: Readonly<Record<Version, string>> = { 4: 'OpenFlow 1.3', 5: 'OpenFlow 1.4', 6: 'OpenFlow 1.5' }

/** OFPPC_PORT_DOWN and OFPPS_LINK_DOWN (OpenFlow 1.5.1, section 7.2.1). */
const PORT_DOWN = 1
const LINK_DOWN = 1
/** All ones: a counter that the switch does not keep. */
const NOT_KEPT = (1n << 64n) - 1n

/** A port of the switch for people and programs. */
export const describePort = (port: Port): PortDescription => ({
  port: port.port,
  name: port.name,
  mac: formatMac(port.hw_addr),
  up: (port.config & PORT_DOWN) === 0 && (port.state & LINK_DOWN) === 0,
  speed_kbps: port.ethernet?.curr_speed ?? 0,
})

/** All ports, by number. */
async function readPorts(connection: Connection, patience: Patience): Promise<PortDescription[]> {
  const ports: PortDescription[] = []
  await connection.collect(
    { type: 'port_desc', port: PORT.any },
    (part) => ports.push(...part.ports.map(describePort)),
    patience,
  )
  return ports.sort((a, b) => a.port - b.port)
}

const kept = (count: bigint): bigint => (count === NOT_KEPT ? 0n : count)

const countersOf = (stats: PortStats): PortCounters => ({
  port: stats.port,
  rxPackets: kept(stats.rx_packets),
  txPackets: kept(stats.tx_packets),
  rxBytes: kept(stats.rx_bytes),
  txBytes: kept(stats.tx_bytes),
  rxDropped: kept(stats.rx_dropped),
  txDropped: kept(stats.tx_dropped),
})

/** Counters of all ports; one that the switch does not keep is 0. */
export async function readPortCounters(connection: Connection, patience: Patience): Promise<PortCounters[]> {
  const ports: PortCounters[] = []
  await connection.collect(
    { type: 'port_stats', port: PORT.any },
    (part) => ports.push(...part.ports.map(countersOf)),
    patience,
  )
  return ports
}

interface Tables {
  readonly limits: ReadonlyMap<number, number>
  readonly metadataBits: number
}

/** What the tables can hold. A switch that does not answer this has limits that nobody knows. */
async function readTables(connection: Connection, patience: Patience): Promise<Tables> {
  const limits = new Map<number, number>()
  let metadata = (1n << 64n) - 1n
  await connection.collect(
    { type: 'table_features', tables: [] },
    (part) => {
      for (const { table, max_entries, metadata_match, metadata_write } of part.tables) {
        limits.set(table, max_entries)
        metadata &= metadata_match & metadata_write
      }
    },
    patience,
  )
  return { limits, metadataBits: metadata.toString(2).replaceAll('0', '').length }
}

/** The limit that most tables have, and those that differ. */
function byDefault(limits: ReadonlyMap<number, number>): Pick<Description, 'tableDefault' | 'tableLimits'> {
  const count = new Map<number, number>()
  for (const limit of limits.values()) count.set(limit, (count.get(limit) ?? 0) + 1)
  const [tableDefault = 0] = [...count].sort((a, b) => b[1] - a[1])[0] ?? []
  return { tableDefault, tableLimits: Object.fromEntries([...limits].filter(([, limit]) => limit !== tableDefault)) }
}

async function readGroupFeatures(connection: Connection, patience: Patience) {
  const groupTypes: GroupType[] = []
  let maxGroups = 0
  await connection.collect(
    { type: 'group_features' },
    (part) => {
      for (const [name, code] of Object.entries(GROUP_TYPES))
        if ((part.types & (1 << code)) !== 0) groupTypes.push(name as GroupType)
      maxGroups = Math.min(GROUP.all - 1, ...groupTypes.map((type) => part.max_groups[GROUP_TYPES[type]] ?? 0))
    },
    patience,
  )
  return { groupTypes, maxGroups }
}

async function readProduct(connection: Connection, patience: Patience): Promise<string> {
  let product = ''
  await connection.collect(
    { type: 'desc' },
    ({ hardware, software }) => {
      product = `${hardware} ${software}`.trim()
    },
    patience,
  )
  return product
}

/** What is known from trying it out: what a switch says of itself (capabilities, 1.5) is not always so. */
interface Tried {
  readonly bundles: boolean
  readonly monitor: boolean
}

const featuresOf = (connection: Connection, { bundles, monitor }: Tried): string[] => [
  ...(bundles ? ['bundles'] : []),
  ...(monitor ? ['flow_monitor'] : []),
  ...(connection.version === 6 ? ['copy_field'] : []),
]

/** Asks the switch what it is and can. */
export async function describeSwitch(connection: Connection, tried: Tried, patience: Patience): Promise<Description> {
  const [product, tables, groups, ports] = await Promise.all([
    readProduct(connection, patience),
    readTables(connection, patience),
    readGroupFeatures(connection, patience),
    readPorts(connection, patience),
  ])
  const protocol = PROTOCOLS[connection.version]
  return Object.freeze({
    datapathId: connection.datapathId,
    product: `${product}, ${protocol}`,
    protocol,
    tables: connection.features.n_tables,
    ...byDefault(tables.limits),
    ...groups,
    metadataBits: tables.metadataBits,
    features: featuresOf(connection, tried),
    ports,
  })
}
