import { counterMapOf, type Operation, textMap, textOf } from '#server/codec/ovsdb/index.ts'
import { type BridgeRow, bridge, type InterfaceRow, interfaceNamed } from './bridge.ts'
import type { OvsdbClient } from './client.ts'
import { type ChangeOptions, configure, holds, requireBridge, stillThere } from './configure.ts'
import { OvsdbError } from './failure.ts'
import type { CallOptions } from './session.ts'

/** A port wanted on a bridge. */
export interface PortRequest {
  readonly bridge: string
  readonly name: string
  /** `vxlan`, `patch`, `internal`, or empty for an interface that the system has. */
  readonly type: string
  readonly options?: Readonly<Record<string, string>>
  readonly ofport?: number
  readonly externalIds?: Readonly<Record<string, string>>
}

/** The same port, asked for again: its type, its number and all the options are there. */
const isThere = (have: InterfaceRow, want: PortRequest): boolean =>
  have.type === want.type &&
  (want.ofport === undefined || have.ofport === want.ofport) &&
  holds(have.options, want.options ?? {})

function portOperations(have: BridgeRow, want: PortRequest, place: number): Operation[] {
  const { name, type, options = {}, externalIds = {}, ofport } = want
  const row = { name, type, options: textMap(options), external_ids: textMap(externalIds) }
  const port = `port_${place}`
  const iface = `interface_${place}`
  return [
    {
      op: 'wait',
      table: 'Interface',
      where: [['name', '==', name]],
      columns: ['name'],
      until: '==',
      rows: [],
      timeout_ms: 0,
    },
    {
      op: 'insert',
      table: 'Interface',
      uuidName: iface,
      row: ofport === undefined ? row : { ...row, ofport_request: ofport },
    },
    { op: 'insert', table: 'Port', uuidName: port, row: { name, interfaces: { namedUuid: iface } } },
    {
      op: 'mutate',
      table: 'Bridge',
      where: [['_uuid', '==', { uuid: have.uuid }]],
      mutations: [['ports', 'insert', [{ namedUuid: port }]]],
    },
  ]
}

/** Waits until the switch has given the port a number or said why it cannot. */
const settled = (client: OvsdbClient, name: string, options: CallOptions): Promise<InterfaceRow> =>
  client.until(
    `port ${name} to have a number`,
    () => {
      const row = interfaceNamed(client, name)
      return row && (row.ofport !== undefined || row.error !== undefined) ? row : undefined
    },
    options,
  )

/** The requests that need work. Throws for a port of that name that is something else or somewhere else. */
function missingOf(client: OvsdbClient, requests: readonly PortRequest[]): PortRequest[] {
  return requests.filter((want) => {
    const there = interfaceNamed(client, want.name)
    if (!there) return true
    if (bridge(client, want.bridge)?.ports.includes(want.name) && isThere(there, want)) return false
    const words = `${there.type || 'system'}, number ${there.ofport ?? 'none'}`
    throw new OvsdbError('refused', `the switch has another port ${want.name} (${words})`)
  })
}

function addOperations(client: OvsdbClient, missing: readonly PortRequest[]): Operation[] {
  const names = new Set(missing.map((want) => want.bridge))
  const held = [...names].map((name) => requireBridge(client, name))
  const byName = new Map(held.map((one) => [one.name, one]))
  return [
    ...held.map(stillThere),
    ...missing.flatMap((want, place) => portOperations(byName.get(want.bridge) as BridgeRow, want, place)),
  ]
}

/**
 * Adds ports to bridges of one switch; those that are there as asked for stay. All are made in one transaction (both
 * ends of a patch belong in one call), and when the switch cannot use one of them the new ones are removed again.
 * Throws OvsdbError `refused` for that, and for a port of that name that is something else. Answers the interfaces in
 * the order of `requests`.
 */
export async function addPorts(
  client: OvsdbClient,
  requests: readonly PortRequest[],
  options: ChangeOptions,
): Promise<InterfaceRow[]> {
  const missing = missingOf(client, requests)
  if (missing.length > 0) await configure(client, addOperations(client, missing), options)
  const rows = await Promise.all(requests.map(({ name }) => settled(client, name, options)))
  const broken = rows.find((row, place) => row.error !== undefined || !isThere(row, requests[place] as PortRequest))
  if (!broken) return rows
  const added = missing.map(({ name }) => name)
  await removePorts(client, added, options)
  const why = broken.error ?? `the switch gave it number ${broken.ofport}`
  throw new OvsdbError('refused', `port ${broken.name}: ${why}`)
}

/** Removes ports from whatever bridges have them; those that are not there are no fault. Their rows go with them. */
export async function removePorts(
  client: OvsdbClient,
  names: readonly string[],
  options: ChangeOptions,
): Promise<void> {
  const ids = [...client.table('Port')].filter(([, row]) => names.includes(textOf(row.name) ?? ''))
  if (ids.length === 0) return
  const mutations = [['ports', 'delete', ids.map(([uuid]) => ({ uuid }))]] as const
  await configure(client, [{ op: 'mutate', table: 'Bridge', where: [], mutations }], options)
}

/** Counters of every interface by name (`rx_packets`, `tx_dropped` …), read from the database now: it refreshes them every 5 s. */
export async function readStatistics(
  client: OvsdbClient,
  options?: CallOptions,
): Promise<ReadonlyMap<string, Readonly<Record<string, bigint>>>> {
  const [outcome] = await client.transact(
    [{ op: 'select', table: 'Interface', where: [], columns: ['name', 'statistics'] }],
    options,
  )
  return new Map((outcome?.rows ?? []).map((row) => [textOf(row.name) ?? '', counterMapOf(row.statistics)]))
}
