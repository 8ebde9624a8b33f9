import type { FieldFault } from '../ui/field.tsx'
import { firstHost, hostsOf, isInside, lastAddress, type Prefix, parseAddress, parsePrefix, widened } from './prefix.ts'

/** VXLAN over IPv4: outer IPv4 20, UDP 8, VXLAN 8, inner Ethernet 14. */
export const VXLAN_BYTES = 50
/** The least that IPv6 allows; IPv4 alone may go down to 68. */
const LEAST_MTU = 68
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** What the name of a network or tenant must be. */
export function nameFaults(name: string): readonly FieldFault[] {
  if (name === '' || NAME.test(name)) return []
  return [{ message: 'A name has a to z, 0 to 9 and inner hyphens, at most 63.' }]
}

/** A name made of what was typed: lower case, hyphens for the rest. */
export const asName = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)

export function vniFaults(text: string): readonly FieldFault[] {
  const vni = Number(text)
  if (/^\d+$/.test(text) && vni >= 1 && vni <= 16_777_215) return []
  return [{ message: text === '' ? 'Give the number.' : 'A VNI is a number from 1 to 16,777,215.' }]
}

export function prefixFaults(text: string, family: 4 | 6, onMend: (text: string) => void): readonly FieldFault[] {
  if (text.trim() === '') return []
  const prefix = parsePrefix(text)
  if (!prefix) {
    const example = family === 4 ? '10.0.0.0/24' : '2001:db8::/64'
    return [{ message: `${text.trim()} is no subnet. Write it as ${example}.` }]
  }
  if (prefix.family !== family) return [{ message: `${text.trim()} is an IPv${prefix.family} subnet.` }]
  if (prefix.hostBits) {
    const mends = [{ label: `Use ${prefix.text}`, apply: () => onMend(prefix.text) }]
    return [{ message: `${text.trim()} has bits beyond its length.`, mends }]
  }
  if (hostsOf(prefix) < 2n) return [{ message: `${prefix.text} has no room for two hosts.` }]
  return []
}

interface GatewayMends {
  readonly gateway: (text: string) => void
  readonly prefix: (text: string) => void
}

export function gatewayFaults(text: string, prefix: Prefix | undefined, mend: GatewayMends): readonly FieldFault[] {
  const plain = text.trim()
  if (plain === '' || !prefix) return []
  const first = firstHost(prefix)
  const useFirst = { label: `Use ${first}`, apply: () => mend.gateway(first) }
  const address = parseAddress(plain)
  if (!address) return [{ message: `${plain} is no address.`, mends: [useFirst] }]
  if (!isInside(address, prefix)) {
    const wider = address.family === prefix.family ? widened(prefix, address.value) : undefined
    return [
      {
        message: `${plain} lies outside ${prefix.text}, which ends at ${lastAddress(prefix)}.`,
        mends: wider
          ? [useFirst, { label: `Widen to ${wider.text}`, apply: () => mend.prefix(wider.text) }]
          : [useFirst],
      },
    ]
  }
  const isEdge =
    prefix.family === 4 && prefix.length < 31 && (address.value === prefix.first || address.value === prefix.last)
  if (!isEdge) return []
  const which = address.value === prefix.first ? 'network' : 'broadcast'
  return [{ message: `${plain} is the ${which} address of ${prefix.text}; no host can have it.`, mends: [useFirst] }]
}

/** `underlayMtu`: the lowest IP MTU on the way between the servers; undefined when one may not know it. */
export function mtuFaults(
  text: string,
  underlayMtu: number | undefined,
  onMend: (text: string) => void,
): readonly FieldFault[] {
  const mtu = Number(text)
  const most = underlayMtu === undefined ? 65_535 : underlayMtu - VXLAN_BYTES
  const mends = [{ label: `Use ${most}`, apply: () => onMend(String(most)) }]
  if (!/^\d+$/.test(text) || mtu < LEAST_MTU)
    return [{ message: `An MTU is a number from ${LEAST_MTU} to ${most}.`, mends }]
  if (mtu > most) {
    return [{ message: `${mtu} and ${VXLAN_BYTES} bytes of VXLAN do not fit the underlay’s ${underlayMtu}.`, mends }]
  }
  return []
}

/** What a prefix offers, in words. */
export const roomOf = (prefix: Prefix): string => {
  const hosts = hostsOf(prefix)
  return hosts > 1_000_000n ? 'more than a million hosts' : `${hosts.toLocaleString('en')} hosts`
}
