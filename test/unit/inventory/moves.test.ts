import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { cachedSessions } from '#server/identity/access-cache.ts'
import type { Moved, StoredSession } from '#server/identity/ports.ts'
import { accountStore } from '#server/inventory/accounts.ts'
import { type Database, EVERYTHING, openDatabase } from '#server/inventory/database.ts'
import { sessionRegister, sessionStore } from '#server/inventory/sessions.ts'
import { tenantStore } from '#server/inventory/tenants.ts'
import { systemClock } from '#server/kernel/clock.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'

let database: TestDatabase
let other: Database

beforeAll(async () => {
  database = await startTestDatabase()
  other = openDatabase({ app: database.url('weft_app'), engine: database.url('weft_engine') })
  for (const one of [database, other]) one.moves.subscribe(() => undefined)
  await vi.waitUntil(() => database.moves.attentive && other.moves.attentive, { timeout: 10_000 })
}, 30_000)
afterAll(async () => {
  await other?.close()
  await database?.close()
})

let letter = 0
const person = async (tenantId: string | null = null) => {
  letter += 1
  const role = tenantId === null ? 'operator' : 'tenant-administrator'
  const name = `p${letter}`
  const made = { name, displayName: name, role, tenantId, passwordHash: '$argon2id$' }
  return accountStore(database).create(EVERYTHING, made)
}
const sessionFor = (accountId: string, more: Partial<StoredSession> = {}): StoredSession => ({
  ...{
    hash: randomUUID(),
    id: randomUUID(),
    accountId,
    createdAt_ms: 5000,
    seenAt_ms: 5000,
    address: '::1',
    agent: 'x',
  },
  ...{ method: 'password', providerId: null, authenticatedAt_ms: 5000, endsAt_ms: null, tenantId: null, siteId: null },
  ...{ provedNetworks: ['this host'], provedAgent: 'x' },
  ...more,
})
const begin = async (accountId: string, more: Partial<StoredSession> = {}) => {
  const session = sessionFor(accountId, more)
  await sessionStore(database).insert(session)
  return session
}
const cacheOf = ({ engine, moves }: Database) =>
  cachedSessions(sessionStore({ engine }), { moves, clock: systemClock, limits: { kept_ms: 600_000, entries: 100 } })

/** A database with one connection that writes, and one that only listens. */
async function lone() {
  const { engine, moves, close } = openDatabase(
    { app: database.url('weft_app'), engine: database.url('weft_engine') },
    { connections: 1 },
  )
  const told: Moved[] = []
  moves.subscribe((moved) => void told.push(moved))
  await vi.waitUntil(() => moves.attentive, { timeout: 10_000 })
  onTestFinished(close)
  /** What was told of a write when it is answered: nothing is waited for but that both have heard of the one before. */
  return async (write: (with_: typeof engine) => Promise<unknown>): Promise<Moved[]> => {
    const marker = `marker-${randomUUID()}`
    await engine.query("SELECT pg_notify('weft_access', $1)", [`session ${marker}`])
    const heard = () => told.filter((one) => one.kind === 'session' && one.keys[0] === marker)
    await vi.waitUntil(() => heard().length === 2, { timeout: 10_000 })
    told.length = 0
    await write(engine)
    return [...told]
  }
}

