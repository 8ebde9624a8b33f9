import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountStore } from '#server/inventory/accounts.ts'
import { bindingStore } from '#server/inventory/bindings.ts'
import { EVERYTHING, type Scope } from '#server/inventory/database.ts'
import { datapathStore } from '#server/inventory/facts.ts'
import { groupStore } from '#server/inventory/groups.ts'
import { infrastructureStore } from '#server/inventory/infrastructure.ts'
import { roleStore } from '#server/inventory/roles.ts'
import { taskStore } from '#server/inventory/tasks.ts'
import { tokenStore } from '#server/inventory/tokens.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { hardware, refusal, site } from './fixture.ts'

let database: TestDatabase
let red: string
let blue: string
beforeAll(async () => {
  database = await startTestDatabase()
  const lab = await site(database)
  red = (await lab.tenant('red')).id
  blue = (await lab.tenant('blue')).id
}, 60_000)
afterAll(() => database?.close())

const ALL = { conditions: [], limit: 100 }
const EVERYWHERE = { tenantId: null, siteId: null }
const accounts = () => accountStore(database)
const roles = () => roleStore(database)
const bindings = () => bindingStore(database)
const groups = () => groupStore(database)

let made = 0
/** An account with a role: a tenant's, or an operator's. */
async function person(tenantId: string | null = null) {
  made += 1
  const role = tenantId === null ? 'operator' : 'tenant-member'
  const name = `person-${made}`
  return accounts().create(EVERYTHING, { name, displayName: name, tenantId, role, passwordHash: 'x' })
}

/** A role for everybody that reads networks. */
const makeRole = async (name: string): Promise<string> => {
  const role = await roles().create(EVERYTHING, { name, words: '', tenantId: null, rights: ['network.read'] })
  return role.id as string
}

const named = (name: string, tenantId: string | null = null) => roles().named(EVERYTHING, name, tenantId)

describe('the last operator', () => {
  test('is not removed, disabled or unbound, by itself or through its group; one of two is', async () => {
    const [first, second] = [await person(), await person()]
    const own = { accountId: second.id }
    await bindings().take(EVERYTHING, own, second.bindings[0]?.id as string)
    const taken = { accountId: first.id }
    const binding = first.bindings[0]?.id as string
    const last = [
      () => accounts().remove(EVERYTHING, first.id),
      () => accounts().update(EVERYTHING, first.id, first.revision, { state: 'disabled' }),
      () => bindings().take(EVERYTHING, taken, binding),
    ]
    for (const work of last)
      expect(await refusal(work())).toMatchObject({ code: 'rule', errors: [{ rule: 'operator.last' }] })
    expect(await accounts().get(EVERYTHING, first.id), 'nothing of it stays').toMatchObject({ state: 'active' })

    const group = await groups().create(EVERYTHING, { name: 'night shift', tenantId: null })
    await bindings().give(EVERYTHING, { groupId: group.id }, await named('operator'), EVERYWHERE)
    await groups().add(EVERYTHING, group.id, second.id)
    await bindings().take(EVERYTHING, taken, binding)
    const through = [
      () => groups().drop(EVERYTHING, group.id, second.id),
      () => groups().remove(EVERYTHING, group.id, group.revision),
      () => accounts().remove(EVERYTHING, second.id),
    ]
    for (const work of through) expect(await refusal(work())).toMatchObject({ errors: [{ rule: 'operator.last' }] })
    await bindings().give(EVERYTHING, taken, await named('operator'), EVERYWHERE)
    await groups().remove(EVERYTHING, group.id, group.revision)
    await accounts().remove(EVERYTHING, second.id)
  })

  test('does not go when two remove each other at once', async () => {
    const { items } = await accounts().list(EVERYTHING, { limit: 500 })
    const [one] = items.filter(({ bindings: held }) => held.some(({ role }) => role === 'operator'))
    const other = await person()
    const ends = await Promise.allSettled([one?.id, other.id].map((id) => accounts().remove(EVERYTHING, id as string)))
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })
})

