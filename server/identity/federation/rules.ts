import { ROLES, type Role } from '#server/contract/rights.ts'
import type { Attributes, Condition, Granted, Rule, RuleGround } from './ports.ts'

type RoleRule = Extract<Rule['then'], { give: 'role' }>
type Place = { readonly tenantId: string | null; readonly siteId: string | null }

const EVERYWHERE: Place = { tenantId: null, siteId: null }

function fits({ attribute, operator, value }: Condition, attributes: Attributes): boolean {
  // What a provider calls its attributes is its own business: `constructor` is a name like any other.
  const values = Object.hasOwn(attributes, attribute) ? (attributes[attribute] ?? []) : []
  if (operator === 'present') return values.some((one) => one !== '')
  // Every text begins and ends with nothing: a condition that lost its value must not fit everybody.
  if (value === undefined || value === '') return false
  if (operator === 'is') return values.includes(value)
  return values.some((one) => (operator === 'starts-with' ? one.startsWith(value) : one.endsWith(value)))
}

/** Whether somebody fits a rule. One without conditions fits everybody whom the provider vouches for. */
export const appliesTo = ({ when }: Rule, attributes: Attributes): boolean =>
  when.every((condition) => fits(condition, attributes))

/** A place that a rule names, by name or id; `because` when it is not there or cannot be given. */
function placeOf({ tenant, site }: RoleRule, ground: RuleGround): Place | { readonly because: string } {
  if (tenant !== undefined && site !== undefined)
    return { because: 'It names a tenant and a site: a role counts at one place.' }
  const named = (list: RuleGround['tenants'], name: string) =>
    list.find((one) => one.name === name || one.id === name)?.id
  if (ground.tenantId !== null) {
    if (site !== undefined) return { because: 'A tenant’s provider gives roles in that tenant alone, not at a site.' }
    if (tenant !== undefined && named(ground.tenants, tenant) !== ground.tenantId)
      return { because: `A tenant’s provider gives roles in that tenant alone, not in ${tenant}.` }
    return { tenantId: ground.tenantId, siteId: null }
  }
  if (tenant !== undefined) {
    const tenantId = named(ground.tenants, tenant)
    return tenantId === undefined ? { because: `There is no tenant ${tenant}.` } : { tenantId, siteId: null }
  }
  if (site === undefined) return EVERYWHERE
  const siteId = named(ground.sites, site)
  return siteId === undefined ? { because: `There is no site ${site}.` } : { tenantId: null, siteId }
}

const isBuiltin = (role: string): role is Role => (ROLES as readonly string[]).includes(role)

/** Why a role cannot be had at a place; undefined: it can. */
function obstacle(role: string, { tenantId }: Place, ground: RuleGround): string | undefined {
  if (isBuiltin(role)) {
    const ofTenants = role.startsWith('tenant-')
    if (ofTenants && tenantId === null) return `The role ${role} is held inside a tenant, and the rule names none.`
    if (!ofTenants && ground.tenantId !== null)
      return `The role ${role} is the installation’s: a tenant’s provider cannot give it.`
    return undefined
  }
  const made = ground.roles.filter(({ name }) => name === role)
  if (made.length === 0) return `There is no role ${role}.`
  return made.some((one) => one.tenantId === null || one.tenantId === tenantId)
    ? undefined
    : `The role ${role} is one of another tenant.`
}

type Outcome =
  | { readonly role: { readonly role: string } & Place }
  | { readonly group: string }
  | { readonly because: string }

function outcomeOf(then: Exclude<Rule['then'], { give: 'nothing' }>, ground: RuleGround): Outcome {
  if (then.give === 'group') {
    const group = ground.groups.find(({ name }) => name === then.group)
    if (!group) return { because: `There is no group ${then.group}.` }
    return group.outside && ground.tenantId !== null
      ? { because: `The group ${then.group} holds a role outside of the tenant, which its provider cannot give.` }
      : { group: then.group }
  }
  const place = placeOf(then, ground)
  if ('because' in place) return place
  const because = obstacle(then.role, place, ground)
  return because === undefined ? { role: { role: then.role, ...place } } : { because }
}

const NOTHING: Granted = { roles: [], groups: [], keptOut: null, ignored: [] }

/**
 * What the rules make of somebody with these attributes. All rules that fit count, in order; one that gives nothing keeps
 * out whatever the others give. What a provider may not give, or is not there, is ignored and says why.
 */
export function evaluate(rules: readonly Rule[], attributes: Attributes, ground: RuleGround): Granted {
  const roles = new Map<string, Granted['roles'][number]>()
  const groups = new Map<string, Granted['groups'][number]>()
  const ignored: Granted['ignored'][number][] = []
  for (const [rule, one] of rules.entries()) {
    if (!appliesTo(one, attributes)) continue
    if (one.then.give === 'nothing') return { ...NOTHING, keptOut: rule, ignored }
    const outcome = outcomeOf(one.then, ground)
    if ('because' in outcome) ignored.push({ rule, because: outcome.because })
    else if ('group' in outcome && !groups.has(outcome.group)) groups.set(outcome.group, { ...outcome, rule })
    else if ('role' in outcome) {
      const { role, tenantId, siteId } = outcome.role
      const key = JSON.stringify([role, tenantId, siteId])
      if (!roles.has(key)) roles.set(key, { ...outcome.role, rule })
    }
  }
  return { ...NOTHING, roles: [...roles.values()], groups: [...groups.values()], ignored }
}

/** Whether the rules give somebody nothing at all: they may hold what people here gave them, else they are kept out. */
export const givesNothing = ({ roles, groups }: Granted): boolean => roles.length === 0 && groups.length === 0
