import type { Ip } from '#server/kernel/ip.ts'
import { linkLocalOf } from '#server/kernel/mac.ts'
import type { FieldMatch } from '#server/kernel/match.ts'
import type { PartEntry, PartInstruction } from '../capability.ts'
import type { Network } from './model.ts'
import { admitTo, because, inNetwork, inPort, inVlan, TABLE } from './pipeline.ts'
import type { Member } from './place.ts'

/**
 * Guard entries by what they know of a packet: what no port may send is refused first, then neighbour discovery is judged
 * by what it claims, and only then by where it says that it comes from.
 */
const PRIORITY = { refuse: 300, discovery: 250, refuseDiscovery: 200, source: 100, spoofed: 1 } as const

const f = (field: FieldMatch['field'], value: bigint): FieldMatch => ({ field, value })

const ARP = f('eth_type', 0x806n)
const IPV4 = f('eth_type', 0x800n)
const IPV6 = f('eth_type', 0x86ddn)
const UDP = f('ip_proto', 17n)
const ICMPV6 = f('ip_proto', 58n)
const icmpv6 = (type: bigint): FieldMatch[] => [IPV6, ICMPV6, f('icmpv6_type', type)]

/** RFC 4861, section 4; RFC 3810, section 5.2. */
const ROUTER_ADVERTISEMENT = 134n
const NEIGHBOUR_SOLICITATION = 135n
const NEIGHBOUR_ADVERTISEMENT = 136n
const REDIRECT = 137n
const MULTICAST_LISTENER_REPORT = 143n

const guarded = (
  why: readonly string[],
  priority: number,
  match: readonly FieldMatch[],
  instructions: readonly PartInstruction[],
): PartEntry => ({ table: TABLE.guard, priority, match, instructions, phase: 'expose', because: why })

/** What no port of a network may send: routers and DHCP servers are not among the hosts. */
export function refusals(network: Network): readonly PartEntry[] {
  const refuse = (priority: number, match: readonly FieldMatch[]) =>
    guarded(because(network), priority, [inNetwork(network), ...match], [])
  return [
    refuse(PRIORITY.refuse, [IPV4, UDP, f('udp_src', 67n)]),
    refuse(PRIORITY.refuse, [IPV6, UDP, f('udp_src', 547n)]),
    refuse(PRIORITY.refuse, icmpv6(ROUTER_ADVERTISEMENT)),
    refuse(PRIORITY.refuse, icmpv6(REDIRECT)),
    refuse(PRIORITY.refuseDiscovery, icmpv6(NEIGHBOUR_SOLICITATION)),
    refuse(PRIORITY.refuseDiscovery, icmpv6(NEIGHBOUR_ADVERTISEMENT)),
  ]
}

/** A port's IPv4 address: its packets, its ARP, and the probe that asks whether somebody else has it (RFC 5227). */
function ipv4Sources(mac: bigint, address: bigint): (readonly [number, readonly FieldMatch[]])[] {
  const arp = [ARP, f('arp_sha', mac)]
  return [
    [PRIORITY.source, [IPV4, f('ipv4_src', address)]],
    [PRIORITY.source, [...arp, f('arp_spa', address)]],
    [PRIORITY.source, [...arp, f('arp_op', 1n), f('arp_spa', 0n), f('arp_tpa', address)]],
  ]
}

/**
 * A port's IPv6 address: its packets, and neighbour discovery that claims nothing else. The link-layer address option
 * may be absent (zero) where the RFC allows it, but never be another's.
 */
function ipv6Sources(mac: bigint, address: bigint): (readonly [number, readonly FieldMatch[]])[] {
  const solicitation = icmpv6(NEIGHBOUR_SOLICITATION)
  const advertisement = [...icmpv6(NEIGHBOUR_ADVERTISEMENT), f('ipv6_nd_target', address)]
  const source = f('ipv6_src', address)
  return [
    [PRIORITY.source, [IPV6, source]],
    [PRIORITY.discovery, [...solicitation, source, f('ipv6_nd_sll', mac)]],
    [PRIORITY.discovery, [...solicitation, source, f('ipv6_nd_sll', 0n)]],
    [PRIORITY.discovery, [...solicitation, f('ipv6_src', 0n), f('ipv6_nd_target', address)]],
    [PRIORITY.discovery, [...advertisement, source, f('ipv6_nd_tll', mac)]],
    [PRIORITY.discovery, [...advertisement, source, f('ipv6_nd_tll', 0n)]],
  ]
}

const sourcesOf = (mac: bigint, { version, value }: Ip) =>
  version === 4 ? ipv4Sources(mac, value) : ipv6Sources(mac, value)

/**
 * Lets the packets of a port in, into its network and with its own addresses alone. The last entry drops the rest: its
 * counter is the number of spoofed packets of that port.
 */
export function admissions(network: Network, { port, number, mac, addresses }: Member): readonly PartEntry[] {
  const why = because(network, port)
  const own = [inPort(number), inNetwork(network)]
  const linkLocal: Ip = { version: 6, value: linkLocalOf(mac) }
  const sources = [...addresses, linkLocal].flatMap((address) => sourcesOf(mac, address))
  // Sent from the unspecified address while the link-local one is still being probed.
  const joining = [...icmpv6(MULTICAST_LISTENER_REPORT), f('ipv6_src', 0n)]
  return [
    {
      table: TABLE.ports,
      priority: 100,
      match: [inPort(number), inVlan(port.vlan)],
      instructions: admitTo(network, port.vlan, TABLE.guard),
      phase: 'expose',
      because: why,
    },
    ...[...sources, [PRIORITY.source, joining] as const].map(([priority, match]) =>
      guarded(why, priority, [...own, f('eth_src', mac), ...match], [{ type: 'next' }]),
    ),
    { ...guarded(why, PRIORITY.spoofed, own, []), counts: 'spoofed' },
  ]
}
