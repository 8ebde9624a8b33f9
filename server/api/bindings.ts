import type { Binding } from '#server/contract/access.ts'
import type { Place } from '#server/identity/access.ts'
import { nameOfPlace } from '#server/identity/access.ts'
import { conditionWords, isConditional } from '#server/identity/context/conditions.ts'
import { formatHours, parseHours } from '#server/identity/context/hours.ts'
import { checkPlace, mustHold, placeWithin } from '#server/identity/grants.ts'
import type { AccountStore, Conditions } from '#server/identity/ports.ts'
import { bindingView } from '#server/inventory/binding-rows.ts'
import type { BindingStore, Holder } from '#server/inventory/bindings.ts'
import type { RoleStore } from '#server/inventory/roles.ts'
import { parsePrefix } from '#server/kernel/prefix.ts'
import { brokenRules, type RefusalDetail } from '#server/kernel/refusal.ts'
import { api, type SignedInContext } from './door.ts'

export interface BindingParts {
  readonly bindings: BindingStore
  readonly roles: Pick<RoleStore, 'named'>
}

/** A role to give, and where. */
interface Wish extends Conditions {
  readonly role: string
  readonly tenantId: string | null
  readonly siteId: string | null
}

const said = ({ role, from, hours, ...place }: { role: string } & Place & Conditions) =>
  [role, nameOfPlace(place), conditionWords({ from, hours })].filter((words) => words !== '').join(', ')

const refuse = (pointer: string, rule: string, message: string, mend: string) =>
  brokenRules([{ pointer, rule, message, mend }])

/** Conditions in the one form that is kept. Throws `Refusal` (`rule`) for what is none. */
function conditionsOf({ from, hours }: Conditions): Conditions {
  const faults = from.flatMap((text, at): RefusalDetail[] => {
    const read = parsePrefix(text)
    if (read.ok) return []
    return [
      { pointer: `/from/${at}`, rule: 'binding.from', message: `${text} is no prefix.`, mend: `Write ${read.error}.` },
    ]
  })
  const read = hours === null ? null : parseHours(hours)
  if (read && !read.ok)
    faults.push({
      ...{ pointer: '/hours', rule: 'binding.hours', message: `${hours} are no hours.` },
      mend: `Write ${read.error}.`,
    })
  if (faults.length > 0) throw brokenRules(faults)
  return { from: [...new Set(from)].sort(), hours: read?.ok ? formatHours(read.value) : null }
}

/** Gives a role to a holder that was found. Throws `Refusal` for one that its giver does not hold, or that cannot be had there. */
export async function giveRole(
  { bindings, roles }: BindingParts,
  context: SignedInContext,
  { holder, tenantId, breakGlass = false }: { holder: Holder; tenantId: string | null; breakGlass?: boolean },
  wish: Wish,
): Promise<Binding> {
  const conditions = conditionsOf(wish)
  if (breakGlass && isConditional(conditions))
    throw refuse(
      ...(['', 'binding.break-glass', 'What a break-glass account holds counts from everywhere, always.'] as const),
      'Leave the conditions out, or give the role to another account.',
    )
  const place = placeWithin(context.scope, wish)
  const role = await roles.named(context.scope, wish.role, place.tenantId)
  context.note.detail = role.name
  checkPlace(role, place, tenantId)
  mustHold(context.caller, role.rights, place, '/role', conditions)
  const given = bindingView(await bindings.give(context.scope, holder, role, place, conditions))
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
  mustHold(context.caller, binding.rights, binding, '/binding', binding)
  await bindings.take(context.scope, holder, id)
}

/** Roles of people. */
export function bindingHandlers(parts: BindingParts & { readonly accounts: Pick<AccountStore, 'get'> }) {
  return {
    give: api.bindings.give.handler(async ({ input, context }) => {
      const { id, ...wish } = input
      context.note.subject = `user/${id}`
      const { tenantId, breakGlass } = await parts.accounts.get(context.scope, id)
      return giveRole(parts, context, { holder: { accountId: id }, tenantId, breakGlass }, wish)
    }),
    take: api.bindings.take.handler(async ({ input, context }) => {
      context.note.subject = `user/${input.id}`
      await takeRole(parts, context, { accountId: input.id }, input.binding)
    }),
  }
}
