import { describe, expect, test } from 'vitest'
import type { Condition, Rule, RuleGround } from '#server/identity/federation/ports.ts'
import { appliesTo, evaluate, givesNothing } from '#server/identity/federation/rules.ts'

const RED = '0190a0a0-0000-7000-8000-000000000001'
const BLUE = '0190a0a0-0000-7000-8000-000000000002'
const LAB = '0190a0a0-0000-7000-8000-000000000003'

const ground = (tenantId: string | null): RuleGround => ({
  tenantId,
  tenants: [
    { id: RED, name: 'red' },
    { id: BLUE, name: 'blue' },
  ],
  sites: [{ id: LAB, name: 'lab' }],
  roles: [
    { name: 'reader', tenantId: null },
    { name: 'red-planner', tenantId: RED },
  ],
  groups: [
    { name: 'night-shift', outside: false },
    { name: 'wide', outside: true },
  ],
})
const INSTALLATION = ground(null)
const OF_RED = ground(RED)

const everybody = (then: Rule['then']): Rule => ({ when: [], then })
const role = (name: string, where: { tenant?: string; site?: string } = {}) =>
  everybody({ give: 'role', role: name, ...where })

describe('conditions', () => {
  const attributes = { groups: ['noc-admins', 'tenant-a'], mail: ['alice@tenant-a.example'], empty: [], blank: [''] }
  test.each<[boolean, Condition]>([
    [true, { attribute: 'groups', operator: 'is', value: 'tenant-a' }],
    [false, { attribute: 'groups', operator: 'is', value: 'Tenant-A' }],
    [false, { attribute: 'groups', operator: 'is', value: 'tenant' }],
    [true, { attribute: 'groups', operator: 'starts-with', value: 'noc-' }],
    [true, { attribute: 'mail', operator: 'ends-with', value: '@tenant-a.example' }],
    [false, { attribute: 'mail', operator: 'ends-with', value: '@tenant-b.example' }],
    [false, { attribute: 'mail', operator: 'ends-with', value: '' }],
    [false, { attribute: 'mail', operator: 'starts-with' }],
    [false, { attribute: 'mail', operator: 'is' }],
    [true, { attribute: 'mail', operator: 'present' }],
    [false, { attribute: 'empty', operator: 'present' }],
    [false, { attribute: 'blank', operator: 'present' }],
    [false, { attribute: 'constructor', operator: 'present' }],
    [false, { attribute: '__proto__', operator: 'present' }],
  ])('%s: %o', (expected, condition) => {
    expect(appliesTo({ when: [condition], then: { give: 'nothing' } }, attributes)).toBe(expected)
  })

  test('all of a rule must hold, and a rule without any holds for everybody', () => {
    const both: Condition[] = [
      { attribute: 'groups', operator: 'is', value: 'tenant-a' },
      { attribute: 'groups', operator: 'is', value: 'nobody' },
    ]
    expect(appliesTo({ when: both, then: { give: 'nothing' } }, attributes)).toBe(false)
    expect(appliesTo({ when: [], then: { give: 'nothing' } }, {})).toBe(true)
  })
})

