import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StoredSession } from '#server/identity/ports.ts'
import { accountStore } from '#server/inventory/accounts.ts'
import { AUDIT_FIELDS, auditLog } from '#server/inventory/audit.ts'
import { changeStore } from '#server/inventory/changes.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { idempotencyStore } from '#server/inventory/idempotency.ts'
import { readList } from '#server/inventory/list.ts'
import { networkWriter } from '#server/inventory/networks.ts'
import { sessionStore } from '#server/inventory/sessions.ts'
import { taskStore } from '#server/inventory/tasks.ts'
import { tenantStore } from '#server/inventory/tenants.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { OPERATOR, refusal } from './fixture.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await startTestDatabase()
}, 30_000)
afterAll(() => database?.close())

const NOBODY = '019ab000-0000-7000-8000-000000000000'
const QUOTAS = { networks: 2, ports: 4 }
const account = (name: string, tenantId: string | null = null) => ({
  ...{ name, displayName: name, tenantId, passwordHash: '$argon2id$' },
  role: tenantId === null ? ('operator' as const) : ('tenant-administrator' as const),
})

const sessionOf = (letter: string, accountId: string, createdAt_ms: number, seenAt_ms: number): StoredSession => ({
  ...{ hash: letter.repeat(64), id: randomUUID(), accountId, createdAt_ms, seenAt_ms, address: '::1', agent: 'test' },
  ...{ method: 'password', providerId: null, authenticatedAt_ms: createdAt_ms, endsAt_ms: null },
  ...{ tenantId: null, siteId: null, provedNetworks: ['this host'], provedAgent: 'test' },
})

describe('accounts', () => {
  test('are found by name and id, with the name of their tenant', async () => {
    const accounts = accountStore(database)
    const tenant = await tenantStore(database).create(EVERYTHING, { name: 'acme', quotas: QUOTAS })
    const made = await accounts.create(EVERYTHING, account('anna', tenant.id))
    expect(made).toMatchObject({
      bindings: [{ role: 'tenant-administrator' }],
      tenantId: tenant.id,
      tenantName: 'acme',
    })
    expect(await accounts.byName('anna')).toEqual(made)
    expect(await accounts.byId(made.id)).toEqual(made)
    expect(await accounts.byName('nobody')).toBeUndefined()
    await accounts.setPassword(made.id, 'other')
    expect((await accounts.byId(made.id))?.passwordHash).toBe('other')
    expect((await accounts.list(EVERYTHING, { limit: 10, filter: 'tenantName:eq:acme' })).items).toHaveLength(1)
  })

  test('have a name of their own, and a tenant that exists', async () => {
    const accounts = accountStore(database)
    await accounts.create(EVERYTHING, account('bert'))
    const twin = await refusal(accounts.create(EVERYTHING, account('bert')))
    expect(twin).toMatchObject({ code: 'conflict', errors: [{ pointer: '/name' }] })
    const lost = await refusal(accounts.create(EVERYTHING, account('carl', NOBODY)))
    expect(lost).toMatchObject({ code: 'rule', errors: [{ pointer: '/tenantId' }] })
  })

  test('that are kept here say when their person last signed in', async () => {
    const accounts = accountStore(database)
    const { id } = await accounts.create(EVERYTHING, account('wilma'))
    expect((await accounts.byId(id))?.signedInAt_ms).toBeNull()
    await sessionStore(database).insert(sessionOf('7', id, 86_400_000, 90_000_000))
    expect((await accounts.byId(id))?.signedInAt_ms).toBe(86_400_000)
  })

  test('take their sessions with them', async () => {
    const [accounts, sessions] = [accountStore(database), sessionStore(database)]
    const { id: accountId } = await accounts.create(EVERYTHING, account('dora'))
    const session = sessionOf('a', accountId, 1000, 2000)
    await sessions.insert(session)
    expect(await sessions.find(session.hash)).toMatchObject({ session, account: { name: 'dora' } })
    await sessions.touch(session.hash, { seenAt_ms: 3000, address: '::1', agent: 'test' })
    expect((await sessions.find(session.hash))?.session.seenAt_ms).toBe(3000)
    expect(await accounts.remove(EVERYTHING, accountId)).toBe(true)
    expect(await sessions.find(session.hash)).toBeUndefined()
    expect(await accounts.remove(EVERYTHING, accountId)).toBe(false)
  })

  test('lose the sessions that are old, or all but one', async () => {
    const [accounts, sessions] = [accountStore(database), sessionStore(database)]
    const { id: accountId } = await accounts.create(EVERYTHING, account('emil'))
    const insert = (letter: string, createdAt_ms: number, seenAt_ms: number) =>
      sessions.insert(sessionOf(letter, accountId, createdAt_ms, seenAt_ms))
    await insert('b', 1000, 1000)
    await insert('c', 1000, 9000)
    await insert('d', 8000, 9000)
    expect(await sessions.prune(5000, 500)).toBe(1)
    expect(await sessions.prune(5000, 5000)).toBe(1)
    await insert('e', 9000, 9000)
    await sessions.removeOfAccount(accountId, 'e'.repeat(64))
    expect(await sessions.find('d'.repeat(64))).toBeUndefined()
    expect(await sessions.find('e'.repeat(64))).toBeDefined()
  })
})

