import { PORT } from '#server/kernel/action.ts'
import type { FieldName } from '#server/kernel/field.ts'
import { formatIpv4, parseIpv4 } from '#server/kernel/ip.ts'
import type { Place } from '../../capability.ts'
import type { DatapathFact, Infrastructure } from '../../infrastructure.ts'
import { evaluator, type Packet, type Verdict } from '../../program/evaluate.ts'
import { type Fields, fieldOf } from '../../program/packet.ts'
import type { Program } from '../../program/program.ts'

/** A packet on its way: where it comes into a datapath. */
interface Arrival {
  readonly datapath: DatapathFact
  readonly packet: Packet
  readonly depth: number
}

/** What became of a packet and of its copies. */
export interface Walk {
  /** Where copies left the virtual networks. */
  readonly delivered: readonly (Place & { readonly packet: Packet })[]
  /** Every datapath on the way, in words. */
  readonly hops: readonly string[]
  /** A copy went through more datapaths than there can be on any way. */
  readonly loops: boolean
  readonly doubts: readonly string[]
}

/** Datapaths on the longest way: edge, fabric, fabric, edge. What goes on after twice as many goes round. */
const DEPTH = 8
/** Copies of one packet that are followed at most, so that a loop that multiplies comes to an end. */
const COPIES = 10_000

/** What stays behind when a packet leaves a datapath by a wire. */
const PIPELINE_FIELDS: readonly FieldName[] = [
  ...(['metadata', 'tunnel_id', 'tun_src', 'tun_dst', 'pkt_mark', 'in_phy_port'] as const),
  ...(['reg0', 'reg1', 'reg2', 'reg3', 'reg4', 'reg5', 'reg6', 'reg7'] as const),
]

const PIPELINE: ReadonlySet<string> = new Set(PIPELINE_FIELDS)

const onTheWire = ({ fields }: Packet): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([field]) => !PIPELINE.has(field)))

function arriving(packet: Packet, in_port: number, pipeline: Fields = {}): Packet {
  return { in_port, fields: { ...onTheWire(packet), ...pipeline }, ...(packet.inner ? { inner: packet.inner } : {}) }
}

/** The links between datapaths, as the infrastructure tells. */
function topologyOf({ servers, datapaths }: Infrastructure) {
  const fabrics = [...datapaths.values()].filter(({ role }) => role === 'fabric')
  const fabricOf = (serverId: string) => fabrics.find((one) => one.serverId === serverId)
  const ends = new Map<string, DatapathFact>()
  for (const { id, vtep } of servers.values()) {
    const fabric = fabricOf(id)
    if (fabric) ends.set(vtep, fabric)
  }
  const peers = new Map<string, DatapathFact>()
  for (const edge of datapaths.values())
    if (edge.role === 'edge' && edge.peerPort !== undefined) {
      const fabric = fabricOf(edge.serverId)
      if (fabric) peers.set(`${fabric.id} ${edge.peerPort}`, edge)
    }
  const vtepOf = ({ serverId }: DatapathFact): bigint => {
    const address = parseIpv4(servers.get(serverId)?.vtep ?? '')
    return address.ok ? address.value : 0n
  }
  return { fabricOf, endOf: (vtep: string) => ends.get(vtep), vtepOf, peerAt: (key: string) => peers.get(key) }
}

type Topology = ReturnType<typeof topologyOf>

/** Where a copy that leaves a datapath by a port comes in next: nowhere (it is delivered, or lost), or another datapath. */
function follow(
  topology: Topology,
  from: DatapathFact,
  port: number,
  packet: Packet,
): Omit<Arrival, 'depth'> | 'lost' | undefined {
  if (port === from.tunnelPort) {
    const datapath = topology.endOf(formatIpv4(fieldOf(packet, 'tun_dst')))
    if (datapath?.tunnelPort === undefined) return 'lost'
    const pipeline = { tunnel_id: fieldOf(packet, 'tunnel_id'), tun_src: topology.vtepOf(from) }
    return { datapath, packet: arriving(packet, datapath.tunnelPort, pipeline) }
  }
  if (from.role === 'edge' && port === from.uplinkPort) {
    const datapath = topology.fabricOf(from.serverId)
    if (datapath === undefined || from.peerPort === undefined) return 'lost'
    return { datapath, packet: arriving(packet, from.peerPort) }
  }
  const edge = topology.peerAt(`${from.id} ${port}`)
  if (edge === undefined) return undefined
  return edge.uplinkPort === undefined ? 'lost' : { datapath: edge, packet: arriving(packet, edge.uplinkPort) }
}

const portWords = (port: number): string => (port === PORT.local ? 'LOCAL' : String(port))

function hopWords({ datapath, packet }: Arrival, { outputs, trace, dropped }: Verdict): string {
  const tables = trace.map(({ table, entry }) => (entry ? `${table}` : `${table} (miss)`)).join(', ')
  const ends = dropped ? 'dropped' : `to ${outputs.map(({ port }) => portWords(port)).join(', ') || 'the controller'}`
  return `${datapath.name}: from port ${packet.in_port} through tables ${tables}: ${ends}`
}

const vlanOf = (packet: Packet): number | null => {
  const vid = fieldOf(packet, 'vlan_vid')
  return vid === 0n ? null : Number(vid & 0xfffn)
}

/**
 * Prepares datapaths for packets that are followed from one to the next over links and tunnels, as their programs say.
 * A datapath without a program drops.
 */
export function walker(programs: ReadonlyMap<string, Program>, infrastructure: Infrastructure) {
  const topology = topologyOf(infrastructure)
  const verdicts = new Map([...programs].map(([id, program]) => [id, evaluator(program)]))

  const step = (
    at: Arrival,
    delivered: (Place & { packet: Packet })[],
    hops: string[],
    doubts: string[],
  ): Arrival[] => {
    const verdict = verdicts.get(at.datapath.id)?.(at.packet)
    if (verdict === undefined) return []
    hops.push(hopWords(at, verdict))
    doubts.push(...verdict.doubts)
    return verdict.outputs.flatMap(({ port, packet }) => {
      const next = follow(topology, at.datapath, port, packet)
      if (next === undefined) delivered.push({ datapathId: at.datapath.id, port, vlan: vlanOf(packet), packet })
      return next === undefined || next === 'lost' ? [] : [{ ...next, depth: at.depth + 1 }]
    })
  }

  /** Sends a frame in at a place, tagged as the place wants it, and follows it and its copies to their ends. */
  return ({ datapathId, port, vlan }: Place, fields: Fields): Walk => {
    const delivered: (Place & { packet: Packet })[] = []
    const hops: string[] = []
    const doubts: string[] = []
    const datapath = infrastructure.datapaths.get(datapathId)
    const tag = vlan === null ? {} : { vlan_vid: 0x1000n | BigInt(vlan) }
    const packet: Packet = { in_port: port, fields: { ...fields, ...tag } }
    const queue: Arrival[] = datapath ? [{ datapath, packet, depth: 0 }] : []
    let loops = false
    for (let n = 0; n < queue.length; n++) {
      const next = step(queue[n] as Arrival, delivered, hops, doubts)
      loops ||= n >= COPIES || next.some(({ depth }) => depth > DEPTH)
      if (loops) break
      queue.push(...next)
    }
    return { delivered, hops, loops, doubts }
  }
}