describe('a provider of the installation', () => {
  test('gives roles everywhere, in a tenant and at a site, each with the rule that gives it', () => {
    const rules = [
      role('auditor'),
      role('tenant-member', { tenant: 'red' }),
      role('operator', { site: 'lab' }),
      role('reader'),
    ]
    expect(evaluate(rules, {}, INSTALLATION)).toEqual({
      roles: [
        { role: 'auditor', tenantId: null, siteId: null, rule: 0 },
        { role: 'tenant-member', tenantId: RED, siteId: null, rule: 1 },
        { role: 'operator', tenantId: null, siteId: LAB, rule: 2 },
        { role: 'reader', tenantId: null, siteId: null, rule: 3 },
      ],
      ...{ groups: [], keptOut: null, ignored: [] },
    })
  })

  test('may name a tenant by its id, and gives the same only once', () => {
    const { roles } = evaluate(
      [role('tenant-member', { tenant: RED }), role('tenant-member', { tenant: 'red' })],
      {},
      INSTALLATION,
    )
    expect(roles).toEqual([{ role: 'tenant-member', tenantId: RED, siteId: null, rule: 0 }])
  })

  test.each([
    [role('nobody'), 'There is no role nobody.'],
    [role('tenant-member'), 'The role tenant-member is held inside a tenant, and the rule names none.'],
    [
      role('tenant-member', { site: 'lab' }),
      'The role tenant-member is held inside a tenant, and the rule names none.',
    ],
    [role('auditor', { tenant: 'green' }), 'There is no tenant green.'],
    [role('auditor', { site: 'moon' }), 'There is no site moon.'],
    [role('auditor', { tenant: 'red', site: 'lab' }), 'It names a tenant and a site: a role counts at one place.'],
    [role('red-planner', { tenant: 'blue' }), 'The role red-planner is one of another tenant.'],
    [role('red-planner'), 'The role red-planner is one of another tenant.'],
    [everybody({ give: 'group', group: 'nobody' }), 'There is no group nobody.'],
  ])('ignores %o', (rule, because) => {
    const granted = evaluate([rule], {}, INSTALLATION)
    expect(granted).toEqual({ roles: [], groups: [], keptOut: null, ignored: [{ rule: 0, because }] })
    expect(givesNothing(granted)).toBe(true)
  })
})

describe('a tenant’s provider', () => {
  test('gives roles and groups of that tenant, whether the rule names it or not', () => {
    const rules = [
      role('tenant-administrator'),
      role('tenant-member', { tenant: 'red' }),
      role('red-planner'),
      role('reader'),
      everybody({ give: 'group', group: 'night-shift' }),
    ]
    const { roles, groups, ignored } = evaluate(rules, {}, OF_RED)
    expect(new Set(roles.map(({ tenantId, siteId }) => `${tenantId} ${siteId}`))).toEqual(new Set([`${RED} null`]))
    expect(roles.map(({ role }) => role)).toEqual(['tenant-administrator', 'tenant-member', 'red-planner', 'reader'])
    expect(groups).toEqual([{ group: 'night-shift', rule: 4 }])
    expect(ignored).toEqual([])
  })

  test.each([
    [role('operator'), 'The role operator is the installation’s: a tenant’s provider cannot give it.'],
    [role('auditor', { tenant: 'red' }), 'The role auditor is the installation’s: a tenant’s provider cannot give it.'],
    [role('tenant-member', { tenant: 'blue' }), 'A tenant’s provider gives roles in that tenant alone, not in blue.'],
    [role('tenant-member', { tenant: BLUE }), `A tenant’s provider gives roles in that tenant alone, not in ${BLUE}.`],
    [role('tenant-member', { site: 'lab' }), 'A tenant’s provider gives roles in that tenant alone, not at a site.'],
    [
      everybody({ give: 'group', group: 'wide' }),
      'The group wide holds a role outside of the tenant, which its provider cannot give.',
    ],
  ])('never gives anything elsewhere: %o', (rule, because) => {
    expect(evaluate([rule], {}, OF_RED)).toEqual({
      roles: [],
      groups: [],
      keptOut: null,
      ignored: [{ rule: 0, because }],
    })
  })
})

describe('a rule that gives nothing', () => {
  test('keeps out whatever the others give', () => {
    const leaver: Rule = { when: [{ attribute: 'left', operator: 'present' }], then: { give: 'nothing' } }
    const rules = [role('operator'), leaver]
    expect(evaluate(rules, { left: ['yes'] }, INSTALLATION)).toMatchObject({ roles: [], groups: [], keptOut: 1 })
    expect(evaluate(rules, {}, INSTALLATION)).toMatchObject({ roles: [{ role: 'operator' }], keptOut: null })
  })
})
