import type { Port } from '#server/contract/networks.ts'
import { readList } from '#server/inventory/list.ts'
import type { PortWriter } from '#server/inventory/ports.ts'
import { type NetworkViews, PORT_FIELDS, type PortView } from '#server/inventory/views.ts'
import { api } from './door.ts'
import { type IntentParts, pictured, revisionOf, scopeOf, settle, stateOf, writerOf } from './intent.ts'

export interface PortParts extends IntentParts {
  readonly views: NetworkViews
  readonly ports: PortWriter
}

/** Ports of tenant networks. */
export function portHandlers(parts: PortParts) {
  const { views, ports, observed } = parts
  const show = ({ drafted, ...port }: PortView, inDraft: boolean): Port => ({
    ...port,
    state: stateOf(drafted, inDraft, () => observed.portState(port.id)),
    spoofed: observed.spoofed(port.id),
  })
  return {
    list: api.ports.list.handler(async ({ input, context }) => {
      const { change, networkId, ...query } = input
      const request = readList(query, PORT_FIELDS)
      const { items, next } = await views.ports(scopeOf(context), request, { networkId, change })
      return { items: items.map((item) => show(item, true)), next }
    }),
    get: api.ports.get.handler(async ({ input, context }) =>
      show(await views.port(scopeOf(context), input.id, input.change), true),
    ),
    create: api.ports.create.handler(async ({ input, context }) => {
      const { change, ...port } = input
      const written = await ports.createPort(writerOf(context, change), port)
      return settle(parts, context, 'port', written, async (within, inDraft) =>
        show(await views.port(scopeOf(context), written.id, within), inDraft),
      )
    }),
    update: api.ports.update.handler(async ({ input, context }) => {
      const { id, change, ...patch } = input
      context.note.before = pictured(await views.port(scopeOf(context), id, change))
      const written = await ports.updatePort(writerOf(context, change), id, revisionOf(context), patch)
      return settle(parts, context, 'port', written, async (within, inDraft) =>
        show(await views.port(scopeOf(context), id, within), inDraft),
      )
    }),
    remove: api.ports.remove.handler(async ({ input, context }) => {
      context.note.before = pictured(await views.port(scopeOf(context), input.id, input.change))
      const written = await ports.removePort(writerOf(context, input.change), input.id, revisionOf(context))
      return settle(parts, context, 'port', written, async () => null)
    }),
  }
}
