import type { Network } from '#server/contract/networks.ts'
import { readList } from '#server/inventory/list.ts'
import type { NetworkWriter } from '#server/inventory/networks.ts'
import { NETWORK_FIELDS, type NetworkView, type NetworkViews } from '#server/inventory/views.ts'
import { api } from './door.ts'
import { type IntentParts, pictured, revisionOf, scopeOf, settle, stateOf, writerOf } from './intent.ts'

export interface NetworkParts extends IntentParts {
  readonly views: NetworkViews
  readonly networks: NetworkWriter
}

/** Tenant networks. */
export function networkHandlers(parts: NetworkParts) {
  const { views, networks, observed } = parts
  const show = ({ drafted, ...network }: NetworkView, inDraft: boolean): Network => ({
    ...network,
    state: stateOf(drafted, inDraft, () => observed.networkState(network.id)),
  })
  return {
    list: api.networks.list.handler(async ({ input, context }) => {
      const { change, ...query } = input
      const { items, next } = await views.networks(scopeOf(context), readList(query, NETWORK_FIELDS), change)
      return { items: items.map((item) => show(item, true)), next }
    }),
    get: api.networks.get.handler(async ({ input, context }) =>
      show(await views.network(scopeOf(context), input.id, input.change), true),
    ),
    create: api.networks.create.handler(async ({ input, context }) => {
      const { change, ...network } = input
      const written = await networks.createNetwork(writerOf(context, change), network)
      return settle(parts, context, 'network', written, async (within, inDraft) =>
        show(await views.network(scopeOf(context), written.id, within), inDraft),
      )
    }),
    update: api.networks.update.handler(async ({ input, context }) => {
      const { id, change, ...patch } = input
      context.note.before = pictured(await views.network(scopeOf(context), id, change))
      const written = await networks.updateNetwork(writerOf(context, change), id, revisionOf(context), patch)
      return settle(parts, context, 'network', written, async (within, inDraft) =>
        show(await views.network(scopeOf(context), id, within), inDraft),
      )
    }),
    remove: api.networks.remove.handler(async ({ input, context }) => {
      context.note.before = pictured(await views.network(scopeOf(context), input.id, input.change))
      const written = await networks.removeNetwork(writerOf(context, input.change), input.id, revisionOf(context))
      return settle(parts, context, 'network', written, async () => null)
    }),
  }
}
