import type { RoleRecord } from '#server/contract/access.ts'
import { mustHold, mustHoldEach, ownerWithin } from '#server/identity/grants.ts'
import { readList } from '#server/inventory/list.ts'
import { ROLE_FIELDS, type RoleStore } from '#server/inventory/roles.ts'
import { api, type SignedInContext } from './door.ts'
import { revisionOf } from './intent.ts'

/** Roles: those in code, and those that are made of rights that one holds oneself. */
export function roleHandlers(roles: RoleStore) {
  const placeOf = ({ tenantId }: Pick<RoleRecord, 'tenantId'>) => ({ tenantId, siteId: null })
  /** Whoever changes a role must hold what it gives, or would take from the stronger. */
  const own = async (context: SignedInContext, id: string) => {
    const role = await roles.get(context.scope, id)
    Object.assign(context.note, { subject: `role/${id}`, detail: role.name, before: role })
    mustHold(context.caller, role.rights, placeOf(role), '/id')
    return role
  }
  return {
    list: api.roles.list.handler(({ input, context }) => roles.list(context.scope, readList(input, ROLE_FIELDS))),
    create: api.roles.create.handler(async ({ input, context }) => {
      const { name, words, rights } = input
      context.note.detail = name
      const tenantId = ownerWithin(context.scope, input.tenantId)
      mustHoldEach(context.caller, rights, placeOf({ tenantId }), '/rights')
      const role = await roles.create(context.scope, { name, words, tenantId, rights: [...new Set(rights)] })
      Object.assign(context.note, { subject: `role/${role.id}`, after: role, ...(tenantId && { tenantId }) })
      return role
    }),
    update: api.roles.update.handler(async ({ input, context }) => {
      const { id, words, rights } = input
      const held = await own(context, id)
      if (rights) mustHoldEach(context.caller, rights, placeOf(held), '/rights')
      const patch = { words, rights: rights && [...new Set(rights)] }
      const role = await roles.update(context.scope, id, revisionOf(context), patch)
      context.note.after = role
      return role
    }),
    remove: api.roles.remove.handler(async ({ input, context }) => {
      await own(context, input.id)
      await roles.remove(context.scope, input.id, revisionOf(context))
    }),
  }
}