describe('idempotency keys', () => {
  test('are claimed once, and give the first answer again', async () => {
    const keys = idempotencyStore(database)
    const claims = await Promise.all(Array.from({ length: 8 }, () => keys.claim('anna', 'k', 'f')))
    expect(claims.filter((claim) => claim === 'new')).toHaveLength(1)
    expect(claims.filter((claim) => claim === 'running')).toHaveLength(7)
    expect(await keys.claim('anna', 'k', 'g')).toBe('other')
    const answer = { status: 201, headers: { etag: '"1"' }, body: '{}' }
    await keys.finish('anna', 'k', answer)
    expect(await keys.claim('anna', 'k', 'f')).toEqual(answer)
    expect(await keys.claim('bert', 'k', 'f')).toBe('new')
    await keys.release('bert', 'k')
    expect(await keys.claim('bert', 'k', 'f')).toBe('new')
    expect(await keys.prune(Date.now() + 1000)).toBe(2)
  })
})

describe('tenants', () => {
  const tenants = () => tenantStore(database)

  test('get a thread colour that few others have, and keep count of what they use', async () => {
    const made = []
    for (const name of ['one', 'two', 'three']) made.push(await tenants().create(EVERYTHING, { name, quotas: QUOTAS }))
    expect(new Set(made.map(({ thread }) => thread)).size).toBe(3)
    const [first] = made
    if (!first) throw new Error('There is no tenant.')
    await networkWriter(database).createNetwork(
      { scope: EVERYTHING, actor: OPERATOR },
      { tenantId: first.id, name: 'a' },
    )
    expect(await tenants().get(EVERYTHING, first.id)).toMatchObject({ used: { networks: 1, ports: 0 }, quotas: QUOTAS })
  })

  test('are changed at the revision that was read, and only then', async () => {
    const { id, revision } = await tenants().create(EVERYTHING, { name: 'four', quotas: QUOTAS })
    const changed = await tenants().update(EVERYTHING, id, revision, { displayName: 'Four & Co.' })
    expect(changed).toMatchObject({ displayName: 'Four & Co.', revision: 2, quotas: QUOTAS })
    const stale = await refusal(tenants().update(EVERYTHING, id, revision, { quotas: { networks: 9, ports: 9 } }))
    expect(stale.code).toBe('revision-stale')
  })

  test('are removed when nothing is theirs any more', async () => {
    const { id } = await tenants().create(EVERYTHING, { name: 'five', quotas: QUOTAS })
    const writer = { scope: EVERYTHING, actor: OPERATOR }
    const { draft, id: network } = await networkWriter(database).createNetwork(writer, { tenantId: id, name: 'a' })
    expect((await refusal(tenants().remove(EVERYTHING, id, 1))).errors).toMatchObject([{ rule: 'tenant.in-use' }])
    await networkWriter(database).removeNetwork({ ...writer, change: draft.id }, network, 1)
    await tenants().remove(EVERYTHING, id, 1)
    expect((await refusal(tenants().get(EVERYTHING, id))).code).toBe('not-found')
  })

  test('see themselves alone', async () => {
    const { id } = await tenants().create(EVERYTHING, { name: 'six', quotas: QUOTAS })
    const { items } = await tenants().list({ tenantId: id }, { conditions: [], limit: 10 })
    expect(items.map(({ name }) => name)).toEqual(['six'])
    const twin = await refusal(tenants().create(EVERYTHING, { name: 'six', quotas: QUOTAS }))
    expect(twin).toMatchObject({ code: 'conflict', errors: [{ pointer: '/name' }] })
  })
})

