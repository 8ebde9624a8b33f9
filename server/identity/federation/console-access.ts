import { accessOf } from '../access.ts'
import type { AccountRecord, Binding } from '../ports.ts'
import type { Caller } from '../sessions.ts'
import type { ConsoleRecord, Membership, Released } from './console-ports.ts'

const countsIn = (console: Pick<ConsoleRecord, 'tenantId'>, { tenantId, siteId }: Binding) =>
  siteId === null && (tenantId === null || tenantId === console.tenantId)

/** Whether somebody may use a console: a tenant's is for those whose rights reach into that tenant, any other for everybody. */
export const mayUse = (console: Pick<ConsoleRecord, 'tenantId'>, account: Pick<AccountRecord, 'bindings'>): boolean =>
  console.tenantId === null || account.bindings.some((binding) => countsIn(console, binding))

/** Where somebody is to a console: in its tenant, or, where it has none, where they work at the moment. */
function placeOf(console: ConsoleRecord, { account, access }: Caller) {
  if (console.tenantId === null) return access
  return { ...accessOf(account.bindings, console), tenantId: console.tenantId, tenantName: console.tenantName }
}

/**
 * What a console is told of somebody: what was chosen for it, and that only as far as it concerns the console. What they
 * are to other tenants is nobody's business there.
 */
export function attributesFor(
  console: ConsoleRecord,
  caller: Caller,
  memberships: readonly Membership[],
): Readonly<Record<string, readonly string[]>> {
  const { account } = caller
  const place = placeOf(console, caller)
  const groups = memberships.filter(({ tenantId }) => tenantId === null || tenantId === place.tenantId)
  const known: Record<Released, readonly (string | null)[]> = {
    name: [account.name],
    displayName: [account.displayName],
    email: [account.email],
    roles: place.bindings.map(({ role }) => role),
    groups: groups.map(({ name }) => name),
    tenant: [place.tenantName],
  }
  const told = console.release.map((name) => {
    const values = known[name].filter((value) => value !== null && value !== '')
    return [name, [...new Set(values)]] as const
  })
  return Object.fromEntries(told.filter(([, values]) => values.length > 0)) as Record<string, readonly string[]>
}
