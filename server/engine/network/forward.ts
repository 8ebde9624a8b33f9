import type { Action } from '#server/kernel/action.ts'
import { parseIpv4 } from '#server/kernel/ip.ts'
import type { FieldMatch } from '#server/kernel/match.ts'
import type { PartEntry, PartGroup, Phase } from '../capability.ts'
import type { ServerFact } from '../infrastructure.ts'
import type { Network } from './model.ts'
import { admitTo, apply, because, inNetwork, inPort, inVlan, sendTo, TABLE } from './pipeline.ts'
import type { EdgePresence, Member, ServerPresence } from './place.ts'

/** Broadcast and multicast: the I/G bit. */
const GROUP_BIT = 0x010000000000n
const MANY: FieldMatch = { field: 'eth_dst', value: GROUP_BIT, mask: GROUP_BIT }

/** Where packets of one network come into a datapath from inside the fabric, and by which tag or tunnel id. */
const entrance = (network: Network, match: readonly FieldMatch[], tag: number | null): PartEntry => ({
  table: TABLE.ports,
  priority: 100,
  match,
  instructions: admitTo(network, tag, TABLE.stations),
  phase: 'receive',
  because: because(network),
})

const station = (network: Network, { port, mac }: Member, phase: Phase, actions: readonly Action[]): PartEntry => ({
  table: TABLE.stations,
  priority: 100,
  match: [inNetwork(network), { field: 'eth_dst', value: mac }],
  instructions: [apply(actions)],
  phase,
  because: because(network, port),
})

const other = (
  network: Network,
  phase: Phase,
  priority: number,
  match: readonly FieldMatch[],
  actions: readonly Action[],
): PartEntry => ({
  table: TABLE.others,
  priority,
  match: [inNetwork(network), ...match],
  instructions: [apply(actions)],
  phase,
  because: because(network),
})

const toHost = ({ number, port }: Member): readonly Action[] => sendTo(number, port.vlan)

const byNumber = (members: readonly Member[]): readonly Member[] => members.toSorted((a, b) => a.number - b.number)

const flood = (network: Network, group: number, ways: readonly (readonly Action[])[]): PartGroup => ({
  group,
  type: 'all',
  buckets: ways.map((actions) => ({ actions })),
  because: because(network),
})

export interface Forwarding {
  readonly entries: readonly PartEntry[]
  readonly groups: readonly PartGroup[]
}

/**
 * An edge knows its own stations; all else goes up to the fabric, and what comes down unknown goes to every port.
 * No packet leaves by the port that it came in by: that is the split horizon of the flood.
 */
export function edgeForwarding(
  network: Network,
  { members, link }: EdgePresence,
  group: number,
  tag: number | undefined,
): Forwarding {
  const hosts = byNumber(members).map(toHost)
  const stations = members.map((member) => station(network, member, 'receive', toHost(member)))
  const all: readonly Action[] = [{ type: 'group', group }]
  if (link === undefined || tag === undefined)
    return { entries: [...stations, other(network, 'receive', 100, [], all)], groups: [flood(network, group, hosts)] }
  const up = sendTo(link.uplinkPort, tag)
  return {
    entries: [
      entrance(network, [inPort(link.uplinkPort), inVlan(tag)], tag),
      ...stations,
      other(network, 'receive', 150, [inPort(link.uplinkPort)], all),
      other(network, 'transmit', 200, [MANY], all),
      other(network, 'transmit', 100, [], up),
    ],
    groups: [flood(network, group, [...hosts, up])],
  }
}

function toVtep({ vni }: Network, tunnelPort: number, { vtep }: ServerFact): readonly Action[] {
  const address = parseIpv4(vtep)
  if (!address.ok) return []
  return [
    { type: 'set_field', field: 'tunnel_id', value: BigInt(vni) },
    { type: 'set_field', field: 'tun_dst', value: address.value },
    { type: 'output', port: tunnelPort },
  ]
}

type LinkTags = (edgeId: string) => number | undefined

/** Edges of a server that the fabric can reach, each with the actions that lead there. */
function linkedEdges({ edges }: ServerPresence, tagOf: LinkTags) {
  const linked = edges.flatMap(({ edge, members, link }) => {
    const tag = tagOf(edge.id)
    return link && tag !== undefined ? [{ members, tag, peerPort: link.peerPort, way: sendTo(link.peerPort, tag) }] : []
  })
  return linked.sort((a, b) => a.peerPort - b.peerPort)
}

/** The other servers that can be reached, each with the actions that lead there. */
export function remotes(network: Network, here: ServerPresence, all: readonly ServerPresence[]) {
  const tunnelPort = here.fabric?.tunnelPort
  if (tunnelPort === undefined) return []
  return all.flatMap(({ server, fabric, members }) => {
    if (server.id === here.server.id || fabric?.tunnelPort === undefined) return []
    const way = toVtep(network, tunnelPort, server)
    return way.length === 0 ? [] : [{ server, members, tunnelPort, way }]
  })
}

/** The fabric datapath knows every station: behind which of its edges, or behind which tunnel end. */
export function fabricForwarding(
  network: Network,
  here: ServerPresence,
  all: readonly ServerPresence[],
  group: number,
  tagOf: LinkTags,
): Forwarding {
  const edges = linkedEdges(here, tagOf)
  const others = remotes(network, here, all)
  const tunnelId: FieldMatch = { field: 'tunnel_id', value: BigInt(network.vni) }
  const [first] = others
  return {
    entries: [
      ...edges.map(({ peerPort, tag }) => entrance(network, [inPort(peerPort), inVlan(tag)], tag)),
      ...(first ? [entrance(network, [inPort(first.tunnelPort), tunnelId], null)] : []),
      ...here.direct.map((member) => station(network, member, 'receive', toHost(member))),
      ...edges.flatMap(({ members, way }) => members.map((member) => station(network, member, 'receive', way))),
      ...others.flatMap(({ members, way }) => members.map((member) => station(network, member, 'transmit', way))),
      other(network, 'receive', 100, [], [{ type: 'group', group }]),
    ],
    groups: [
      flood(network, group, [
        ...byNumber(here.direct).map(toHost),
        ...edges.map(({ way }) => way),
        ...others.map(({ way }) => way),
      ]),
    ],
  }
}
