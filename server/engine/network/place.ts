import { type Ip, parseIp } from '#server/kernel/ip.ts'
import { parseMac } from '#server/kernel/mac.ts'
import type { DatapathFact, Infrastructure, ServerFact } from '../infrastructure.ts'
import type { Network, NetworkIntent, Port } from './model.ts'

/** A port where it is plugged in. */
export interface Member {
  readonly port: Port
  readonly datapath: DatapathFact
  /** The port number on its datapath. */
  readonly number: number
  readonly mac: bigint
  readonly addresses: readonly Ip[]
}

/** A datapath that hosts are plugged into, with those of one network. */
export interface EdgePresence {
  readonly edge: DatapathFact
  readonly members: readonly Member[]
  /** How the edge and its fabric reach one another; absent where a device does not report the ports of the link. */
  readonly link?: { readonly uplinkPort: number; readonly peerPort: number }
}

/** One network on one server. */
export interface ServerPresence {
  readonly server: ServerFact
  readonly fabric: DatapathFact | undefined
  readonly edges: readonly EdgePresence[]
  /** Hosts that are plugged into the fabric datapath itself. */
  readonly direct: readonly Member[]
  readonly members: readonly Member[]
}

/** Where a network is: the servers that have ports of it, and no other. */
export interface Presence {
  readonly network: Network
  readonly members: readonly Member[]
  readonly servers: readonly ServerPresence[]
}

/** A port that can be placed: attached where a device reports a port of that name, with a MAC that reads. */
export function memberOf(port: Port, { attachments, datapaths }: Infrastructure): Member | undefined {
  const attachment = attachments.get(port.attachmentId)
  const datapath = attachment && datapaths.get(attachment.datapathId)
  const mac = parseMac(port.mac)
  if (attachment?.port === undefined || datapath === undefined || !mac.ok) return undefined
  const addresses = port.addresses.flatMap((text) => {
    const ip = parseIp(text)
    return ip.ok ? [ip.value] : []
  })
  return { port, datapath, number: attachment.port, mac: mac.value, addresses }
}

/** The datapath that leads out of a server: the first by id, should there be several. */
export function fabricOf(serverId: string, { datapaths }: Infrastructure): DatapathFact | undefined {
  const fabrics = [...datapaths.values()].filter((one) => one.serverId === serverId && one.role === 'fabric')
  return fabrics.sort((a, b) => (a.id < b.id ? -1 : 1))[0]
}

function grouped<T>(list: readonly T[], key: (one: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>()
  for (const one of list) {
    const group = groups.get(key(one))
    if (group) group.push(one)
    else groups.set(key(one), [one])
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1))
}

function edgeOf(members: readonly Member[], fabric: DatapathFact | undefined): EdgePresence[] {
  const edge = members[0]?.datapath
  if (edge === undefined) return []
  const { uplinkPort, peerPort } = edge
  const linked = fabric !== undefined && uplinkPort !== undefined && peerPort !== undefined
  return [{ edge, members, ...(linked ? { link: { uplinkPort, peerPort } } : {}) }]
}

function serverOf(serverId: string, members: readonly Member[], infrastructure: Infrastructure): ServerPresence[] {
  const server = infrastructure.servers.get(serverId)
  if (server === undefined) return []
  const fabric = fabricOf(serverId, infrastructure)
  const plugged = members.filter((one) => one.datapath.role === 'edge')
  const edges = grouped(plugged, (one) => one.datapath.id).flatMap(([, inside]) => edgeOf(inside, fabric))
  return [{ server, fabric, edges, direct: members.filter((one) => one.datapath.role === 'fabric'), members }]
}

/** Every network that has ports, with the servers and datapaths that hold it, in the order of ids. */
export function presences(intent: NetworkIntent, infrastructure: Infrastructure): readonly Presence[] {
  const members = intent.ports.flatMap((port) => memberOf(port, infrastructure) ?? [])
  return grouped(members, (one) => one.port.networkId).flatMap(([id, inside]) => {
    const network = intent.networks.get(id)
    if (network === undefined) return []
    const servers = grouped(inside, (one) => one.datapath.serverId).flatMap(([serverId, there]) =>
      serverOf(serverId, there, infrastructure),
    )
    return [{ network, members: inside, servers }]
  })
}

/** Every datapath that holds something of a network. */
export const datapathsOf = ({ servers }: Presence): readonly DatapathFact[] =>
  servers.flatMap(({ fabric, edges }) => [...(fabric ? [fabric] : []), ...edges.map(({ edge }) => edge)])
