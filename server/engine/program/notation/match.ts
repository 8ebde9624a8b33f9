import type { FieldName } from '#server/kernel/field.ts'
import { type FieldMatch, fullMask, type Match } from '#server/kernel/match.ts'
import { hexNotation, portNotation, valueNotation } from './value.ts'

type Fields = ReadonlyMap<FieldName, FieldMatch>

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 2: 'igmp', 6: 'tcp', 17: 'udp', 132: 'sctp' }
const PROTOCOLS_V6: Readonly<Record<number, string>> = { 6: 'tcp6', 17: 'udp6', 58: 'icmp6', 132: 'sctp6' }
const TYPES: Readonly<Record<number, string>> = { 2054: 'arp', 32821: 'rarp', 34887: 'mpls', 34888: 'mplsm' }

/** The word for EtherType and protocol, and what is left to say of them by number. */
function kind(fields: Fields): { words: string[]; type: string[]; protocol: string[] } {
  const type = fields.get('eth_type')?.value
  const protocol = fields.get('ip_proto')?.value
  const named = { words: [] as string[], type: [] as string[], protocol: [] as string[] }
  if (type === undefined) return named
  const number = protocol === undefined ? [] : [`nw_proto=${protocol}`]
  if (type !== 0x800n && type !== 0x86ddn) {
    const word = TYPES[Number(type)]
    if (word === undefined) named.type.push(`dl_type=0x${type.toString(16).padStart(4, '0')}`)
    else named.words.push(word)
    return named
  }
  const word = (type === 0x800n ? PROTOCOLS : PROTOCOLS_V6)[Number(protocol)]
  named.words.push(word ?? (type === 0x800n ? 'ip' : 'ipv6'))
  if (word === undefined) named.protocol.push(...number)
  return named
}

const hex4 = (value: number): string => `0x${value.toString(16).padStart(4, '0')}`

/** VLAN id and priority as Open vSwitch joins them: `dl_vlan=100`, or the tag control word and its mask. */
function vlan(fields: Fields): string[] {
  const [vid, pcp] = [fields.get('vlan_vid'), fields.get('vlan_pcp')]
  if (vid === undefined && pcp === undefined) return []
  const vidMask = vid === undefined ? 0 : Number(vid.mask ?? 0x1fffn)
  // A priority says that there is a tag.
  const mask = vidMask | (pcp === undefined ? 0 : 0xf000)
  const word = Number(vid?.value ?? 0n) | (pcp === undefined ? 0 : (Number(pcp.value) << 13) | 0x1000)
  const whole = (vidMask & 0xfff) === 0 || (vidMask & 0xfff) === 0xfff
  const named = (mask & 0xefff) !== 0 && whole
  if (word & 0x1000 && named) {
    const id = (vidMask & 0xfff) === 0 ? [] : [`dl_vlan=${word & 0xfff}`]
    return pcp === undefined ? id : [...id, `dl_vlan_pcp=${pcp.value}`]
  }
  return [mask === 0xffff ? `vlan_tci=${hex4(word)}` : `vlan_tci=${hex4(word)}/${hex4(mask)}`]
}

const TCP_FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr', 'ns', '[200]', '[400]', '[800]']

function tcpFlags(fields: Fields): string[] {
  const flags = fields.get('tcp_flags')
  if (flags === undefined) return []
  const [value, mask] = [Number(flags.value), Number(flags.mask ?? fullMask('tcp_flags'))]
  if (flags.mask === undefined) {
    const names = TCP_FLAGS.filter((_, bit) => (value >> bit) & 1)
    return [`tcp_flags=${names.length === 0 ? '0' : names.join('|')}`]
  }
  const signed = TCP_FLAGS.map((name, bit) => ((mask >> bit) & 1 ? `${(value >> bit) & 1 ? '+' : '-'}${name}` : ''))
  return [`tcp_flags=${signed.join('')}`]
}

