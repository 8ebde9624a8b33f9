import { type Ip, parseIp } from '#server/kernel/ip.ts'
import { contains, formatPrefix, type Prefix, parsePrefix, prefixOf } from '#server/kernel/prefix.ts'

/** Whoever is in the same IPv4 /24 or IPv6 /64 is taken to be in the same network. */
const NETWORK_BITS = { 4: 24, 6: 64 } as const
const MAPPED = 0xffffn

/** An address as a request has it: IPv4 inside of IPv6 is IPv4, a zone is left out. Undefined: it is none. */
export function addressOf(text: string): Ip | undefined {
  const read = parseIp(text.split('%')[0] ?? '')
  if (!read.ok) return undefined
  const { version, value } = read.value
  return version === 6 && value >> 32n === MAPPED ? { version: 4, value: value & 0xffff_ffffn } : read.value
}

const LOOPBACK: Prefix = { version: 4, value: 0x7f00_0000n, length: 8 }

/** Whether an address is the host's own. */
export function isOwnHost(text: string): boolean {
  const ip = addressOf(text)
  return ip !== undefined && (contains(LOOPBACK, ip) || (ip.version === 6 && ip.value === 1n))
}

/** The network of an address, as text; all of loopback is one. What is no address is a network of its own. */
export function networkOf(text: string): string {
  if (isOwnHost(text)) return 'this host'
  const ip = addressOf(text)
  return ip ? formatPrefix(prefixOf(ip, NETWORK_BITS[ip.version])) : text
}

/** Prefixes that are known to be good; any that is not, such as of another version's making, holds nothing. */
export const prefixesOf = (texts: readonly string[]): Prefix[] =>
  texts.flatMap((text) => {
    const read = parsePrefix(text)
    return read.ok ? [read.value] : []
  })

/** Whether an address lies in one of the prefixes. */
export function isIn(prefixes: readonly Prefix[], text: string): boolean {
  const ip = addressOf(text)
  return ip !== undefined && prefixes.some((prefix) => contains(prefix, ip))
}
