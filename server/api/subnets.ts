import { readList } from '#server/inventory/list.ts'
import type { NetworkWriter } from '#server/inventory/networks.ts'
import { type NetworkViews, SUBNET_FIELDS } from '#server/inventory/views.ts'
import { api } from './door.ts'
import { type IntentParts, pictured, revisionOf, scopeOf, settle, writerOf } from './intent.ts'

export interface SubnetParts extends IntentParts {
  readonly views: NetworkViews
  readonly networks: NetworkWriter
}

/** Subnets of tenant networks. */
export function subnetHandlers(parts: SubnetParts) {
  const { views, networks } = parts
  return {
    list: api.subnets.list.handler(({ input, context }) => {
      const { change, networkId, ...query } = input
      return views.subnets(scopeOf(context), readList(query, SUBNET_FIELDS), { networkId, change })
    }),
    create: api.subnets.create.handler(async ({ input, context }) => {
      const { change, ...subnet } = input
      const written = await networks.createSubnet(writerOf(context, change), subnet)
      return settle(parts, context, 'subnet', written, (within) => views.subnet(scopeOf(context), written.id, within))
    }),
    remove: api.subnets.remove.handler(async ({ input, context }) => {
      context.note.before = pictured(await views.subnet(scopeOf(context), input.id, input.change))
      const written = await networks.removeSubnet(writerOf(context, input.change), input.id, revisionOf(context))
      return settle(parts, context, 'subnet', written, async () => null)
    }),
  }
}