function hexadecimal({ value, mask }: FieldMatch): string {
  return mask === undefined ? hexNotation(value) : `${hexNotation(value)}/${hexNotation(mask)}`
}

function label({ value, mask }: FieldMatch): string {
  const text = (bits: bigint) => `0x${bits.toString(16).padStart(5, '0')}`
  return mask === undefined ? text(value) : `${text(value)}/${text(mask)}`
}

/** Transport ports: decimal, or in hexadecimal with a mask. */
const transport = (match: FieldMatch): string => (match.mask === undefined ? String(match.value) : hexadecimal(match))

const plain = ({ field, value, mask }: FieldMatch): string => valueNotation(field, value, mask)

type Part = readonly [field: FieldName, name: string, write: (match: FieldMatch) => string]
const part = (field: FieldName, name: string = field, write: Part[2] = plain): Part => [field, name, write]

const REGISTERS: readonly Part[] = ([0, 1, 2, 3, 4, 5, 6, 7] as const).map((n) => part(`reg${n}`))

/** Fields before and after the VLAN tag, in the order in which match_format() of Open vSwitch goes through them. */
const FIRST: readonly Part[] = [
  ...REGISTERS,
  part('tunnel_id', 'tun_id', hexadecimal),
  part('tun_src'),
  part('tun_dst'),
  part('metadata', 'metadata', hexadecimal),
  part('in_port', 'in_port', ({ value }) => portNotation(Number(value))),
  part('in_phy_port', 'in_phy_port', ({ value }) => portNotation(Number(value))),
]
const ETHERNET: readonly Part[] = [part('eth_src', 'dl_src'), part('eth_dst', 'dl_dst')]
const NETWORK: readonly Part[] = [
  part('ipv6_src'),
  part('ipv6_dst'),
  part('ipv6_flabel', 'ipv6_label', label),
  part('arp_spa'),
  part('arp_tpa'),
  part('ipv4_src', 'nw_src'),
  part('ipv4_dst', 'nw_dst'),
]
const LAST: readonly Part[] = [
  part('arp_op', 'arp_op'),
  part('arp_sha'),
  part('arp_tha'),
  part('ip_dscp', 'nw_tos', ({ value }) => String(value << 2n)),
  part('ip_ecn', 'nw_ecn'),
  part('icmpv4_type', 'icmp_type'),
  part('icmpv4_code', 'icmp_code'),
  part('icmpv6_type', 'icmp_type'),
  part('icmpv6_code', 'icmp_code'),
  part('ipv6_nd_target', 'nd_target'),
  part('ipv6_nd_sll', 'nd_sll'),
  part('ipv6_nd_tll', 'nd_tll'),
  part('tcp_src', 'tp_src', transport),
  part('udp_src', 'tp_src', transport),
  part('sctp_src', 'tp_src', transport),
  part('tcp_dst', 'tp_dst', transport),
  part('udp_dst', 'tp_dst', transport),
  part('sctp_dst', 'tp_dst', transport),
]

const write = (fields: Fields, parts: readonly Part[]): string[] =>
  parts.flatMap(([field, name, text]) => {
    const match = fields.get(field)
    return match === undefined ? [] : [`${name}=${text(match)}`]
  })

/** A match in the words and order of `ovs-ofctl`, one string for each: `arp`, `in_port=3`, `arp_spa=10.0.0.1`. */
export function matchNotation(match: Match): string[] {
  const fields: Fields = new Map(match.map((one) => [one.field, one]))
  const { words, type, protocol } = kind(fields)
  return [
    ...write(fields, [part('pkt_mark', 'pkt_mark', hexadecimal)]),
    ...words,
    ...write(fields, FIRST),
    ...vlan(fields),
    ...write(fields, ETHERNET),
    ...type,
    ...write(fields, NETWORK),
    ...protocol,
    ...write(fields, LAST),
    ...tcpFlags(fields),
  ]
}
