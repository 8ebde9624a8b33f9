import type { Right } from '#server/contract/rights.ts'
import { brokenRules, Refusal } from '#server/kernel/refusal.ts'
import { accessAt, countsAt, isEverywhere, type Place, samePlace } from './access.ts'
import { conditionsWithin, conditionWords, isConditional, UNCONDITIONAL } from './context/conditions.ts'
import type { Binding, Conditions, Whose } from './ports.ts'
import type { Caller } from './sessions.ts'

/** A role as it is given: what it may do, and whose it is. */
export interface GivenRole {
  readonly name: string
  readonly rights: readonly Right[]
  /** One of the roles in code. */
  readonly builtin: boolean
  /** The tenant that made it. */
  readonly tenantId: string | null
}

type Giver = Pick<Caller, 'account' | 'scope' | 'token'>

const placed = ({ tenantId, siteId }: Whose): Place => ({
  ...{ tenantId, tenantName: null, siteId: siteId ?? null, siteName: null },
})

/**
 * What somebody holds at a place, and so may give there. Whoever works at one place acts at that one alone. `under`: only
 * what they hold wherever and whenever these conditions hold; null: what counts in this request.
 */
export function heldAt(
  { account, scope, token }: Giver,
  place: Whose,
  under: Conditions | null = UNCONDITIONAL,
): ReadonlySet<Right> {
  if (!isEverywhere(scope) && !samePlace(scope, place)) return new Set()
  const wide = under ? account.bindings.filter((binding) => conditionsWithin(under, binding)) : account.bindings
  const { rights } = accessAt(wide, placed(place))
  return token ? rights.intersection(token.rights) : rights
}

/** The rights of a role that count at a place. */
export const effectiveAt = (rights: readonly Right[], place: Whose): Right[] =>
  rights.filter((right) => countsAt(right, place))

/** Throws `Refusal` (`forbidden`) where rights are given, or taken, that count at a place and that one does not hold there oneself. */
export function mustHold(
  giver: Giver,
  rights: readonly Right[],
  place: Whose,
  pointer: string,
  under?: Conditions,
): void {
  mustHoldEach(giver, effectiveAt(rights, place), place, pointer, under)
}

/** The same of rights that have no effect at that place too: nobody makes a role of what they lack, wherever that may lead. */
export function mustHoldEach(
  giver: Giver,
  rights: readonly Right[],
  place: Whose,
  pointer: string,
  under: Conditions | null = UNCONDITIONAL,
): void {
  const held = heldAt(giver, place, under)
  const lacking = rights.filter((right) => !held.has(right))
  if (lacking.length === 0) return
  const now = heldAt(giver, place, null)
  if (under && lacking.every((right) => now.has(right))) throw tooWide(giver, under)
  const message = `${giver.account.name} does not hold ${lacking.join(', ')} there, and so cannot give or take it.`
  throw new Refusal('forbidden', message, [
    { pointer, rule: 'grant.beyond', message, mend: 'Ask somebody who holds it, or leave it out.' },
  ])
}

/** It counts now, but not wherever and whenever what is given would. */
function tooWide({ account }: Giver, under: Conditions): Refusal {
  const wide = isConditional(under) ? conditionWords(under) : 'from everywhere and at all times'
  const message = `${account.name} does not hold that ${wide}, and so cannot give or take it.`
  const own = [...new Set(account.bindings.filter(isConditional).map(conditionWords))].join('; or ')
  return new Refusal('forbidden', message, [
    { pointer: '/from', rule: 'grant.conditions', message, mend: `Give it under conditions as narrow as ${own}.` },
  ])
}

/** Throws `Refusal` (`forbidden`) where somebody holds more than the one who would change or remove them. */
export function mustOutrank(giver: Giver, bindings: readonly Binding[]): void {
  for (const binding of bindings) mustHold(giver, binding.rights, binding, '/id', binding)
}

const refuse = (pointer: string, rule: string, message: string, mend: string) =>
  brokenRules([{ pointer, rule, message, mend }])

/** Whose a new object is: one's own tenant's where one works in a tenant. Throws `Refusal` (`forbidden`) for another's. */
export function ownerWithin(scope: Whose, tenantId: string | null): string | null {
  if (isEverywhere(scope)) return tenantId
  if (scope.tenantId !== null && (tenantId ?? scope.tenantId) === scope.tenantId) return scope.tenantId
  throw new Refusal('forbidden', 'That lies outside of where you work.', [
    {
      ...{ pointer: '/tenantId', rule: 'scope', message: 'That lies outside of where you work.' },
      mend: 'Leave the tenant out.',
    },
  ])
}

/** Where a role is to count: at the place that is named, or in one’s own tenant where one works in a tenant. */
export function placeWithin(scope: Whose, { tenantId, siteId }: Whose): Whose {
  if (tenantId !== null && siteId)
    throw refuse('/siteId', 'grant.place', 'A role counts in a tenant or at a site, not both.', 'Name one of them.')
  if (siteId) return { tenantId, siteId }
  return { tenantId: ownerWithin(scope, tenantId), siteId: null }
}

/** Throws `Refusal` (`rule`) where a role cannot be had at a place, or not by whoever belongs to `holderTenantId`. */
export function checkPlace(role: GivenRole, place: Whose, holderTenantId: string | null): void {
  const { name, tenantId: madeBy } = role
  if (role.builtin && name.startsWith('tenant-') && place.tenantId === null)
    throw refuse('/tenantId', 'grant.place', `The role ${name} is held inside a tenant.`, 'Say which tenant.')
  if (madeBy !== null && place.tenantId !== madeBy)
    throw refuse('/role', 'grant.place', `The role ${name} is one of another tenant.`, 'Choose a role of everybody.')
  // Its tenant's administrators, and its tenant's provider, could become whatever it is.
  if (holderTenantId !== null && place.tenantId !== holderTenantId)
    throw refuse(
      ...(['/tenantId', 'grant.place', 'What belongs to a tenant holds roles in that tenant alone.'] as const),
      'Give the role in that tenant, or to an account of the installation.',
    )
  if (effectiveAt(role.rights, place).length === 0)
    throw refuse('/role', 'grant.nothing', `The role ${name} gives nothing there.`, 'Choose another role or place.')
}
