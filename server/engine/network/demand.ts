import type { Demand, Facts, Grants } from '../capability.ts'
import type { Network, NetworkIntent } from './model.ts'
import { type Presence, presences } from './place.ts'

const floodKey = (datapathId: string, network: Network): string => `flood/${datapathId}/${network.id}`
const linkTagKey = (edgeId: string, network: Network): string => `link-tag/${edgeId}/${network.id}`

/** Group numbers end at 0xffffff00; more than this no switch holds. */
const LAST_GROUP = 0xffffff
const LAST_VLAN = 4094

function demandsOf({ network, servers }: Presence): Demand[] {
  const flood = (datapathId: string): Demand => ({
    ...{ key: floodKey(datapathId, network), pool: `group/${datapathId}` },
    ...{ first: 1, last: LAST_GROUP },
  })
  const linkTag = (edgeId: string): Demand => ({
    ...{ key: linkTagKey(edgeId, network), pool: `link-tag/${edgeId}` },
    ...{ first: 1, last: LAST_VLAN },
  })
  return servers.flatMap(({ fabric, edges }) => [
    ...(fabric ? [flood(fabric.id)] : []),
    ...edges.flatMap(({ edge, link }) => [flood(edge.id), ...(link ? [linkTag(edge.id)] : [])]),
  ])
}

/** A flood group for each network on each datapath, and the tag by which an edge and its fabric tell networks apart. */
export const demand = (intent: NetworkIntent, { infrastructure }: Facts): readonly Demand[] =>
  presences(intent, infrastructure).flatMap(demandsOf)

/** The numbers granted for one network. */
export const grantsOf = (network: Network, grants: Grants) => ({
  flood: (datapathId: string): number | undefined => grants.get(floodKey(datapathId, network)),
  linkTag: (edgeId: string): number | undefined => grants.get(linkTagKey(edgeId, network)),
})
export type NetworkGrants = ReturnType<typeof grantsOf>
