import { randomBytes, randomUUID } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Granted, ProviderRecord, SamlSession, SignInRequest, Vouched } from '#server/identity/federation/ports.ts'
import { evaluate } from '#server/identity/federation/rules.ts'
import { accountStore } from '#server/inventory/accounts.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { federatedAccounts } from '#server/inventory/federation.ts'
import { sessionStore } from '#server/inventory/sessions.ts'
import { providerDirectory, samlSessionStore, signInRequestStore } from '#server/inventory/sign-in-requests.ts'
import { tenantStore } from '#server/inventory/tenants.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import './fixture.ts'

let database: TestDatabase
let red: string
let blue: string
beforeAll(async () => {
  database = await startTestDatabase()
  const quotas = { networks: 2, ports: 4 }
  red = (await tenantStore(database).create(EVERYTHING, { name: 'red', quotas })).id
  blue = (await tenantStore(database).create(EVERYTHING, { name: 'blue', quotas })).id
}, 30_000)
afterAll(() => database?.close())

const unique = (word: string) => `${word}-${randomBytes(4).toString('hex')}`

async function provider(
  tenantId: string | null,
  more: { emailDomains?: string[]; state?: string } = {},
): Promise<ProviderRecord> {
  const [id, name] = [uuidv7(), unique('idp')]
  await database.engine.query(
    `INSERT INTO identity_provider (id, name, display_name, tenant_id, protocol, issuer, email_domains, state)
     VALUES ($1, $2, $2, $3, 'saml', $4, $5, $6)`,
    [id, name, tenantId, `https://${name}.example`, more.emailDomains ?? [], more.state ?? 'open'],
  )
  const made = await providerDirectory(database).byId(id)
  if (!made) throw new Error('There is no provider.')
  return made
}

const person = (provider: ProviderRecord, subject: string, name = 'alice'): Vouched => ({
  ...{ provider, subject, name, displayName: 'Alice', email: 'alice@red.example', attributes: {} },
})

const granted = (more: Partial<Granted> = {}): Granted => ({
  roles: [],
  groups: [],
  keptOut: null,
  ignored: [],
  ...more,
})
const member = (tenantId: string | null, role = 'tenant-member') =>
  granted({ roles: [{ role, tenantId, siteId: null, rule: 0 }] })

async function group(name: string, tenantId: string | null, providerId: string | null = null): Promise<string> {
  const id = uuidv7()
  await database.engine.query('INSERT INTO user_group (id, name, tenant_id, provider_id) VALUES ($1, $2, $3, $4)', [
    ...[id, name, tenantId, providerId],
  ])
  return id
}

const bind = (holder: { account?: string; group?: string }, builtin: string, tenantId: string | null) =>
  database.engine.query(
    `INSERT INTO role_binding (id, account_id, group_id, builtin, tenant_id) VALUES ($1, $2, $3, $4, $5)`,
    [uuidv7(), holder.account ?? null, holder.group ?? null, builtin, tenantId],
  )

