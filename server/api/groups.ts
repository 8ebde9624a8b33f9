import { mustOutrank, ownerWithin } from '#server/identity/grants.ts'
import type { AccountStore } from '#server/identity/ports.ts'
import { GROUP_FIELDS, type GroupStore, MEMBER_FIELDS } from '#server/inventory/groups.ts'
import { readList } from '#server/inventory/list.ts'
import { brokenRules } from '#server/kernel/refusal.ts'
import { type BindingParts, giveRole, takeRole } from './bindings.ts'
import { api, type SignedInContext } from './door.ts'
import { revisionOf } from './intent.ts'

export interface GroupParts extends BindingParts {
  readonly groups: GroupStore
  readonly accounts: Pick<AccountStore, 'get'>
}

/** What belongs to a tenant is never a member of what is wider than the tenant. */
function checkMember(group: { tenantId: string | null }, member: { tenantId: string | null; name: string }): void {
  if (member.tenantId === null || member.tenantId === group.tenantId) return
  throw brokenRules([
    {
      ...{
        pointer: '/userId',
        rule: 'group.tenant',
        message: `${member.name} belongs to a tenant, and the group does not.`,
      },
      mend: 'Choose a group of that tenant.',
    },
  ])
}

/** Groups of people, who hold what their group holds. */
export function groupHandlers(parts: GroupParts) {
  const { groups, accounts, bindings } = parts
  const found = async (context: SignedInContext, id: string) => {
    const group = await groups.get(context.scope, id)
    const { tenantId, name } = group
    Object.assign(context.note, { subject: `group/${id}`, detail: name, ...(tenantId && { tenantId }) })
    return group
  }
  /** Who puts people in a group, or takes them out, gives or takes all that it holds: also what they cannot see. */
  const governed = async (context: SignedInContext, id: string) => {
    const group = await found(context, id)
    mustOutrank(context.caller, await bindings.ofGroup(id))
    return group
  }
  return {
    list: api.groups.list.handler(({ input, context }) => groups.list(context.scope, readList(input, GROUP_FIELDS))),
    get: api.groups.get.handler(({ input, context }) => groups.get(context.scope, input.id)),
    create: api.groups.create.handler(async ({ input, context }) => {
      context.note.detail = input.name
      const tenantId = ownerWithin(context.scope, input.tenantId)
      const group = await groups.create(context.scope, { name: input.name, tenantId })
      Object.assign(context.note, { subject: `group/${group.id}`, after: group, ...(tenantId && { tenantId }) })
      return group
    }),
    rename: api.groups.rename.handler(async ({ input, context }) => {
      context.note.before = await found(context, input.id)
      const group = await groups.rename(context.scope, input.id, revisionOf(context), input.name)
      context.note.after = group
      return group
    }),
    remove: api.groups.remove.handler(async ({ input, context }) => {
      context.note.before = await governed(context, input.id)
      await groups.remove(context.scope, input.id, revisionOf(context))
    }),
    members: api.groups.members.handler(({ input, context }) => {
      const { id, ...query } = input
      return groups.members(context.scope, id, readList(query, MEMBER_FIELDS))
    }),
    add: api.groups.add.handler(async ({ input, context }) => {
      const group = await governed(context, input.id)
      const member = await accounts.get(context.scope, input.userId)
      context.note.detail = `${member.name} in ${group.name}`
      checkMember(group, member)
      await groups.add(context.scope, input.id, input.userId)
    }),
    drop: api.groups.drop.handler(async ({ input, context }) => {
      const group = await governed(context, input.id)
      const member = await accounts.get(context.scope, input.userId)
      context.note.detail = `${member.name} out of ${group.name}`
      await groups.drop(context.scope, input.id, input.userId)
    }),
    give: api.groups.give.handler(async ({ input, context }) => {
      const { id, ...wish } = input
      const { tenantId } = await found(context, id)
      return giveRole(parts, context, { holder: { groupId: id }, tenantId }, wish)
    }),
    take: api.groups.take.handler(async ({ input, context }) => {
      await found(context, input.id)
      await takeRole(parts, context, { groupId: input.id }, input.binding)
    }),
  }
}
