import { mac } from '#server/codec/wire/primitive.ts'
import { reserve, type Writer } from '#server/codec/wire/writer.ts'
import { FIELD_NAMES, FIELDS, type FieldName } from '#server/kernel/field.ts'

const BASIC = 0x8000
const EXPERIMENTER = 0xffff
/** The Open Networking Foundation, whose extensions to 1.3 later became standard. */
export const ONF = 0x4f4e4600
/** Nicira: the extensions that Open vSwitch speaks in every version. */
export const NICIRA = 0x2320

/** Numbers in OFPXMC_OPENFLOW_BASIC (OpenFlow 1.5.1, section 7.2.3.7). */
const BASIC_NUMBERS: Partial<Record<FieldName, number>> = {
  ...{ in_port: 0, in_phy_port: 1, metadata: 2, eth_dst: 3, eth_src: 4, eth_type: 5, vlan_vid: 6, vlan_pcp: 7 },
  ...{ ip_dscp: 8, ip_ecn: 9, ip_proto: 10, ipv4_src: 11, ipv4_dst: 12, tcp_src: 13, tcp_dst: 14, udp_src: 15 },
  ...{ udp_dst: 16, sctp_src: 17, sctp_dst: 18, icmpv4_type: 19, icmpv4_code: 20, arp_op: 21, arp_spa: 22 },
  ...{ arp_tpa: 23, arp_sha: 24, arp_tha: 25, ipv6_src: 26, ipv6_dst: 27, ipv6_flabel: 28, icmpv6_type: 29 },
  ...{ icmpv6_code: 30, ipv6_nd_target: 31, ipv6_nd_sll: 32, ipv6_nd_tll: 33, tunnel_id: 38, tcp_flags: 42 },
}

/** Class and number in Nicira's own space (ovs-fields(7)); for many fields an older name of what is basic above. */
const NICIRA_NUMBERS: Partial<Record<FieldName, readonly [number, number]>> = {
  ...{ eth_dst: [0, 1], eth_src: [0, 2], eth_type: [0, 3], ip_proto: [0, 6], ipv4_src: [0, 7], ipv4_dst: [0, 8] },
  ...{ tcp_src: [0, 9], tcp_dst: [0, 10], udp_src: [0, 11], udp_dst: [0, 12], icmpv4_type: [0, 13] },
  ...{ icmpv4_code: [0, 14], arp_op: [0, 15], arp_spa: [0, 16], arp_tpa: [0, 17], tunnel_id: [1, 16] },
  ...{ arp_sha: [1, 17], arp_tha: [1, 18], ipv6_src: [1, 19], ipv6_dst: [1, 20], icmpv6_type: [1, 21] },
  ...{ icmpv6_code: [1, 22], ipv6_nd_target: [1, 23], ipv6_nd_sll: [1, 24], ipv6_nd_tll: [1, 25] },
  ...{ ipv6_flabel: [1, 27], ip_ecn: [1, 28], tcp_flags: [1, 34], tun_src: [1, 31], tun_dst: [1, 32] },
  ...{ pkt_mark: [1, 33], reg0: [1, 0], reg1: [1, 1], reg2: [1, 2], reg3: [1, 3], reg4: [1, 4], reg5: [1, 5] },
  ...{ reg6: [1, 6], reg7: [1, 7] },
}

/** How one field stands on the wire. Headers are the 32 bits of class, field, mask flag and length. */
export interface Oxm {
  readonly name: FieldName
  /** Rank in a canonical match. */
  readonly place: number
  readonly bytes: number
  readonly full: bigint
  readonly header: number
  readonly masked: number
  /** Experimenter id after the header; 0 for none. */
  readonly experimenter: number
  /** The header in Nicira's space, which Nicira's actions use. */
  readonly nicira: number
}

const header = (space: number, number: number, mask: number, length: number): number =>
  ((space << 16) | (number << 9) | (mask << 8) | length) >>> 0

function oxmOf(name: FieldName, place: number, version: number): Oxm {
  const bits = FIELDS[name].bits
  const bytes = bits > 64 ? 16 : bits > 48 ? 8 : bits > 32 ? 6 : bits > 16 ? 4 : bits > 8 ? 2 : 1
  const basic = BASIC_NUMBERS[name]
  const own = NICIRA_NUMBERS[name]
  const onf = name === 'tcp_flags' && version < 6
  const extra = onf ? 4 : 0
  const [space, number] = basic === undefined ? (own as readonly [number, number]) : [onf ? EXPERIMENTER : BASIC, basic]
  return {
    name,
    place,
    bytes,
    full: (1n << BigInt(bits)) - 1n,
    header: header(space, number, 0, bytes + extra),
    masked: header(space, number, 1, 2 * bytes + extra),
    experimenter: onf ? ONF : 0,
    nicira: own ? header(own[0], own[1], 0, bytes) : header(space, number, 0, bytes),
  }
}

interface Table {
  readonly byName: ReadonlyMap<string, Oxm>
  /** By header without mask flag and length. */
  readonly byNumber: ReadonlyMap<number, Oxm>
  /** By Nicira's header without mask flag and length. */
  readonly byNicira: ReadonlyMap<number, Oxm>
}

function tableOf(version: number): Table {
  const all = FIELD_NAMES.map((name, place) => oxmOf(name, place, version))
  return {
    byName: new Map(all.map((o) => [o.name, o])),
    byNumber: new Map(all.map((o) => [o.header >>> 9, o])),
    byNicira: new Map(all.map((o) => [o.nicira >>> 9, o])),
  }
}

const [EARLY, LATE] = [tableOf(4), tableOf(6)]

/** The fields as a version writes them. */
export const oxmTable = (version: number): Table => (version < 6 ? EARLY : LATE)

/** Reads an unsigned integer of 1, 2, 4, 6, 8 or 16 bytes. */
export function readValue(view: DataView, at: number, bytes: number): bigint {
  switch (bytes) {
    case 4:
      return BigInt(view.getUint32(at))
    case 2:
      return BigInt(view.getUint16(at))
    case 6:
      return mac.get(view, at)
    case 1:
      return BigInt(view.getUint8(at))
    case 8:
      return view.getBigUint64(at)
    default:
      return (view.getBigUint64(at) << 64n) | view.getBigUint64(at + 8)
  }
}

/** Writes an unsigned integer of 1, 2, 4, 6, 8 or 16 bytes. */
export function writeValue(view: DataView, at: number, bytes: number, value: bigint): void {
  if (bytes === 4) view.setUint32(at, Number(value))
  else if (bytes === 2) view.setUint16(at, Number(value))
  else if (bytes === 6) mac.put(view, at, value)
  else if (bytes === 1) view.setUint8(at, Number(value))
  else if (bytes === 16) {
    view.setBigUint64(at, value >> 64n)
    view.setBigUint64(at + 8, value)
  } else view.setBigUint64(at, value)
}

/** Writes one field with its header. */
export function writeOxm(w: Writer, oxm: Oxm, value: bigint, mask: bigint | undefined): void {
  const { bytes, experimenter } = oxm
  const from = experimenter === 0 ? 4 : 8
  const at = reserve(w, from + (mask === undefined ? bytes : 2 * bytes))
  const view = w.view
  view.setUint32(at, mask === undefined ? oxm.header : oxm.masked)
  if (experimenter !== 0) view.setUint32(at + 4, experimenter)
  writeValue(view, at + from, bytes, value)
  if (mask !== undefined) writeValue(view, at + from + bytes, bytes, mask)
}