describe('tasks', () => {
  const moved: string[] = []
  const tasks = () => taskStore(database, { onMoved: ({ state }) => moved.push(state) })
  const begin = (cancellable = true) =>
    tasks().start({
      kind: 'commit',
      title: 'Commit C-1',
      total: 4,
      unit: 'datapaths',
      subject: null,
      tenantId: null,
      cancellable,
    })

  test('tell of their progress, their log and their end', async () => {
    const { id } = await begin()
    await tasks().step(id, { done: 2, message: 'nic-1 is staged.' })
    await tasks().step(id, { message: 'nic-2 is staged.' })
    const half = await tasks().get(EVERYTHING, id)
    expect(half).toMatchObject({ state: 'running', done: 2, total: 4, finishedAt: null })
    expect(half.log.map(({ message }) => message)).toEqual(['nic-1 is staged.', 'nic-2 is staged.'])
    expect(new Date(half.log[0]?.at ?? '').getTime()).toBeGreaterThan(Date.now() - 60_000)
    await tasks().end(id, 'done')
    await tasks().end(id, 'failed', { code: 'late', detail: 'Too late to count.' })
    expect(await tasks().get(EVERYTHING, id)).toMatchObject({ state: 'done', done: 4, problem: null })
    expect(moved).toEqual(['running', 'running', 'running', 'done'])
  })

  test('are cancelled until it is decided', async () => {
    const { id } = await begin()
    expect(await tasks().cancel(EVERYTHING, id)).toMatchObject({ state: 'cancelling', cancellable: false })
    const decided = await begin()
    await tasks().step(decided.id, { cancellable: false })
    expect((await refusal(tasks().cancel(EVERYTHING, decided.id))).code).toBe('conflict')
    expect((await refusal(tasks().cancel({ tenantId: NOBODY }, id))).code).toBe('not-found')
  })

  test.each([
    ['draft', { state: 'failed', problem: { code: 'abandoned' } }],
    ['committing', { state: 'running', problem: null }],
    ['undoing', { state: 'running', problem: null }],
    ['committed', { state: 'done', done: 4, problem: null }],
    ['pending', { state: 'done', done: 4, problem: null }],
    ['undone', { state: 'failed', problem: { code: 'undone', detail: 'Table full.' } }],
  ])('of a change that is %s as the next process starts end as it did, or go on with it', async (state, as) => {
    const { id } = await begin()
    const actor = { name: 'olga', role: 'operator' }
    const change = await changeStore(database).create(EVERYTHING, { title: '', tenantId: null, actor })
    await database.engine.query('UPDATE change SET task_id = $2, state = $3, outcome = $4 WHERE id = $1', [
      ...[change.id, id, state, 'Table full.'],
    ])
    await tasks().abandon()
    expect(await tasks().get(EVERYTHING, id)).toMatchObject(as)
    await tasks().end(id, 'done')
  })

  test('that nobody runs any more are given up', async () => {
    const { id } = await begin()
    expect(await tasks().abandon()).toContain(id)
    expect(await tasks().get(EVERYTHING, id)).toMatchObject({ state: 'failed', problem: { code: 'abandoned' } })
  })
})

test('the audit log is read newest first, page by page, within one’s tenant', async () => {
  const audit = auditLog(database)
  const { id: tenantId } = await tenantStore(database).create(EVERYTHING, { name: 'seven', quotas: QUOTAS })
  const line = { actor: 'anna', address: '::1', outcome: 'done', subject: null, changeId: null, detail: '' } as const
  for (let i = 0; i < 12; i++) await audit.record({ ...line, action: `step.${i}`, tenantId: i % 2 ? tenantId : null })
  const read = async (scope: { tenantId: string | null }) => {
    const actions: string[] = []
    let cursor: string | undefined
    do {
      const page = await audit.list(scope, readList({ limit: 5, cursor, filter: 'action:contains:step' }, AUDIT_FIELDS))
      actions.push(...page.items.map(({ action }) => action))
      cursor = page.next ?? undefined
    } while (cursor)
    return actions
  }
  expect(await read(EVERYTHING)).toEqual(Array.from({ length: 12 }, (_, i) => `step.${11 - i}`))
  expect(await read({ tenantId })).toEqual(['step.11', 'step.9', 'step.7', 'step.5', 'step.3', 'step.1'])
})
