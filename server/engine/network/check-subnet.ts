import { parseIp } from '#server/kernel/ip.ts'
import { contains, formatPrefix, overlap, type Prefix, parsePrefix } from '#server/kernel/prefix.ts'
import type { Finding } from '../finding.ts'
import { reservedOf } from './addresses.ts'
import type { Network, Subnet } from './model.ts'
import { outside } from './words.ts'

const about = (subnet: Subnet, pointer: string) =>
  ({ severity: 'error', subject: `subnet/${subnet.id}`, pointer }) as const

/** The prefix reads, and has no host bits. */
export function checkPrefix(subnet: Subnet): readonly Finding[] {
  const read = parsePrefix(subnet.prefix)
  if (read.ok) return []
  const hostBits = read.error.startsWith('host bits')
  return [
    {
      ...about(subnet, '/prefix'),
      rule: hostBits ? 'subnet.host-bits' : 'subnet.prefix',
      message: hostBits
        ? `${subnet.prefix} is an address inside a prefix, not a prefix.`
        : `${subnet.prefix} is no prefix.`,
      mend: `It needs ${read.error}.`,
    },
  ]
}

/** No other subnet of the network shares an address with it. */
export function checkOverlap(
  subnet: Subnet,
  prefix: Prefix,
  network: Network,
  siblings: readonly Subnet[],
): readonly Finding[] {
  return siblings.flatMap((other): Finding[] => {
    if (other.id === subnet.id) return []
    const theirs = parsePrefix(other.prefix)
    if (!theirs.ok || !overlap(prefix, theirs.value)) return []
    return [
      {
        ...about(subnet, '/prefix'),
        rule: 'subnet.overlap',
        message: `${formatPrefix(prefix)} overlaps ${formatPrefix(theirs.value)}, which ${network.name} has already.`,
        mend: 'Choose a prefix that shares no address with it.',
      },
    ]
  })
}

/** The gateway is an address inside the subnet that a host may have. */
export function checkGateway(subnet: Subnet, prefix: Prefix): readonly Finding[] {
  if (subnet.gateway === null) return []
  const ip = parseIp(subnet.gateway)
  const wrong = (message: string, mend: string): Finding[] => [
    { ...about(subnet, '/gateway'), rule: 'subnet.gateway', message, mend },
  ]
  if (!ip.ok) return wrong(`${subnet.gateway} is no address.`, `It needs ${ip.error}.`)
  if (!contains(prefix, ip.value))
    return wrong(outside(ip.value, prefix), `Choose a gateway inside ${subnet.prefix}, or none.`)
  if (reservedOf(prefix).some(({ value }) => value === ip.value.value))
    return wrong(
      `${subnet.gateway} is the ${ip.value.value === prefix.value ? 'first' : 'last'} address of ${subnet.prefix}, which no station may have.`,
      'Choose one in between.',
    )
  return []
}

/** Everything about one subnet; `siblings` are the subnets of its network. */
export function checkSubnet(
  subnet: Subnet,
  network: Network | undefined,
  siblings: readonly Subnet[],
): readonly Finding[] {
  if (network === undefined)
    return [
      {
        ...about(subnet, '/networkId'),
        rule: 'subnet.network',
        message: `${subnet.prefix} belongs to a network that does not exist.`,
        mend: 'Choose a network that exists, or remove the subnet with it.',
      },
    ]
  const prefix = parsePrefix(subnet.prefix)
  if (!prefix.ok) return checkPrefix(subnet)
  return [...checkOverlap(subnet, prefix.value, network, siblings), ...checkGateway(subnet, prefix.value)]
}