describe('requests', () => {
  const requests = () => signInRequestStore(database)
  const pending = async (providerId: string, more: Partial<SignInRequest> = {}): Promise<SignInRequest> => {
    const request: SignInRequest = {
      ...{ id: `_${randomUUID()}`, providerId, browserHash: 'b'.repeat(64), purpose: 'sign-in', returnTo: '/networks' },
      ...{ accountId: null, memory: { one: 1 }, expiresAt_ms: Date.now() + 60_000 },
      ...more,
    }
    await requests().insert(request)
    return request
  }

  test('are found until they expire, and are gone once they are answered', async () => {
    const { id: providerId } = await provider(null)
    const request = await pending(providerId)
    expect(await requests().find(request.id, Date.now())).toEqual(request)
    expect(await requests().find(request.id, request.expiresAt_ms)).toBeUndefined()
    expect(await requests().consume(request.id, providerId, request.expiresAt_ms)).toBeUndefined()
    expect(await requests().consume(request.id, providerId, Date.now())).toEqual(request)
    expect(await requests().find(request.id, Date.now())).toBeUndefined()
  })

  test('are not answered by another provider', async () => {
    const [one, other] = [await provider(null), await provider(null)]
    const request = await pending(one.id)
    expect(await requests().consume(request.id, other.id, Date.now())).toBeUndefined()
    expect(await requests().consume(request.id, one.id, Date.now())).toBeDefined()
  })

  test('of eight parallel answers one gets the request', async () => {
    const { id: providerId } = await provider(null)
    const request = await pending(providerId)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => requests().consume(request.id, providerId, Date.now())),
    )
    expect(answers.filter((answer) => answer !== undefined)).toEqual([request])
  })

  test('of eight parallel replays one is the first; another provider may use the same id', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    const expires_ms = Date.now() + 60_000
    const replays = await Promise.all(
      Array.from({ length: 8 }, () => requests().firstTime('assertion', one, '_a', expires_ms)),
    )
    expect(replays.filter((first) => first)).toHaveLength(1)
    expect(await requests().firstTime('assertion', other, '_a', expires_ms)).toBe(true)
    expect(await requests().firstTime('logout', one, '_a', expires_ms)).toBe(true)
  })

  test('and what was seen are forgotten when they have expired', async () => {
    const { id: providerId } = await provider(null)
    const [old, fresh] = [await pending(providerId, { expiresAt_ms: 1000 }), await pending(providerId)]
    await requests().firstTime('assertion', providerId, '_old', 1000)
    await requests().firstTime('assertion', providerId, '_fresh', Date.now() + 60_000)
    expect(await requests().prune(2000)).toBe(1)
    expect(await requests().find(old.id, 500)).toBeUndefined()
    expect(await requests().find(fresh.id, Date.now())).toBeDefined()
    expect(await requests().firstTime('assertion', providerId, '_old', 5000)).toBe(true)
    expect(await requests().firstTime('assertion', providerId, '_fresh', 5000)).toBe(false)
  })
})

describe('providers', () => {
  test('are found by id, name and issuer, and offered by domain and tenant while they are open', async () => {
    const directory = providerDirectory(database)
    const domain = `${unique('red')}.example`
    const open = await provider(red, { emailDomains: [domain] })
    const closed = await provider(red, { emailDomains: [domain], state: 'closed' })
    expect(await directory.byIssuer(open.issuer)).toEqual(open)
    expect(await directory.byName(open.name)).toEqual(open)
    expect(open).toMatchObject({ tenantName: 'red', options: { allowUnsolicited: true, skew_ms: 60_000 } })
    expect(await directory.byId('not an id')).toBeUndefined()
    expect(await directory.offered({ domain })).toEqual([open])
    const offered = await directory.offered({ tenant: 'red' })
    expect(offered.map(({ id }) => id)).toContain(open.id)
    expect(offered.map(({ id }) => id)).not.toContain(closed.id)
    expect(await directory.offered({ tenant: 'nobody' })).toEqual([])
    const ours = await provider(null)
    const ids = (await directory.ofOperators()).map(({ id }) => id)
    expect([ids.includes(ours.id), ids.includes(open.id)]).toEqual([true, false])
  })
})