describe('roles', () => {
  test('in code stand beside those that were made, with how often each is held', async () => {
    const reader = await roles().create(
      { tenantId: red },
      { name: 'reader', words: 'Reads', tenantId: red, rights: ['network.read'] },
    )
    const { items } = await roles().list({ tenantId: red }, ALL)
    expect(items.map(({ name }) => name)).toEqual([
      'auditor',
      'operator',
      'reader',
      'tenant-administrator',
      'tenant-member',
    ])
    expect(items.find(({ name }) => name === 'operator')).toMatchObject({ id: null, revision: null, tenantId: null })
    expect(reader).toMatchObject({ tenantName: 'red', rights: ['network.read'], holders: 0, revision: 1 })
    expect((await roles().list({ tenantId: blue }, ALL)).items.map(({ name }) => name)).not.toContain('reader')
    const first = await roles().list(EVERYTHING, { ...ALL, limit: 2 })
    const place = JSON.parse(Buffer.from(first.next as string, 'base64url').toString()) as [string, string]
    const second = await roles().list(EVERYTHING, { ...ALL, after: { key: place[0], id: place[1] } })
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(items.map(({ name }) => name))
  })

  test('keep names apart, also from those in code; another tenant may take the same', async () => {
    const role = { words: '', rights: ['network.read'] as const }
    for (const name of ['operator', 'reader'])
      expect(await refusal(roles().create(EVERYTHING, { ...role, name, tenantId: red }))).toMatchObject({
        code: 'conflict',
      })
    await roles().create(EVERYTHING, { ...role, name: 'reader', tenantId: blue })
    expect(await refusal(roles().create(EVERYTHING, { ...role, name: 'lost', tenantId: uuidv7() }))).toMatchObject({
      code: 'rule',
    })
  })

  test('of everybody are read by tenants and changed by none of them', async () => {
    const id = await makeRole('watcher')
    const asRed = { tenantId: red }
    expect((await roles().get(asRed, id)).name).toBe('watcher')
    expect(await refusal(roles().update(asRed, id, 1, { rights: ['user.write'] }))).toMatchObject({ code: 'forbidden' })
    expect(await refusal(roles().remove(asRed, id, 1))).toMatchObject({ code: 'forbidden' })
    expect(await refusal(roles().update(EVERYTHING, id, 7, { words: 'x' }))).toMatchObject({ code: 'revision-stale' })
    expect(await roles().update(EVERYTHING, id, 1, { words: 'x' })).toMatchObject({ words: 'x', revision: 2 })
  })

  test('that somebody holds stay, even where the holder is another’s', async () => {
    const id = await makeRole('held')
    const { id: accountId } = await person(blue)
    const place = { tenantId: blue, siteId: null }
    const given = await bindings().give(EVERYTHING, { accountId }, await named('held'), place)
    expect(given).toMatchObject({ role: 'held', rights: ['network.read'], tenantName: 'blue', source: 'local' })
    const again = bindings().give(EVERYTHING, { accountId }, await named('held'), place)
    expect(await refusal(again)).toMatchObject({ code: 'conflict', errors: [{ rule: 'binding.held' }] })
    expect(await refusal(roles().remove(EVERYTHING, id, 1))).toMatchObject({ errors: [{ rule: 'role.in-use' }] })
    await bindings().take({ tenantId: blue }, { accountId }, given.id)
    await roles().remove(EVERYTHING, id, 1)
    expect(await refusal(named('held'))).toMatchObject({ errors: [{ rule: 'role.unknown' }] })
  })
})

