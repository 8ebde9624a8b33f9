import { integerOf, type Row, textMapOf, textOf, uuidsOf } from '#server/codec/ovsdb/index.ts'
import type { OvsdbClient } from './client.ts'

/** A bridge as the database describes it. */
export interface BridgeRow {
  readonly uuid: string
  readonly name: string
  /** 16 hexadecimal digits, as the running switch uses it; undefined until it does. */
  readonly datapathId: string | undefined
  readonly datapathType: string
  readonly failMode: string | undefined
  readonly protocols: readonly string[]
  readonly otherConfig: Readonly<Record<string, string>>
  readonly externalIds: Readonly<Record<string, string>>
  readonly controllers: readonly ControllerRow[]
  readonly ports: readonly string[]
}

export interface ControllerRow {
  readonly uuid: string
  readonly target: string
  readonly connectionMode: string | undefined
  readonly maxBackoff_ms: number | undefined
  readonly connected: boolean
}

/** An interface: what a port of a bridge is made of. */
export interface InterfaceRow {
  readonly uuid: string
  readonly name: string
  readonly type: string
  /** The OpenFlow port number; undefined until the switch has given one, -1 when it could not. */
  readonly ofport: number | undefined
  readonly ofportRequest: number | undefined
  readonly mac: string | undefined
  /** Why the switch cannot use it. */
  readonly error: string | undefined
  readonly linkUp: boolean
  readonly mtu: number | undefined
  readonly options: Readonly<Record<string, string>>
  readonly externalIds: Readonly<Record<string, string>>
}

const setOfText = (row: Row, column: string): string[] => {
  const value = row[column]
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string')
}

const controllerRow = (uuid: string, row: Row): ControllerRow => ({
  uuid,
  target: textOf(row.target) ?? '',
  connectionMode: textOf(row.connection_mode),
  maxBackoff_ms: integerOf(row.max_backoff),
  connected: row.is_connected === true,
})

export const interfaceRow = (uuid: string, row: Row): InterfaceRow => ({
  uuid,
  name: textOf(row.name) ?? '',
  type: textOf(row.type) ?? '',
  ofport: integerOf(row.ofport),
  ofportRequest: integerOf(row.ofport_request),
  mac: textOf(row.mac_in_use),
  error: textOf(row.error),
  linkUp: textOf(row.link_state) === 'up',
  mtu: integerOf(row.mtu),
  options: textMapOf(row.options),
  externalIds: textMapOf(row.external_ids),
})

function bridgeRow(client: OvsdbClient, uuid: string, row: Row): BridgeRow {
  const rows = <T>(table: string, ids: readonly string[], read: (id: string, one: Row) => T): T[] =>
    ids.flatMap((id) => {
      const one = client.table(table).get(id)
      return one ? [read(id, one)] : []
    })
  return {
    uuid,
    name: textOf(row.name) ?? '',
    datapathId: textOf(row.datapath_id),
    datapathType: textOf(row.datapath_type) ?? '',
    failMode: textOf(row.fail_mode),
    protocols: setOfText(row, 'protocols').sort(),
    otherConfig: textMapOf(row.other_config),
    externalIds: textMapOf(row.external_ids),
    controllers: rows('Controller', uuidsOf(row.controller), controllerRow),
    ports: rows('Port', uuidsOf(row.ports), (_id, one) => textOf(one.name) ?? '').sort(),
  }
}

/** Every bridge in the mirror, by name. */
export const bridges = (client: OvsdbClient): BridgeRow[] =>
  [...client.table('Bridge')]
    .map(([uuid, row]) => bridgeRow(client, uuid, row))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

/** One bridge of the mirror. */
export const bridge = (client: OvsdbClient, name: string): BridgeRow | undefined =>
  bridges(client).find((one) => one.name === name)

/** The interfaces of a bridge in the mirror, by port number; empty for a bridge that is not there. */
export function interfacesOf(client: OvsdbClient, bridgeName: string): InterfaceRow[] {
  const found = [...client.table('Bridge').values()].find((row) => row.name === bridgeName)
  const ids = uuidsOf(found?.ports).flatMap((port) => uuidsOf(client.table('Port').get(port)?.interfaces))
  return ids
    .flatMap((id) => {
      const row = client.table('Interface').get(id)
      return row ? [interfaceRow(id, row)] : []
    })
    .sort((a, b) => (a.ofport ?? 0) - (b.ofport ?? 0))
}

/** An interface of the mirror, wherever it is: names are unique in a switch. */
export function interfaceNamed(client: OvsdbClient, name: string): InterfaceRow | undefined {
  for (const [uuid, row] of client.table('Interface')) if (row.name === name) return interfaceRow(uuid, row)
  return undefined
}
