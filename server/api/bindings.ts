import type { Binding } from '#server/contract/access.ts'
import type { Place } from '#server/identity/access.ts'
import { nameOfPlace } from '#server/identity/access.ts'
import { checkPlace, mustHold, placeWithin } from '#server/identity/grants.ts'
import type { AccountStore } from '#server/identity/ports.ts'
import { bindingView } from '#server/inventory/binding-rows.ts'
import type { BindingStore, Holder } from '#server/inventory/bindings.ts'
import type { RoleStore } from '#server/inventory/roles.ts'
import { api, type SignedInContext } from './door.ts'

export interface BindingParts {
  readonly bindings: BindingStore
  readonly roles: Pick<RoleStore, 'named'>
}

/** A role to give, and where. */
interface Wish {
  readonly role: string
  readonly tenantId: string | null
  readonly siteId: string | null
}

const said = ({ role, ...place }: { role: string } & Place) => `${role}, ${nameOfPlace(place)}`

/** Gives a role to a holder that was found. Throws `Refusal` for one that its giver does not hold, or that cannot be had there. */
export async function giveRole(
  { bindings, roles }: BindingParts,
  context: SignedInContext,
  { holder, tenantId }: { holder: Holder; tenantId: string | null },
  wish: Wish,
): Promise<Binding> {
  const place = placeWithin(context.scope, wish)
  const role = await roles.named(context.scope, wish.role, place.tenantId)
  context.note.detail = role.name
  checkPlace(role, place, tenantId)
  mustHold(context.caller, role.rights, place, '/role')
  const given = bindingView(await bindings.give(context.scope, holder, role, place))
  Object.assign(context.note, {
    detail: said(given),
    after: given,
    ...(given.tenantId && { tenantId: given.tenantId }),
  })
  return given
}

/** Takes a role from a holder that was found. Throws `Refusal` for one that its taker does not hold. */
export async function takeRole(
  { bindings }: Pick<BindingParts, 'bindings'>,
  context: SignedInContext,
  holder: Holder,
  id: string,
): Promise<void> {
  const binding = await bindings.get(context.scope, holder, id)
  const { tenantId } = binding
  Object.assign(context.note, { detail: said(binding), before: bindingView(binding), ...(tenantId && { tenantId }) })
  mustHold(context.caller, binding.rights, binding, '/binding')
  await bindings.take(context.scope, holder, id)
}

/** Roles of people. */
export function bindingHandlers(parts: BindingParts & { readonly accounts: Pick<AccountStore, 'get'> }) {
  return {
    give: api.bindings.give.handler(async ({ input, context }) => {
      const { id, ...wish } = input
      context.note.subject = `user/${id}`
      const { tenantId } = await parts.accounts.get(context.scope, id)
      return giveRole(parts, context, { holder: { accountId: id }, tenantId }, wish)
    }),
    take: api.bindings.take.handler(async ({ input, context }) => {
      context.note.subject = `user/${input.id}`
      await takeRole(parts, context, { accountId: input.id }, input.binding)
    }),
  }
}