describe('what belongs to a tenant', () => {
  const outside = { code: 'forbidden', message: expect.stringContaining('row-level security') }

  test('holds nothing outside of it, whoever would give it', async () => {
    const { id: accountId } = await person(red)
    const group = await groups().create(EVERYTHING, { name: 'reds', tenantId: red })
    const own = await named('reader', red)
    const operator = await named('operator')
    const attempts: [
      Parameters<ReturnType<typeof bindingStore>['give']>[1],
      typeof own,
      { tenantId: string | null },
    ][] = [
      [{ accountId }, operator, EVERYWHERE],
      [{ accountId }, await named('tenant-member'), { tenantId: blue }],
      [{ groupId: group.id }, operator, EVERYWHERE],
      [{ accountId: (await person()).id }, own, { tenantId: blue }],
    ]
    for (const [holder, role, place] of attempts)
      expect(await refusal(bindings().give(EVERYTHING, holder, role, place))).toMatchObject(outside)
  })

  test('is in no group outside of it', async () => {
    const [member, stranger] = [await person(red), await person(blue)]
    const [inside, wide] = [
      await groups().create({ tenantId: red }, { name: 'insiders', tenantId: red }),
      await groups().create(EVERYTHING, { name: 'everybody', tenantId: null }),
    ]
    expect(await refusal(groups().add(EVERYTHING, wide.id, member.id))).toMatchObject(outside)
    expect(await refusal(groups().add(EVERYTHING, inside.id, stranger.id))).toMatchObject(outside)
    await groups().add({ tenantId: red }, inside.id, member.id)
    await groups().add({ tenantId: red }, inside.id, member.id)
    expect((await groups().members({ tenantId: red }, inside.id, ALL)).items).toMatchObject([
      { id: member.id, source: 'local' },
    ])
    expect(await refusal(groups().get({ tenantId: blue }, inside.id))).toMatchObject({ code: 'not-found' })
    expect(await refusal(groups().rename({ tenantId: red }, inside.id, 9, 'x'))).toMatchObject({
      code: 'revision-stale',
    })
    expect(await groups().rename({ tenantId: red }, inside.id, 1, 'those inside')).toMatchObject({
      members: 1,
      revision: 2,
    })
  })
})

describe('tokens', () => {
  const token = (accountId: string, name: string, tenantId: string | null = null) => ({
    ...{
      accountId,
      name,
      hash: `hash of ${name} ${accountId}`,
      prefix: 'weft_abcdefg',
      rights: ['network.read'] as const,
    },
    ...{ tenantId, siteId: null, expiresAt: new Date('2031-01-01T00:00:00Z') },
  })

  test('are found by their hash with their owner, and go with them', async () => {
    const owner = await person(red)
    const tokens = tokenStore(database)
    const { id } = await tokens.create(token(owner.id, 'ci', red))
    await tokens.touch(id, 1_800_000_000_000, '192.0.2.7')
    const found = await tokens.find(`hash of ci ${owner.id}`)
    expect(found).toMatchObject({
      account: { id: owner.id },
      token: { name: 'ci', tenantName: 'red', usedAt_ms: 1_800_000_000_000 },
    })
    expect((await tokens.own(owner.id, ALL)).items).toMatchObject([{ usedFrom: '192.0.2.7', ownerName: owner.name }])
    expect(await refusal(tokens.create(token(owner.id, 'ci')))).toMatchObject({ code: 'conflict' })
    await accounts().remove(EVERYTHING, owner.id)
    expect(await tokens.find(`hash of ci ${owner.id}`)).toBeUndefined()
  })

  test('are listed and ended by their owners, and by those who see the owners', async () => {
    const [own, other] = [await person(red), await person(blue)]
    const tokens = tokenStore(database)
    const mine = await tokens.create(token(own.id, 'mine'))
    const theirs = await tokens.create(token(other.id, 'theirs'))
    const seen = async (scope: Scope) => (await tokens.all(scope, ALL)).items.map(({ name }) => name)
    expect(await seen({ tenantId: red })).toEqual(['mine'])
    expect(await seen(EVERYTHING)).toEqual(expect.arrayContaining(['mine', 'theirs']))
    expect(await refusal(tokens.endOwn(own.id, theirs.id))).toMatchObject({ code: 'not-found' })
    expect(await refusal(tokens.endAny({ tenantId: red }, theirs.id))).toMatchObject({ code: 'not-found' })
    await tokens.endAny({ tenantId: red }, mine.id)
    await tokens.endOwn(other.id, theirs.id)
    expect(await tokens.find(`hash of mine ${own.id}`)).toBeUndefined()
  })
})