describe('word of what sessions stand on', () => {
  test('is there before the write is answered', async () => {
    const { id } = await person()
    const { hash } = await begin(id)
    const tellsOf = await lone()
    const account = { kind: 'account', keys: [id] }
    const session = { kind: 'session', keys: [hash] }
    const role = randomUUID()
    const group = randomUUID()
    const anything = { kind: 'anything' }
    for (const [text, values, expected] of [
      ['UPDATE account SET display_name = $2 WHERE id = $1', [id, 'Other'], account],
      ['INSERT INTO user_group (id, name) VALUES ($1, $2)', [group, 'g'], undefined],
      ['INSERT INTO group_member (group_id, account_id) VALUES ($1, $2)', [group, id], account],
      ['INSERT INTO role (id, name, rights) VALUES ($1, $2, $3)', [role, 'r', ['network.read']], undefined],
      ['INSERT INTO role_binding (id, account_id, role_id) VALUES (gen_random_uuid(), $1, $2)', [id, role], account],
      ['INSERT INTO role_binding (id, group_id, role_id) VALUES (gen_random_uuid(), $1, $2)', [group, role], anything],
      ['UPDATE role SET rights = $2 WHERE id = $1', [role, ['change.read']], anything],
      ['DELETE FROM role_binding WHERE account_id = $1 AND role_id = $2', [id, role], account],
      ['DELETE FROM role WHERE id = $1', [role], anything],
      ['DELETE FROM group_member WHERE account_id = $1', [id], account],
      ['UPDATE session SET authenticated_at = now() WHERE hash = $1', [hash], session],
      ['DELETE FROM session WHERE hash = $1', [hash], session],
      ['DELETE FROM account WHERE id = $1', [id], account],
    ] as const) {
      const moved = await tellsOf((engine) => engine.query(text, [...values]))
      if (expected) expect(moved, text).toContainEqual(expected)
      else expect(moved, text).toEqual([])
    }
  })

  test('is not given of what changes nothing: use, and the time of a sign-in', async () => {
    const { id } = await person()
    const { hash } = await begin(id)
    const tellsOf = await lone()
    expect(
      await tellsOf((engine) => sessionStore({ engine }).touch(hash, { seenAt_ms: 9000, address: '::2', agent: 'y' })),
    ).toEqual([])
    const signedIn = 'UPDATE account SET signed_in_at = now() WHERE id = $1'
    expect(await tellsOf((engine) => engine.query(signedIn, [id]))).toEqual([])
  })

  test('comes by transactions in a scope too', async () => {
    const { id } = await person()
    const { hash } = await begin(id)
    const cache = cacheOf(database)
    const before = await cache.find(hash)
    await accountStore(database).setPassword(id, 'other')
    expect((await cache.find(hash))?.account.passwordHash).not.toBe(before?.account.passwordHash)
  })
})

describe('what another process remembers', () => {
  test('is forgotten at once when a session is ended here', async () => {
    const { id } = await person()
    const { hash } = await begin(id)
    const [here, there] = [cacheOf(database), cacheOf(other)]
    // Word of its beginning may still be under way.
    await vi.waitFor(async () => expect(await there.find(hash)).toBe(await there.find(hash)))
    await here.find(hash)
    await here.remove(hash)
    expect(await here.find(hash)).toBeUndefined()
    await expect.poll(() => there.find(hash), { timeout: 2000 }).toBeUndefined()
  })

  test('follows rights that were given and taken', async () => {
    const { id, bindings } = await person()
    const { hash } = await begin(id)
    const there = cacheOf(other)
    expect((await there.find(hash))?.account.bindings).toHaveLength(1)
    await database.engine.query('DELETE FROM role_binding WHERE id = $1', [bindings[0]?.id])
    await expect.poll(async () => (await there.find(hash))?.account.bindings, { timeout: 2000 }).toEqual([])
  })
})

