import { describe, expect, test } from 'vitest'
import { INSTALLATION_RIGHTS, type Right, ROLE_RIGHTS, type Role, SITE_RIGHTS } from '#server/contract/rights.ts'
import { accessOf } from '#server/identity/access.ts'
import { decide } from '#server/identity/decide.ts'
import { checkPlace, heldAt, mustHold, mustOutrank, ownerWithin, placeWithin } from '#server/identity/grants.ts'
import type { AccountRecord, Binding } from '#server/identity/ports.ts'
import type { Caller } from '#server/identity/sessions.ts'
import { Refusal } from '#server/kernel/refusal.ts'

const RED = '019ab000-0000-7000-8000-00000000000a'
const BLUE = '019ab000-0000-7000-8000-00000000000b'
const LAB = '019ab000-0000-7000-8000-00000000000c'
const EVERYWHERE = { tenantId: null, siteId: null }

const binding = (role: Role, place: Partial<Binding> = {}, rights: readonly Right[] = ROLE_RIGHTS[role]): Binding => ({
  ...{ id: `${role}-binding`, role, rights, tenantId: null, tenantName: null, siteId: null, siteName: null },
  ...{ groupName: null, source: 'local', from: [], hours: null, ...place },
})

function caller(bindings: readonly Binding[], token?: readonly Right[]): Caller {
  const account = { id: 'a', name: 'anna', bindings } as unknown as AccountRecord
  const access = accessOf(bindings)
  const given = token && { token: { id: 't', name: 'ci', rights: new Set(token) } }
  const rights = token ? access.rights.intersection(new Set(token)) : access.rights
  const { tenantId, siteId } = access
  return { account, access, rights, scope: { tenantId, siteId }, idle: [], signals: [], ...given } as unknown as Caller
}

const refused = (work: () => void): { code: string; rule: string | undefined } | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { code: error.code, rule: error.errors[0]?.rule }
  }
}

const operator = caller([binding('operator')])
const administrator = caller([binding('tenant-administrator', { tenantId: RED })])
const siteOperator = caller([binding('operator', { siteId: LAB })])

describe('what somebody holds at a place', () => {
  test('is what counts there, of what they hold there and everywhere', () => {
    expect([...heldAt(operator, EVERYWHERE)].sort()).toEqual([...ROLE_RIGHTS.operator].sort())
    expect(INSTALLATION_RIGHTS.some((right) => heldAt(operator, { tenantId: RED }).has(right))).toBe(false)
    expect([...heldAt(operator, { tenantId: null, siteId: LAB })].sort()).toEqual([...SITE_RIGHTS].sort())
  })

  test('is nothing outside of the one place where they work', () => {
    expect(heldAt(administrator, { tenantId: RED }).has('user.write')).toBe(true)
    for (const place of [{ tenantId: BLUE }, EVERYWHERE, { tenantId: null, siteId: LAB }])
      expect(heldAt(administrator, place).size).toBe(0)
    expect(heldAt(siteOperator, EVERYWHERE).size).toBe(0)
  })

  test('is for a token no more than it was given', () => {
    const token = caller([binding('operator')], ['user.write', 'network.read'])
    expect([...heldAt(token, EVERYWHERE)].sort()).toEqual(['network.read', 'user.write'])
  })
})

describe('giving', () => {
  test.each<[string, Caller, readonly Right[], { tenantId: string | null }, boolean]>([
    ['an operator makes operators', operator, ROLE_RIGHTS.operator, EVERYWHERE, true],
    [
      'a tenant’s administrator makes another',
      administrator,
      ROLE_RIGHTS['tenant-administrator'],
      { tenantId: RED },
      true,
    ],
    ['but not elsewhere', administrator, ROLE_RIGHTS['tenant-member'], { tenantId: BLUE }, false],
    ['nor everywhere', administrator, ROLE_RIGHTS['tenant-member'], EVERYWHERE, false],
    ['nor more than they hold', administrator, ['network.read', 'inventory.read'], { tenantId: RED }, false],
    [
      'nor does a token that lacks it',
      caller([binding('operator')], ['user.write']),
      ['network.read'],
      EVERYWHERE,
      false,
    ],
  ])('%s', (_, who, rights, place, may) => {
    const outcome = refused(() => mustHold(who, rights, place, '/role'))
    expect(outcome).toEqual(may ? undefined : { code: 'forbidden', rule: 'grant.beyond' })
  })

  test('and taking from the stronger are one: nobody changes who holds more', () => {
    const auditor = caller([binding('auditor'), binding('auditor', {}, ['user.write'])])
    expect(refused(() => mustOutrank(auditor, [binding('operator')]))?.rule).toBe('grant.beyond')
    expect(refused(() => mustOutrank(auditor, [binding('auditor')]))).toBeUndefined()
    expect(refused(() => mustOutrank(operator, [binding('operator')]))).toBeUndefined()
  })
})

