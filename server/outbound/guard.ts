import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { hasAddress, hasRange, isNamed, type Place, type Target } from './places.ts'

const MEND = 'Let whoever runs this installation name it in WEFT_OUTBOUND.'

/** A connection that is not begun: the installation names the places that it connects to, and this is none of them. */
export class OutboundRefused extends Error {
  override readonly name = 'OutboundRefused'
  readonly mend = MEND

  constructor({ host, port }: Target) {
    super(`${host.includes(':') ? `[${host}]` : host}:${port} is none of the places that WEFT_OUTBOUND names.`)
  }
}

/** Addresses that may be connected to: at least one. */
type Addresses = readonly [LookupAddress, ...LookupAddress[]]

/** Every connection that the engine begins asks it first, and goes to an address that it answered. */
export interface Outbound {
  /** Throws `OutboundRefused` for what cannot be allowed whatever addresses it has: for when somebody enters it. */
  require(target: Target): void
  /** Rejects with `OutboundRefused`, or as the look-up of the name does. */
  addresses(target: Target): Promise<Addresses>
}

const resolve = (host: string) => lookup(host, { all: true })

/** Where a URL leads. */
export const targetOf = ({ hostname, port, protocol }: URL): Target => ({
  host: hostname.replace(/^\[|\]$/g, ''),
  port: Number(port) || (protocol === 'https:' ? 443 : 80),
})

/** Goes to the very addresses that were looked at, and to no other that the name may have by now (DNS rebinding). */
export const pinned =
  (addresses: Addresses): LookupFunction =>
  (_name, { all }, done) =>
    all ? done(null, [...addresses]) : done(null, addresses[0].address, addresses[0].family)

/** `places`: undefined where an installation does not confine itself. `look`: what addresses a name has. */
export function outbound(places: readonly Place[] | undefined, look: typeof resolve = resolve): Outbound {
  function require(target: Target): void {
    if (places === undefined || isNamed(places, target)) return
    // A name that is not there itself may have an address that is.
    if (isIP(target.host) !== 0 || !hasRange(places, target.port)) throw new OutboundRefused(target)
  }
  return {
    require,
    async addresses(target) {
      require(target)
      const found = await look(target.host)
      const free = places === undefined || isNamed(places, target)
      const [first, ...others] = free
        ? found
        : found.filter(({ address }) => hasAddress(places, { host: address, port: target.port }))
      if (first) return [first, ...others]
      throw free ? new Error(`${target.host} has no address.`) : new OutboundRefused(target)
    },
  }
}

/** No list of places is kept. */
export const ANYWHERE: Outbound = outbound(undefined)
