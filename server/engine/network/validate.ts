import type { Facts } from '../capability.ts'
import type { Finding } from '../finding.ts'
import { checkLeastMtu, checkMtuBudget, checkVni, checkWays, mtuBudget } from './check-network.ts'
import { checkPort, indexPorts } from './check-port.ts'
import { checkSubnet } from './check-subnet.ts'
import type { Network, NetworkIntent } from './model.ts'
import { presences } from './place.ts'

/** Everything that is wrong with an intent: networks, then subnets, then ports, each in the order of ids. */
export function validate(intent: NetworkIntent, { infrastructure }: Facts): readonly Finding[] {
  const present = new Map(presences(intent, infrastructure).map((one) => [one.network.id, one]))
  const everywhere = mtuBudget(infrastructure.servers.values())
  const sameVni = Map.groupBy(intent.networks.values(), ({ vni }) => vni)
  const siblings = Map.groupBy(intent.subnets, ({ networkId }) => networkId)
  const index = indexPorts(intent)

  const checkNetwork = (network: Network): readonly Finding[] => {
    const presence = present.get(network.id)
    const used = presence?.servers.map(({ server }) => server) ?? []
    return [
      ...checkVni(network, sameVni.get(network.vni) ?? []),
      ...checkLeastMtu(network, siblings.get(network.id) ?? []),
      ...checkMtuBudget(network, used, everywhere),
      ...(presence ? checkWays(presence) : []),
    ]
  }

  return [
    ...[...intent.networks.values()].flatMap(checkNetwork),
    ...intent.subnets.flatMap((one) =>
      checkSubnet(one, intent.networks.get(one.networkId), siblings.get(one.networkId) ?? []),
    ),
    ...intent.ports.flatMap((one) => checkPort(one, intent, index, infrastructure)),
  ]
}