describe('accounts that a provider vouches for', () => {
  const accounts = () => federatedAccounts(database)

  test('are made at the first sign-in and renewed at the next', async () => {
    const idp = await provider(red)
    const first = await accounts().vouch(person(idp, 's1'), member(red))
    expect(first).toMatchObject({
      ...{ name: 'alice', email: 'alice@red.example', tenantId: red, providerId: idp.id, providerName: idp.name },
      ...{
        passwordHash: null,
        state: 'active',
        bindings: [{ role: 'tenant-member', tenantId: red, source: 'provider' }],
      },
    })
    const again = await accounts().vouch(
      { ...person(idp, 's1'), displayName: 'Alice B.' },
      member(red, 'tenant-administrator'),
    )
    expect(again).toMatchObject({ id: first?.id, displayName: 'Alice B.', revision: 2 })
    expect(again?.bindings).toMatchObject([{ role: 'tenant-administrator' }])
  })

  test('keep the id of a role that stays', async () => {
    const idp = await provider(red)
    const first = await accounts().vouch(person(idp, 's1'), member(red))
    const again = await accounts().vouch(person(idp, 's1'), member(red))
    expect(again).toEqual({ ...first, signedInAt_ms: again?.signedInAt_ms })
  })

  test('of one name get a number, and keep it; those of another provider and those kept here are in nobody’s way', async () => {
    const [idp, other] = [await provider(red), await provider(red)]
    const names = []
    for (const subject of ['s1', 's2', 's3'])
      names.push((await accounts().vouch(person(idp, subject), member(red)))?.name)
    expect(names).toEqual(['alice', 'alice-2', 'alice-3'])
    expect((await accounts().vouch(person(idp, 's2'), member(red)))?.name).toBe('alice-2')
    expect((await accounts().vouch(person(other, 's1'), member(red)))?.name).toBe('alice')
    expect((await accounts().vouch(person(idp, 's3', 'alina'), member(red)))?.name).toBe('alina')
  })

  test('are one account for eight parallel first sign-ins, and eight for eight people of one name', async () => {
    const idp = await provider(red)
    const same = await Promise.all(Array.from({ length: 8 }, () => accounts().vouch(person(idp, 's1'), member(red))))
    expect(new Set(same.map((account) => account?.id)).size).toBe(1)
    const many = await Promise.all(
      Array.from({ length: 8 }, (_, n) => accounts().vouch(person(idp, `t${n}`, 'bob'), member(red))),
    )
    expect(new Set(many.map((account) => account?.name)).size).toBe(8)
  })

  test('lose what the provider gave before, and keep what people gave', async () => {
    const idp = await provider(red)
    const [night, day] = [unique('night'), unique('day')]
    await group(night, red)
    const dayId = await group(day, red)
    const both = granted({ ...member(red), groups: [{ group: night, rule: 0 }] })
    const first = await accounts().vouch(person(idp, 's1'), both)
    const id = first?.id ?? ''
    await bind({ account: id }, 'auditor', null)
    await database.engine.query('INSERT INTO group_member (group_id, account_id) VALUES ($1, $2)', [dayId, id])
    await bind({ group: dayId }, 'tenant-administrator', red)
    const then = await accounts().vouch(person(idp, 's1'), granted({ groups: [{ group: day, rule: 0 }] }))
    expect(then?.bindings.map(({ role, source, groupName }) => [role, source, groupName])).toEqual([
      ['auditor', 'local', null],
      ['tenant-administrator', 'local', day],
    ])
    const { rows } = await database.engine.query('SELECT source FROM group_member WHERE account_id = $1', [id])
    expect(rows).toEqual([{ source: 'local' }])
    await accounts().vouch(person(idp, 's1'), both)
    await accounts().withdraw(idp.id, 's1')
    const left = await accountStore(database).byId(id)
    expect(left?.bindings.map(({ role }) => role)).toEqual(['auditor', 'tenant-administrator'])
  })

  test('are not made for somebody who gets nothing', async () => {
    const idp = await provider(red)
    expect(await accounts().vouch(person(idp, 's1'), granted())).toBeUndefined()
    const made = await accounts().vouch(person(idp, 's1'), member(red))
    expect((await accounts().vouch(person(idp, 's1'), granted()))?.bindings).toEqual([])
    expect((await accountStore(database).byId(made?.id ?? ''))?.bindings).toEqual([])
  })

  test('stay as they are while they are disabled', async () => {
    const idp = await provider(red)
    const made = await accounts().vouch(person(idp, 's1'), member(red))
    await database.engine.query(`UPDATE account SET state = 'disabled' WHERE id = $1`, [made?.id])
    const refused = await accounts().vouch(person(idp, 's1', 'eve'), member(red, 'tenant-administrator'))
    expect(refused).toMatchObject({ name: 'alice', state: 'disabled', bindings: [{ role: 'tenant-member' }] })
  })

  test.each([
    ['a role everywhere', () => member(null, 'operator')],
    ['the operator’s role in the tenant', () => member(red, 'operator')],
    ['a role in another tenant', () => member(blue)],
  ])('are not given %s by a tenant’s provider, even where the rules would', async (_what, wrong) => {
    const idp = await provider(red)
    await expect(accounts().vouch(person(idp, 's1'), wrong())).rejects.toThrow(/row-level security/)
    const { rowCount } = await database.engine.query('SELECT 1 FROM account WHERE provider_id = $1', [idp.id])
    expect(rowCount).toBe(0)
  })

  test('join a group of another tenant, or of another provider, never', async () => {
    const idp = await provider(red)
    const [foreign, pushed] = [unique('foreign'), unique('pushed')]
    await group(foreign, blue)
    await group(pushed, red, (await provider(red)).id)
    const groups = [foreign, pushed].map((name) => ({ group: name, rule: 0 }))
    const made = await accounts().vouch(person(idp, 's1'), granted({ ...member(red), groups }))
    const { rowCount } = await database.engine.query('SELECT 1 FROM group_member WHERE account_id = $1', [made?.id])
    expect(rowCount).toBe(0)
  })

  test('may hold roles that were made: the tenant’s own before one of everybody', async () => {
    const idp = await provider(red)
    const name = unique('planner')
    for (const [tenantId, right] of [
      [null, 'network.read'],
      [red, 'network.write'],
      [blue, 'user.write'],
    ])
      await database.engine.query('INSERT INTO role (id, name, tenant_id, rights) VALUES ($1, $2, $3, $4)', [
        ...[uuidv7(), name, tenantId, [right]],
      ])
    const made = await accounts().vouch(person(idp, 's1'), member(red, name))
    expect(made?.bindings).toMatchObject([{ role: name, rights: ['network.write'], tenantId: red }])
  })

  test('are given what stands on the ground that the rules see', async () => {
    const idp = await provider(red)
    const [own, wide, foreign] = [unique('own'), unique('wide'), unique('foreign')]
    await group(own, red)
    await bind({ group: await group(wide, red) }, 'auditor', null)
    await group(foreign, blue)
    const rules = [
      ...[own, wide, foreign].map((name) => ({ when: [], then: { give: 'group' as const, group: name } })),
      { when: [], then: { give: 'role' as const, role: 'tenant-member', tenant: 'blue' } },
      { when: [], then: { give: 'role' as const, role: 'tenant-member', tenant: 'red' } },
    ]
    const ground = await accounts().ground(idp, rules)
    expect(ground).toEqual({
      ...{ tenantId: red, tenants: [{ id: red, name: 'red' }], sites: [], roles: [] },
      groups: expect.arrayContaining([
        { name: own, outside: false },
        { name: wide, outside: true },
      ]),
    })
    const made = evaluate(rules, {}, ground)
    expect(made.roles).toEqual([{ role: 'tenant-member', tenantId: red, siteId: null, rule: 4 }])
    expect(made.ignored.map(({ rule }) => rule)).toEqual([1, 2, 3])
  })
})

