import { err, ok, type Result } from './result.ts'

const TEXT = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i
const DASHED = /^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/i

/** Reads `52:54:00:1b:9c:02` (or with dashes); answers the 48-bit number. */
export function parseMac(text: string): Result<bigint, string> {
  if (!TEXT.test(text) && !DASHED.test(text)) return err('six pairs of hexadecimal digits, such as 52:54:00:1b:9c:02')
  return ok(BigInt(`0x${text.replace(/[:-]/g, '')}`))
}

/** Writes a 48-bit number as `52:54:00:1b:9c:02`. */
export function formatMac(mac: bigint): string {
  const hex = mac.toString(16).padStart(12, '0')
  return hex.replace(/..(?=.)/g, '$&:')
}

/** A group address (broadcast or multicast): the I/G bit of the first octet is set. */
export const isGroupMac = (mac: bigint): boolean => ((mac >> 40n) & 1n) === 1n

/** The link-local IPv6 address that EUI-64 makes of a MAC (RFC 4291, appendix A). */
export function linkLocalOf(mac: bigint): bigint {
  const flipped = mac ^ (2n << 40n)
  const eui64 = ((flipped >> 24n) << 40n) | (0xfffen << 24n) | (flipped & 0xffffffn)
  return (0xfe80n << 112n) | eui64
}
