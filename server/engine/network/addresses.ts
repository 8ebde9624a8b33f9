import { formatIp, type Ip, parseIp } from '#server/kernel/ip.ts'
import { contains, lastOf, type Prefix, parsePrefix } from '#server/kernel/prefix.ts'
import type { NetworkIntent, Subnet } from './model.ts'

/** The addresses of a prefix that no port may have, whatever its gateway: none where all are hosts (RFC 3021, RFC 6164). */
export function reservedOf(prefix: Prefix): readonly Ip[] {
  const bits = prefix.version === 4 ? 32 : 128
  if (prefix.length >= bits - 1) return []
  const first: Ip = { version: prefix.version, value: prefix.value }
  // IPv6 has no broadcast; its first address belongs to the routers (RFC 4291, section 2.6.1).
  return prefix.version === 4 ? [first, lastOf(prefix)] : [first]
}

const textOf = (ip: Ip): string => formatIp(ip)

/** The addresses that ports of one tenant have, in canonical text, each with the port that has it first. */
export function takenAddresses(intent: NetworkIntent, tenantId: string): ReadonlyMap<string, string> {
  const taken = new Map<string, string>()
  for (const { id, networkId, addresses } of intent.ports) {
    if (intent.networks.get(networkId)?.tenantId !== tenantId) continue
    for (const text of addresses) {
      const ip = parseIp(text)
      const canonical = ip.ok ? textOf(ip.value) : text
      if (!taken.has(canonical)) taken.set(canonical, id)
    }
  }
  return taken
}

/** The lowest address of a subnet that no port of the tenant has; undefined when there is none, or the prefix is malformed. */
export function freeAddress(subnet: Subnet, intent: NetworkIntent): string | undefined {
  const prefix = parsePrefix(subnet.prefix)
  const network = intent.networks.get(subnet.networkId)
  if (!prefix.ok || network === undefined) return undefined
  const gateway = parseIp(subnet.gateway ?? '')
  const unusable = new Set(reservedOf(prefix.value).map(textOf))
  if (gateway.ok) unusable.add(textOf(gateway.value))
  const taken = takenAddresses(intent, network.tenantId)
  const { version } = prefix.value
  for (let { value } = prefix.value; contains(prefix.value, { version, value }); value++) {
    const text = textOf({ version, value })
    if (!unusable.has(text) && !taken.has(text)) return text
  }
  return undefined
}