describe('whoever works at a site', () => {
  let lab: Scope
  let far: Scope
  const infrastructure = () => infrastructureStore(database)
  const far2 = { name: 'far-2', site: 'far', vtep: '172.17.0.2', underlayMtu: 1500 }
  beforeAll(async () => {
    const servers = [{ name: 'far-1', site: 'far', vtep: '172.17.0.1', underlayMtu: 1500 }]
    const none = { nics: [], datapaths: [], attachments: [] }
    await infrastructure().import(EVERYTHING, { sites: [{ name: 'far', words: '' }], servers, ...none })
    const { items } = await infrastructure().sites(EVERYTHING, ALL)
    const of = (name: string) => ({ tenantId: null, siteId: items.find((one) => one.name === name)?.id as string })
    lab = of('lab')
    far = of('far')
  })
  const empty = { sites: [], servers: [], nics: [], datapaths: [], attachments: [] }

  test('sees its hardware alone, and no tenant’s things', async () => {
    expect((await infrastructure().sites(far, ALL)).items.map(({ name }) => name)).toEqual(['far'])
    expect((await infrastructure().servers(far, ALL)).items.map(({ name }) => name)).toEqual(['far-1'])
    expect((await infrastructure().servers(lab, ALL)).items.map(({ name }) => name)).toEqual(['server-1', 'server-2'])
    expect((await infrastructure().attachments(far, ALL)).items).toEqual([])
    expect((await infrastructure().attachments(lab, ALL)).items).toHaveLength(6)
    expect((await datapathStore(database).run(far)).map(({ name }) => name)).toEqual([])
    expect(await datapathStore(database).run(lab)).toHaveLength(4)
    expect(await datapathStore(database).run({ tenantId: red }), 'a tenant runs none').toEqual([])
    expect((await accounts().list(far, { limit: 10 })).items).toEqual([])
  })

  test('declares what stands there, and nothing elsewhere', async () => {
    const words = { ...empty, sites: [{ name: 'far', words: 'A hall' }], servers: [far2] }
    expect(await infrastructure().import(far, words)).toEqual({ created: 1, updated: 1, unchanged: 0 })
    expect(await infrastructure().import(far, words)).toEqual({ created: 0, updated: 0, unchanged: 2 })
    const files = [
      { ...empty, sites: [{ name: 'new', words: '' }] },
      { ...empty, sites: [{ name: 'lab', words: 'taken over' }] },
      { ...empty, servers: [{ ...far2, name: 'server-1' }] },
      { ...empty, servers: [{ ...far2, site: 'lab' }] },
      { ...empty, nics: [{ name: 'nic-1', server: 'server-1', profile: 'openflow-nic', limits: {} }] },
      { ...empty, attachments: hardware(1).attachments },
    ]
    for (const file of files)
      expect((await refusal(infrastructure().import(far, file))).code).toMatch(/^(rule|conflict)$/)
    expect((await infrastructure().servers(lab, ALL)).items.map(({ vtep }) => vtep)).toEqual([
      '172.16.0.1',
      '172.16.0.2',
    ])
  })

  test('sees the work that is done there', async () => {
    const about = {
      kind: 'repair',
      title: 'Repair nic-1',
      total: 1,
      unit: 'datapaths',
      subject: null,
      cancellable: false,
    }
    const { id } = await taskStore(database).start({ ...about, tenantId: null, siteId: lab.siteId as string })
    await taskStore(database).step(id, { message: 'Begun.' })
    expect(await taskStore(database).get(lab, id)).toMatchObject({
      title: 'Repair nic-1',
      log: [{ message: 'Begun.' }],
    })
    expect(await refusal(taskStore(database).get(far, id))).toMatchObject({ code: 'not-found' })
    expect(await refusal(taskStore(database).get({ tenantId: red }, id))).toMatchObject({ code: 'not-found' })
  })
})
