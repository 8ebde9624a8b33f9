import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import ipaddr from 'ipaddr.js'

/** Where a connection goes: a name or an address, and a port. */
export interface Target {
  readonly host: string
  readonly port: number
}

/** Where connections may go: one name, all names below one, or a range of addresses; at one port, or at any. */
export type Place = { readonly port?: number } & (
  | { readonly name: string }
  | { readonly below: string }
  | { readonly range: string }
)

const NAME = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*(?=[a-z0-9-]*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** An IPv6 address beside a port stands in brackets. */
const FORM = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/

/** A host as it is compared: without brackets, in lower case, without the dot of the root. */
const plain = (host: string) =>
  host
    .replace(/^\[|\]$/g, '')
    .toLowerCase()
    .replace(/\.$/, '')

const rangeOf = (text: string): string | undefined => {
  const [address = ''] = text.split('/')
  if (isIP(address) === 0) return undefined
  const range = address === text ? `${text}/${isIP(text) === 4 ? 32 : 128}` : text
  return ipaddr.isValidCIDR(range) ? range : undefined
}

const nameOf = (text: string): string | undefined => {
  // It is read as the host of a URL, where these end a host.
  if (/[\s/?#@%\\]/.test(text)) return undefined
  const name = plain(domainToASCII(text))
  return name.length <= 253 && NAME.test(name) ? name : undefined
}

/** Reads `idp.example.net`, `*.example.net:443`, `192.0.2.0/24` or `[2001:db8::/32]:6514`; undefined: it is none of these. */
export function parsePlace(text: string): Place | undefined {
  const bare = rangeOf(text)
  if (bare !== undefined) return { range: bare }
  const [, bracketed, other = '', digits] = FORM.exec(text) ?? []
  const port = digits === undefined ? {} : { port: Number(digits) }
  if (port.port === 0 || (port.port ?? 0) > 65_535) return undefined
  const range = rangeOf(bracketed ?? other)
  if (range !== undefined) return { range, ...port }
  const below = other.startsWith('*.') ? nameOf(other.slice(2)) : undefined
  if (below !== undefined) return { below, ...port }
  const name = bracketed === undefined ? nameOf(other) : undefined
  return name === undefined ? undefined : { name, ...port }
}

const atPort = (place: Place, port: number) => place.port === undefined || place.port === port

/** Whether an address is in one of the ranges, also when it is written as IPv4 in IPv6. */
export function hasAddress(places: readonly Place[], { host, port }: Target): boolean {
  if (isIP(host) === 0) return false
  const address = ipaddr.process(host)
  return places.some((place) => {
    if (!('range' in place) || !atPort(place, port)) return false
    const [network, bits] = ipaddr.parseCIDR(place.range)
    return network.kind() === address.kind() && address.match(network, bits)
  })
}

/** Whether a target is among the places as it is written, without asking which addresses a name has. */
export function isNamed(places: readonly Place[], { host, port }: Target): boolean {
  const asked = plain(host)
  if (hasAddress(places, { host: asked, port })) return true
  return places.some((place) => {
    if (!atPort(place, port)) return false
    return 'name' in place ? place.name === asked : 'below' in place && asked.endsWith(`.${place.below}`)
  })
}

/** Whether addresses of a name could be in one of the ranges. */
export const hasRange = (places: readonly Place[], port: number): boolean =>
  places.some((place) => 'range' in place && atPort(place, port))
