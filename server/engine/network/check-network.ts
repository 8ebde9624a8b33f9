import { parseIpv4 } from '#server/kernel/ip.ts'
import type { Finding } from '../finding.ts'
import type { ServerFact } from '../infrastructure.ts'
import type { Network, Subnet } from './model.ts'
import type { Presence, ServerPresence } from './place.ts'

export const LAST_VNI = 16_777_215

/** What VXLAN over IPv4 adds to a tenant's IP packet, in bytes: Ethernet 14, VXLAN 8, UDP 8, IPv4 20. */
export const VXLAN_OVERHEAD = 50

/** The least that a network must carry, in bytes (RFC 791; RFC 8200, section 5). */
const LEAST_MTU = { 4: 68, 6: 1280 } as const

/** The largest tenant MTU that fits the underlay of all these servers; undefined without servers. */
export function mtuBudget(servers: Iterable<ServerFact>): number | undefined {
  const mtus = [...servers].map(({ underlayMtu }) => underlayMtu)
  return mtus.length === 0 ? undefined : Math.min(...mtus) - VXLAN_OVERHEAD
}

const about = (network: Network, pointer: string) =>
  ({ severity: 'error', subject: `network/${network.id}`, pointer }) as const

/** The VNI is in range, and no other of the networks with that VNI is there. */
export function checkVni(network: Network, sameVni: readonly Network[]): readonly Finding[] {
  const { vni, name } = network
  if (!Number.isInteger(vni) || vni < 1 || vni > LAST_VNI)
    return [
      {
        ...about(network, '/vni'),
        rule: 'network.vni-range',
        message: `VNI ${vni} is outside 1 to ${LAST_VNI.toLocaleString('en')}.`,
        mend: 'Choose one in that range, or leave it out and get one from the pool.',
        limit: `1..${LAST_VNI}`,
      },
    ]
  if (sameVni.every(({ id }) => id === network.id)) return []
  return [
    {
      ...about(network, '/vni'),
      rule: 'network.vni-taken',
      message: `VNI ${vni} is taken; ${name} needs one of its own.`,
      mend: 'Choose another, or leave it out and get one from the pool.',
    },
  ]
}

/** The MTU is no less than IP asks for, with the network's own subnets. */
export function checkLeastMtu(network: Network, subnets: readonly Subnet[]): readonly Finding[] {
  const ipv6 = subnets.some(({ prefix }) => prefix.includes(':'))
  const least = LEAST_MTU[ipv6 ? 6 : 4]
  if (network.mtu >= least) return []
  return [
    {
      ...about(network, '/mtu'),
      rule: 'network.mtu-least',
      message: `An MTU of ${network.mtu} bytes is less than the ${least} that ${ipv6 ? 'IPv6' : 'IPv4'} asks for.`,
      mend: `Choose at least ${least}.`,
      limit: `${least} bytes`,
    },
  ]
}

/**
 * Packets of the tenant fit into the tunnel: an error where they are to cross it, a warning where they would once the
 * network has ports on another server. `everywhere` is the budget of all servers together.
 */
export function checkMtuBudget(
  network: Network,
  used: readonly ServerFact[],
  everywhere: number | undefined,
): readonly Finding[] {
  const crosses = used.length > 1
  const budget = crosses ? mtuBudget(used) : everywhere
  if (budget === undefined || network.mtu <= budget) return []
  const underlay = budget + VXLAN_OVERHEAD
  return [
    {
      ...about(network, '/mtu'),
      severity: crosses ? 'error' : 'warning',
      rule: 'network.mtu-budget',
      message: `An MTU of ${network.mtu} bytes does not fit: the underlay carries ${underlay}, and VXLAN takes ${VXLAN_OVERHEAD} of them.`,
      mend: `Choose at most ${budget}.`,
      limit: `${budget} bytes`,
    },
  ]
}

const cut = (network: Network, rule: string, message: string, mend: string, datapathId?: string): Finding => ({
  ...{ severity: 'error', rule: `network.${rule}`, message, mend, subject: `network/${network.id}` },
  ...(datapathId === undefined ? {} : { datapathId }),
})

function checkTunnelEnd(network: Network, { server, fabric }: ServerPresence): readonly Finding[] {
  if (fabric === undefined)
    return [
      cut(
        network,
        'no-fabric',
        `${server.name} has no datapath that leads out of it, but ${network.name} has ports on other servers too.`,
        `Add the server's own switch to the inventory.`,
      ),
    ]
  const findings: Finding[] = []
  if (fabric.tunnelPort === undefined)
    findings.push(
      cut(
        network,
        'no-tunnel',
        `${fabric.name} has no tunnel port, but ${network.name} has ports on other servers too.`,
        `Name the flow-based VXLAN port of ${fabric.name}, and see that the switch reports it.`,
        fabric.id,
      ),
    )
  if (!parseIpv4(server.vtep).ok)
    findings.push(
      cut(
        network,
        'no-vtep',
        `The tunnel end of ${server.name} is ${server.vtep || 'not known'}, which is no IPv4 address.`,
        `Give ${server.name} the address of its underlay interface.`,
      ),
    )
  return findings
}

/** Edges and servers of a network can reach one another: links and tunnels are there as far as they are needed. */
export function checkWays({ network, servers }: Presence): readonly Finding[] {
  const tunnels = servers.length > 1 ? servers.flatMap((one) => checkTunnelEnd(network, one)) : []
  const links = servers.flatMap(({ edges, direct, server, fabric }) => {
    const alone = servers.length === 1 && edges.length === 1 && direct.length === 0
    // Without a fabric there is a finding already, where one is needed.
    if (alone || (fabric === undefined && servers.length > 1)) return []
    return edges
      .filter(({ link }) => link === undefined)
      .map(({ edge }) =>
        cut(
          network,
          'no-link',
          `${edge.name} has no link to the switch of ${server.name}, but ${network.name} has ports elsewhere too.`,
          `Name the ports on both ends of the link, and see that both switches report them.`,
          edge.id,
        ),
      )
  })
  return [...tunnels, ...links]
}
