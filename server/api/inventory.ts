import type { Event } from '#server/http/events.ts'
import {
  ATTACHMENT_FIELDS,
  type InfrastructureStore,
  NIC_FIELDS,
  SERVER_FIELDS,
  SITE_FIELDS,
} from '#server/inventory/infrastructure.ts'
import { readList } from '#server/inventory/list.ts'
import { api } from './door.ts'
import { scopeOf } from './intent.ts'

export interface InventoryParts {
  readonly infrastructure: InfrastructureStore
  readonly publish: (event: Event) => void
  /** Told after an import that changed something: datapaths may have come or moved. */
  readonly onImported?: () => Promise<void>
}

/** Sites, servers, NICs, attachments. */
export function inventoryHandlers({ infrastructure, publish, onImported }: InventoryParts) {
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