describe('a session', () => {
  test('ends with its account disabled, whoever writes that, and does not come back with it', async () => {
    const { id } = await person()
    const { hash } = await begin(id)
    const cache = cacheOf(database)
    await cache.find(hash)
    await database.engine.query("UPDATE account SET state = 'disabled' WHERE id = $1", [id])
    expect(await cache.find(hash)).toBeUndefined()
    await database.engine.query("UPDATE account SET state = 'active' WHERE id = $1", [id])
    expect(await cache.find(hash)).toBeUndefined()
  })

  test('that is renewed takes along what hangs on it', async () => {
    const { id } = await person()
    const { hash, id: name } = await begin(id)
    const console = randomUUID()
    await database.engine.query(
      `INSERT INTO service_provider (id, name, display_name, entity_id, metadata) VALUES ($1, 'vnf', 'VNF', 'e', 'm')`,
      [console],
    )
    await database.engine.query('INSERT INTO console_session VALUES ($1, $2, $3, $4)', [hash, console, 'n', 'i'])
    const store = sessionStore(database)
    const next = {
      ...{
        hash: randomUUID(),
        method: 'passkey',
        authenticatedAt_ms: 7000,
        seenAt_ms: 7000,
        address: '::2',
        agent: 'y',
      },
      ...{ provedNetworks: ['2001:db8::/64', 'this host'], provedAgent: 'y' },
    }
    expect(await store.renew(hash, next)).toBe(true)
    expect(await store.renew(hash, { ...next, hash: randomUUID() })).toBe(false)
    expect(await store.find(hash)).toBeUndefined()
    expect((await store.find(next.hash))?.session).toMatchObject({ ...next, id: name, createdAt_ms: 5000 })
    const { rows } = await database.engine.query('SELECT session_hash FROM console_session')
    expect(rows).toEqual([{ session_hash: next.hash }])
  })
})

describe('sessions in lists', () => {
  const alive = { seenSince_ms: 4000, begunSince_ms: 2000, now_ms: 6000 }

  test('are one’s own that have not ended, the last used first', async () => {
    const register = sessionRegister(database)
    const [anna, bert] = [await person(), await person()]
    const old = await begin(anna.id, { seenAt_ms: 5000 })
    const used = await begin(anna.id, { seenAt_ms: 5500 })
    await begin(anna.id, { seenAt_ms: 3000 })
    await begin(anna.id, { createdAt_ms: 1000 })
    await begin(anna.id, { endsAt_ms: 5900 })
    const theirs = await begin(bert.id)
    expect((await register.own(anna.id, alive)).map(({ id }) => id)).toEqual([used.id, old.id])
    expect(await register.findOwn(anna.id, theirs.id)).toBeUndefined()
    expect(await register.findOwn(anna.id, old.id)).toMatchObject({ hash: old.hash, accountName: anna.name })
    await sessionStore(database).remove(old.hash)
    expect(await register.findOwn(anna.id, old.id)).toBeUndefined()
  })

  test('of a tenant’s people are found by that tenant and by operators alone', async () => {
    const register = sessionRegister(database)
    const tenants = tenantStore(database)
    const quotas = { networks: 1, ports: 1 }
    const red = await tenants.create(EVERYTHING, { name: 'red', quotas })
    const blue = await tenants.create(EVERYTHING, { name: 'blue', quotas })
    const [rita, boris, olga] = [await person(red.id), await person(blue.id), await person()]
    const begun = [await begin(rita.id), await begin(boris.id), await begin(olga.id)]
    const seen = async (scope: { tenantId: string | null }) => {
      const { items } = await register.list(scope, { limit: 500 }, alive)
      return begun.map(({ id }) => items.some((one) => one.id === id))
    }
    expect(await seen(EVERYTHING)).toEqual([true, true, true])
    expect(await seen({ tenantId: red.id })).toEqual([true, false, false])
    const [, ofBoris, ofOlga] = begun
    for (const session of [ofBoris, ofOlga])
      expect(await register.findAny({ tenantId: red.id }, session?.id as string)).toBeUndefined()
    expect(await register.findAny({ tenantId: blue.id }, ofBoris?.id as string)).toMatchObject({ tenantName: 'blue' })
    expect(await register.findAny(EVERYTHING, ofOlga?.id as string)).toMatchObject({ accountName: olga.name })
    const query = { limit: 10, filter: 'accountName:eq:'.concat(rita.name), sort: 'seenAt' }
    expect((await register.list(EVERYTHING, query, alive)).items).toMatchObject([{ accountId: rita.id }])
  })
})
