import ipaddr from 'ipaddr.js'

/** An IP prefix, its host bits zero. */
export interface Prefix {
  readonly family: 4 | 6
  readonly text: string
  readonly length: number
  readonly first: bigint
  readonly last: bigint
}

const bits = (family: 4 | 6) => (family === 4 ? 32 : 128)
const toNumber = (bytes: readonly number[]): bigint => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

/** An address as a number with its family; undefined when it is none. Short forms such as `10.1` are none. */
export function parseAddress(text: string): { readonly family: 4 | 6; readonly value: bigint } | undefined {
  const plain = text.trim()
  if (!(ipaddr.IPv4.isValidFourPartDecimal(plain) || ipaddr.IPv6.isValid(plain))) return undefined
  const address = ipaddr.parse(plain)
  return { family: address.kind() === 'ipv4' ? 4 : 6, value: toNumber(address.toByteArray()) }
}

/** The address that a number stands for, in its usual form. */
export function printAddress(value: bigint, family: 4 | 6): string {
  const bytes = Array.from({ length: bits(family) / 8 }, (_, index) =>
    Number((value >> BigInt(bits(family) - 8 * (index + 1))) & 0xffn),
  )
  return ipaddr.fromByteArray(bytes).toString()
}

/** A prefix from `address/length`; `hostBits` says that the address had bits beyond the length, which `text` leaves out. */
export function parsePrefix(text: string): (Prefix & { readonly hostBits: boolean }) | undefined {
  const [address = '', size, ...rest] = text.trim().split('/')
  const parsed = parseAddress(address)
  if (!parsed || rest.length > 0 || !size || !/^\d{1,3}$/.test(size)) return undefined
  const length = Number(size)
  const width = bits(parsed.family)
  if (length > width) return undefined
  const host = (1n << BigInt(width - length)) - 1n
  const first = parsed.value & ~host
  return {
    family: parsed.family,
    length,
    first,
    last: first | host,
    text: `${printAddress(first, parsed.family)}/${length}`,
    hostBits: first !== parsed.value,
  }
}

/** How many addresses hosts can have in it: without network and broadcast address where IPv4 has them. */
export function hostsOf({ family, length, first, last }: Prefix): bigint {
  const all = last - first + 1n
  return family === 4 && length < 31 ? all - 2n : all
}

/** The first address of a prefix that a gateway can have. */
export const firstHost = (prefix: Prefix): string =>
  printAddress(prefix.length >= bits(prefix.family) - 1 ? prefix.first : prefix.first + 1n, prefix.family)

export const lastAddress = (prefix: Prefix): string => printAddress(prefix.last, prefix.family)

export const isInside = (address: { readonly family: 4 | 6; readonly value: bigint }, prefix: Prefix): boolean =>
  address.family === prefix.family && address.value >= prefix.first && address.value <= prefix.last

/** The smallest prefix that holds this one and an address of the same family. */
export function widened(prefix: Prefix, address: bigint): Prefix | undefined {
  for (let length = prefix.length; length >= 8; length -= 1) {
    const wider = parsePrefix(`${printAddress(prefix.first, prefix.family)}/${length}`)
    if (wider && isInside({ family: prefix.family, value: address }, wider)) return wider
  }
  return undefined
}
