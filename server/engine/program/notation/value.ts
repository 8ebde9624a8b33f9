import { PORT } from '#server/kernel/action.ts'
import { FIELDS, type FieldName } from '#server/kernel/field.ts'
import { formatIpv4, formatIpv6 } from '#server/kernel/ip.ts'
import { formatMac } from '#server/kernel/mac.ts'

const PORT_NAMES: Readonly<Record<number, string>> = {
  [PORT.in_port]: 'IN_PORT',
  [PORT.table]: 'TABLE',
  [PORT.normal]: 'NORMAL',
  [PORT.flood]: 'FLOOD',
  [PORT.all]: 'ALL',
  [PORT.controller]: 'CONTROLLER',
  [PORT.local]: 'LOCAL',
  [PORT.any]: 'ANY',
}

/** A port by number, or by name where it is reserved (`LOCAL`, `IN_PORT`). */
export const portNotation = (port: number): string => PORT_NAMES[port] ?? String(port)

/** Whether a port number is a name for something else than one port. */
export const isReserved = (port: number): boolean => PORT_NAMES[port] !== undefined

/** printf's `%#x`: zero has no prefix. */
export const hexNotation = (value: bigint): string => (value === 0n ? '0' : `0x${value.toString(16)}`)

const DECIMAL: ReadonlySet<FieldName> = new Set<FieldName>([
  'vlan_vid',
  'vlan_pcp',
  'ip_dscp',
  'ip_ecn',
  'ip_proto',
  'arp_op',
  'tcp_src',
  'tcp_dst',
  'udp_src',
  'udp_dst',
  'sctp_src',
  'sctp_dst',
  'icmpv4_type',
  'icmpv4_code',
  'icmpv6_type',
  'icmpv6_code',
])

const IPV4: ReadonlySet<FieldName> = new Set<FieldName>([
  'tun_src',
  'tun_dst',
  'ipv4_src',
  'ipv4_dst',
  'arp_spa',
  'arp_tpa',
])

/** The length of the prefix that a mask makes; undefined for one with a hole. */
function prefixLength(mask: bigint, bits: number): number | undefined {
  const text = mask.toString(2)
  const ones = text.indexOf('0') < 0 ? text.length : text.indexOf('0')
  return text.length === bits && !text.slice(ones).includes('1') ? ones : undefined
}

function addressNotation(value: bigint, mask: bigint | undefined, bits: number): string {
  const format = bits === 32 ? formatIpv4 : formatIpv6
  if (mask === undefined) return format(value)
  return `${format(value)}/${prefixLength(mask, bits) ?? format(mask)}`
}

/** A value of a field as `ovs-ofctl` writes it, with its mask. */
export function valueNotation(field: FieldName, value: bigint, mask?: bigint): string {
  const { bits } = FIELDS[field]
  if (IPV4.has(field) || bits === 128) return addressNotation(value, mask, bits)
  if (bits === 48) return mask === undefined ? formatMac(value) : `${formatMac(value)}/${formatMac(mask)}`
  const text = DECIMAL.has(field) ? String(value) : hexNotation(value)
  return mask === undefined ? text : `${text}/${hexNotation(mask)}`
}
