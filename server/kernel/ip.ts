import { err, ok, type Result } from './result.ts'

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

/** Reads `10.0.0.1`; answers the 32-bit number. Leading zeros are refused: some read them as octal. */
export function parseIpv4(text: string): Result<bigint, string> {
  const octets = V4.exec(text)?.slice(1) ?? []
  if (octets.length !== 4 || octets.some((octet) => Number(octet) > 255 || (octet.length > 1 && octet[0] === '0')))
    return err('four numbers up to 255, such as 10.0.0.1')
  return ok(octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n))
}

/** Writes a 32-bit number as `10.0.0.1`. */
export function formatIpv4(address: bigint): string {
  const value = Number(address)
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

const IPV6_WORDS = 'eight groups of hexadecimal digits, such as 2001:db8::1'

function ipv6Groups(text: string): string[] | undefined {
  if (text === '') return []
  const groups = text.split(':')
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) ? groups : undefined
}

/** The IPv4 notation of the last 32 bits (`::ffff:10.0.0.1`) as two groups. */
function withoutDots(text: string): string | undefined {
  const colon = text.lastIndexOf(':')
  const last = text.slice(colon + 1)
  if (!last.includes('.')) return text
  const v4 = parseIpv4(last)
  if (!v4.ok || colon < 0) return undefined
  return `${text.slice(0, colon + 1)}${(v4.value >> 16n).toString(16)}:${(v4.value & 0xffffn).toString(16)}`
}

/** Reads an IPv6 address (RFC 4291, section 2.2), without zone; answers the 128-bit number. */
export function parseIpv6(text: string): Result<bigint, string> {
  const [front, back, ...more] = (withoutDots(text) ?? '-').split('::')
  const head = ipv6Groups(front ?? '-')
  const tail = back === undefined ? [] : ipv6Groups(back)
  if (head === undefined || tail === undefined || more.length > 0) return err(IPV6_WORDS)
  const zeros = 8 - head.length - tail.length
  if (back === undefined ? zeros !== 0 : zeros < 1) return err(IPV6_WORDS)
  const groups = [...head, ...Array<string>(zeros).fill('0'), ...tail]
  return ok(groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n))
}

/** The longest run of zero groups, of two at least: the first of equals (RFC 5952, section 4.2). */
function longestZeros(groups: readonly number[]): { at: number; length: number } {
  let best = { at: -1, length: 1 }
  for (let at = 0; at < groups.length; at++) {
    let length = 0
    while (groups[at + length] === 0) length++
    if (length > best.length) best = { at, length }
    at += length
  }
  return best
}

/** Writes a 128-bit number in the form of RFC 5952; IPv4-mapped addresses with dots. */
export function formatIpv6(address: bigint): string {
  if (address >> 32n === 0xffffn) return `::ffff:${formatIpv4(address & 0xffffffffn)}`
  const groups = Array.from({ length: 8 }, (_, i) => Number((address >> BigInt(112 - 16 * i)) & 0xffffn))
  const { at, length } = longestZeros(groups)
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  return at < 0 ? text(groups) : `${text(groups.slice(0, at))}::${text(groups.slice(at + length))}`
}

/** An address of either family. */
export interface Ip {
  readonly version: 4 | 6
  readonly value: bigint
}

/** Reads an IPv4 or IPv6 address. */
export function parseIp(text: string): Result<Ip, string> {
  const version = text.includes(':') ? 6 : 4
  const read = version === 6 ? parseIpv6(text) : parseIpv4(text)
  if (read.ok) return ok({ version, value: read.value })
  return err(`an address such as 10.0.0.1 or 2001:db8::1`)
}

/** Writes an address of either family. */
export const formatIp = ({ version, value }: Ip): string => (version === 4 ? formatIpv4(value) : formatIpv6(value))