describe('what a provider knows a session by', () => {
  const saml = () => samlSessionStore(database)

  async function session(idp: ProviderRecord, more: Partial<SamlSession> = {}): Promise<SamlSession> {
    const account = await federatedAccounts(database).vouch(person(idp, 's1'), member(red))
    const hash = randomBytes(32).toString('hex')
    await sessionStore(database).insert({
      ...{ hash, id: randomUUID(), accountId: account?.id ?? '', createdAt_ms: 1000, seenAt_ms: 1000, address: '::1' },
      ...{ agent: 'test', method: 'saml', providerId: idp.id, authenticatedAt_ms: 1000, endsAt_ms: null },
      ...{ tenantId: null, siteId: null, provedNetworks: ['this host'], provedAgent: 'test' },
    })
    const kept: SamlSession = {
      ...{
        sessionHash: hash,
        providerId: idp.id,
        sessionIndex: '_i1',
        authnContext: 'urn:password',
        authnInstant_ms: 1000,
        authorities: ['https://behind.example.org'],
        proxyCount: 2,
      },
      nameId: { value: 'alice', format: 'urn:persistent', nameQualifier: 'idp', spNameQualifier: 'sp' },
      ...more,
    }
    await saml().insert(kept)
    return kept
  }

  test('is its name with format and qualifiers, and one of the indices, or any', async () => {
    const idp = await provider(red)
    const one = await session(idp)
    const two = await session(idp, { sessionIndex: '_i2' })
    expect(await saml().ofSession(one.sessionHash)).toEqual(one)
    expect(await saml().find(idp.id, one.nameId, ['_i2', '_i9'])).toEqual([two])
    expect((await saml().find(idp.id, one.nameId, [])).length).toBe(2)
    for (const other of [{ value: 'Alice' }, { format: '' }, { nameQualifier: '' }, { spNameQualifier: 'x' }])
      expect(await saml().find(idp.id, { ...one.nameId, ...other }, [])).toEqual([])
    expect(await saml().find((await provider(red)).id, one.nameId, [])).toEqual([])
  })

  test('goes with the session', async () => {
    const kept = await session(await provider(red))
    await sessionStore(database).remove(kept.sessionHash)
    expect(await saml().ofSession(kept.sessionHash)).toBeUndefined()
  })
})
