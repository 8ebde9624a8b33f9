import { formatIp, type Ip, parseIp } from './ip.ts'
import { err, ok, type Result } from './result.ts'

/** A block of addresses: `value` is its first one, `length` the number of leading bits that all of them share. */
export interface Prefix extends Ip {
  readonly length: number
}

const width = (version: 4 | 6): number => (version === 4 ? 32 : 128)

/** The bits that a prefix leaves open, all set. */
const hostMask = ({ version, length }: Pick<Prefix, 'version' | 'length'>): bigint =>
  (1n << BigInt(width(version) - length)) - 1n

/** Reads `10.0.0.0/24` or `2001:db8::/64`. Refuses host bits that are set, and names the prefix that was probably meant. */
export function parsePrefix(text: string): Result<Prefix, string> {
  const [address = '', digits = '', ...more] = text.split('/')
  const ip = parseIp(address)
  if (!ip.ok || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(digits))
    return err('a prefix such as 10.0.0.0/24 or 2001:db8::/64')
  const { version, value } = ip.value
  const length = Number(digits)
  if (length > width(version)) return err(`a length of at most ${width(version)} bits`)
  const first = value & ~hostMask({ version, length })
  if (first !== value)
    return err(`host bits zero: ${text} has some set; ${formatPrefix({ version, value: first, length })} has none`)
  return ok({ version, value, length })
}

/** Writes `10.0.0.0/24`. */
export const formatPrefix = (prefix: Prefix): string => `${formatIp(prefix)}/${prefix.length}`

/** The block of so many leading bits that an address lies in. */
export const prefixOf = ({ version, value }: Ip, length: number): Prefix => ({
  ...{ version, length, value: value & ~hostMask({ version, length }) },
})

/** The last address of a prefix. */
export const lastOf = (prefix: Prefix): Ip => ({ version: prefix.version, value: prefix.value | hostMask(prefix) })

/** Whether an address lies inside a prefix. */
export const contains = (prefix: Prefix, ip: Ip): boolean =>
  prefix.version === ip.version && (ip.value & ~hostMask(prefix)) === prefix.value

/** Whether two prefixes share an address; one of them then holds the other. */
export const overlap = (a: Prefix, b: Prefix): boolean => contains(a, b) || contains(b, a)