describe('a place for a role', () => {
  const made = (tenantId: string | null, rights: readonly Right[] = ['network.read']) => ({
    ...{ name: 'reader', rights, builtin: false, tenantId },
  })
  const inCode = (name: Role) => ({ name, rights: ROLE_RIGHTS[name], builtin: true, tenantId: null })

  test.each([
    ['a tenant role needs a tenant', inCode('tenant-member'), EVERYWHERE, null, 'grant.place'],
    ['a tenant’s own role counts in that tenant', made(RED), { tenantId: RED }, null, undefined],
    ['and nowhere else', made(RED), { tenantId: BLUE }, null, 'grant.place'],
    ['not even everywhere', made(RED), EVERYWHERE, null, 'grant.place'],
    ['what is a tenant’s holds nothing outside of it', made(null), EVERYWHERE, RED, 'grant.place'],
    ['nor at a site', inCode('operator'), { tenantId: null, siteId: LAB }, RED, 'grant.place'],
    ['a site takes what can be had there', inCode('operator'), { tenantId: null, siteId: LAB }, null, undefined],
    ['and refuses what gives nothing there', made(null), { tenantId: null, siteId: LAB }, null, 'grant.nothing'],
  ] as const)('%s', (_, role, place, holder, rule) => {
    expect(refused(() => checkPlace(role, place, holder))?.rule).toBe(rule)
  })

  test('is one’s own tenant where none is named, and never another’s', () => {
    expect(ownerWithin({ tenantId: RED }, null)).toBe(RED)
    expect(ownerWithin(EVERYWHERE, null)).toBeNull()
    expect(refused(() => ownerWithin({ tenantId: RED }, BLUE))?.rule).toBe('scope')
    expect(refused(() => ownerWithin({ tenantId: null, siteId: LAB }, null))?.rule).toBe('scope')
    expect(placeWithin({ tenantId: RED }, EVERYWHERE)).toEqual({ tenantId: RED, siteId: null })
    expect(refused(() => placeWithin(EVERYWHERE, { tenantId: RED, siteId: LAB }))?.rule).toBe('grant.place')
  })
})

describe('a decision says why', () => {
  const asked = (right: string, writes = false) => ({ right, writes })

  test('which binding gave the right, and through which group', () => {
    const { allowed, because } = decide(asked('user.write'), administrator)
    expect(allowed).toBe(true)
    expect(because).toContain('tenant-administrator')
    expect(because).toContain('tenant-administrator-binding')
    const member = caller([binding('operator', { groupName: 'night shift' })])
    expect(decide(asked('user.write'), member).because).toContain('night shift')
  })

  test('or what was missing', () => {
    const lacking = decide(asked('key.write'), administrator)
    expect(lacking).toMatchObject({ allowed: false, because: `anna has no role with key.write tenant ${RED}` })
    const token = caller([binding('operator')], ['network.read'])
    expect(decide(asked('network.write'), token).because).toBe('the token ci (t) was not given network.write')
    expect(decide(asked('network.read'), token).because).toContain('the token ci (t) and the role operator')
  })

  test('and that a token is not its person', () => {
    const token = caller([binding('operator')], ROLE_RIGHTS.operator)
    expect(decide(asked('self'), token).allowed).toBe(true)
    expect(decide(asked('self', true), token).allowed).toBe(false)
    expect(decide(asked('self', true), operator).allowed).toBe(true)
    expect(decide(asked('public', true), undefined).allowed).toBe(true)
    expect(decide(asked('self'), undefined).allowed).toBe(false)
    expect(decide({ right: undefined, writes: false }, operator).allowed).toBe(false)
  })
})
