import type { InventoryFile } from '#server/contract/inventory.ts'
import { parseEndpoint } from '#server/datapath/connection/endpoint.ts'
import type { Event } from '#server/http/events.ts'
import {
  ATTACHMENT_FIELDS,
  type InfrastructureStore,
  NIC_FIELDS,
  SERVER_FIELDS,
  SITE_FIELDS,
} from '#server/inventory/infrastructure.ts'
import { readList } from '#server/inventory/list.ts'
import { brokenRules, type RefusalDetail } from '#server/kernel/refusal.ts'
import { type Outbound, OutboundRefused } from '#server/outbound/guard.ts'
import { api } from './door.ts'
import { scopeOf } from './intent.ts'

export interface InventoryParts {
  readonly infrastructure: InfrastructureStore
  readonly publish: (event: Event) => void
  readonly outbound: Pick<Outbound, 'require'>
  /** Told after an import that changed something: datapaths may have come or moved. */
  readonly onImported?: () => Promise<void>
}

/** Refuses switches whose databases could never be dialled. */
function requirePlaces({ datapaths }: InventoryFile, outbound: Pick<Outbound, 'require'>): void {
  const refused = datapaths.flatMap(({ ovsdb }, index): RefusalDetail[] => {
    if (ovsdb === 'listen') return []
    const pointer = `/datapaths/${index}/ovsdb`
    try {
      const endpoint = parseEndpoint(ovsdb)
      if (endpoint.type !== 'unix') outbound.require(endpoint)
      return []
    } catch (error) {
      const { message } = error as Error
      if (error instanceof OutboundRefused) return [{ pointer, rule: 'outbound', message, mend: error.mend }]
      return [{ pointer, rule: 'endpoint', message, mend: 'Say where its OVSDB server listens, or `listen`.' }]
    }
  })
  if (refused.length > 0) throw brokenRules(refused)
}

/** Sites, servers, NICs, attachments. */
export function inventoryHandlers({ infrastructure, publish, outbound, onImported }: InventoryParts) {
  return {
    sites: api.inventory.sites.handler(({ input, context }) =>
      infrastructure.sites(scopeOf(context), readList(input, SITE_FIELDS)),
    ),
    servers: api.inventory.servers.handler(({ input, context }) =>
      infrastructure.servers(scopeOf(context), readList(input, SERVER_FIELDS)),
    ),
    server: api.inventory.server.handler(({ input, context }) => infrastructure.server(scopeOf(context), input.id)),
    nics: api.inventory.nics.handler(({ input, context }) =>
      infrastructure.nics(scopeOf(context), readList(input, NIC_FIELDS)),
    ),
    attachments: api.inventory.attachments.handler(({ input, context }) =>
      infrastructure.attachments(scopeOf(context), readList(input, ATTACHMENT_FIELDS)),
    ),
    import: api.inventory.import.handler(async ({ input, context }) => {
      requirePlaces(input, outbound)
      const counts = await infrastructure.import(scopeOf(context), input)
      context.note.detail = `${counts.created} created, ${counts.updated} updated, ${counts.unchanged} unchanged`
      if (counts.created + counts.updated > 0) {
        publish({ topic: 'inventory', kind: 'imported', ref: '', tenantId: null })
        await onImported?.()
      }
      return counts
    }),
  }
}
