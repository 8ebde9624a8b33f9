import type { Event } from '#server/http/events.ts'
import { readList } from '#server/inventory/list.ts'
import { TENANT_FIELDS, type TenantStore } from '#server/inventory/tenants.ts'
import { api } from './door.ts'
import { revisionOf, scopeOf } from './intent.ts'

export interface TenantParts {
  readonly tenants: TenantStore
  readonly publish: (event: Event) => void
}

/** Tenants and their quotas. */
export function tenantHandlers({ tenants, publish }: TenantParts) {
  const told = (kind: string, id: string) => publish({ topic: 'tenant', kind, ref: id, tenantId: id })
  return {
    list: api.tenants.list.handler(({ input, context }) =>
      tenants.list(scopeOf(context), readList(input, TENANT_FIELDS)),
    ),
    get: api.tenants.get.handler(({ input, context }) => tenants.get(scopeOf(context), input.id)),
    create: api.tenants.create.handler(async ({ input, context }) => {
      const tenant = await tenants.create(scopeOf(context), input)
      Object.assign(context.note, {
        subject: `tenant/${tenant.id}`,
        tenantId: tenant.id,
        detail: tenant.name,
        after: tenant,
      })
      told('created', tenant.id)
      return tenant
    }),
    update: api.tenants.update.handler(async ({ input, context }) => {
      const { id, ...patch } = input
      Object.assign(context.note, { subject: `tenant/${id}`, tenantId: id })
      context.note.before = await tenants.get(scopeOf(context), id)
      const tenant = await tenants.update(scopeOf(context), id, revisionOf(context), patch)
      context.note.after = tenant
      told('updated', id)
      return tenant
    }),
    remove: api.tenants.remove.handler(async ({ input, context }) => {
      Object.assign(context.note, { subject: `tenant/${input.id}`, tenantId: input.id })
      context.note.before = await tenants.get(scopeOf(context), input.id)
      await tenants.remove(scopeOf(context), input.id, revisionOf(context))
      told('removed', input.id)
    }),
  }
}
