import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EVERYTHING } from '#server/inventory/database.ts'
import { keyStore } from '#server/inventory/keys.ts'
import type { KeyStore, StoredKey } from '#server/keys/ports.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { configWith, openWith } from '#test/unit/keys/ground.ts'

let database: TestDatabase
let store: KeyStore
beforeAll(async () => {
  database = await startTestDatabase()
  store = keyStore(database)
}, 30_000)
afterAll(() => database?.close())

/** Every row of every table as the owner of them all sees it: as text, with binary columns in hexadecimal. */
async function everyRow(): Promise<string> {
  const { rows: tables } = await database.engine.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND has_table_privilege(oid, 'SELECT')`,
  )
  const all = tables.map(async ({ name }) => {
    const { rows } = await database.engine.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)
    return `${name}\n${rows.map(({ row }) => row).join('\n')}`
  })
  return (await Promise.all(all)).join('\n')
}

const forms = (secret: Buffer) => [
  ...[secret.toString('hex'), secret.toString('base64'), secret.toString('base64url'), secret.toString('latin1')],
]

describe('keys in the database', () => {
  test('are never there in plain: no secret, no private key, no master key, in no form', async () => {
    const master = randomBytes(32)
    const keys = await openWith({ store, config: configWith({ master: { key: master } }) })
    const known = randomBytes(24)
    const sealed = await keys.seal('totp/1', known)
    await database.engine.query(
      `INSERT INTO identity_provider (id, name, display_name, protocol, issuer, client_secret)
       VALUES (gen_random_uuid(), 'p', 'P', 'oidc', 'https://p.example', $1)`,
      [sealed],
    )
    const privateKeys = await keys.privateKeys('saml-encryption')
    await keys.tick()
    const dump = await everyRow()
    // What is public is there, so the search does look at the keys.
    expect(dump).toContain((await keys.certificates('saml-signing')).active.split('\n')[5] as string)
    expect(dump).toContain(sealed.toString('hex'))
    expect(dump).not.toMatch(/PRIVATE KEY|ENCRYPTED|BEGIN RSA|BEGIN EC/)
    for (const secret of [known, master]) for (const form of forms(secret)) expect(dump).not.toContain(form)
    for (const pem of privateKeys) {
      const der = Buffer.from(pem.replace(/-----[^-]+-----|\n/g, ''), 'base64')
      // Behind the modulus, which is public, come the numbers that are not.
      for (let start = 450; start + 24 < der.length; start += 100)
        for (const form of forms(der.subarray(start, start + 24))) expect(dump).not.toContain(form)
    }
    await keys.close()
  })

  test('are not seen by people’s requests at all', async () => {
    expect((await store.all()).length).toBeGreaterThan(0)
    const read = database.inScope(EVERYTHING, (tx) => tx.$queryRaw`SELECT id FROM key`)
    await expect(read).rejects.toThrow(/permission denied/)
  })
})

describe('the store', () => {
  const key = (id: string, state: StoredKey['state']): StoredKey => ({
    ...{ id, state, purpose: 'test' as StoredKey['purpose'], algorithm: 'aes-256', certificate: null, publicKey: null },
    ...{ wrapped: Buffer.from('x'), wrappedBy: 'master:1', tokenLabel: null },
    ...{ createdAt: new Date('2026-11-23T00:00:00Z'), notAfter: null, retiredAt: null },
  })
  const ids = [0, 1, 2].map((n) => `019ab000-0000-7000-8000-00000000000${n}`) as [string, string, string]
  const states = async () =>
    Object.fromEntries((await store.all()).filter(({ id }) => ids.includes(id)).map((one) => [one.id, one.state]))

  test('has one active and one next key for each purpose, whoever asks at once', async () => {
    const [first, second, third] = ids
    const active = await Promise.all([store.insert(key(first, 'active')), store.insert(key(second, 'active'))])
    expect(active.toSorted()).toEqual([false, true])
    await database.engine.query("DELETE FROM key WHERE purpose = 'test'")
    expect(await store.insert(key(first, 'active'))).toBe(true)
    expect(await store.insert(key(second, 'next'))).toBe(true)
    expect(await store.insert(key(third, 'next'))).toBe(false)
  })

  test('promotes once', async () => {
    const [first, second] = ids
    const retiresAt = new Date('2026-12-23T00:00:00Z')
    const promoted = await Promise.all([store.promote(second, retiresAt), store.promote(second, retiresAt)])
    expect(promoted.toSorted()).toEqual([false, true])
    expect(await states()).toEqual({ [first]: 'retiring', [second]: 'active' })
    expect((await store.all()).find(({ id }) => id === first)?.retiredAt).toEqual(retiresAt)
  })

  test('forgets the private half of a key that ends, and never ends the active one', async () => {
    const [first, second] = ids
    const at = new Date('2026-12-24T00:00:00Z')
    expect(await store.retire(second, at)).toBe(false)
    expect(await store.retire(first, at)).toBe(true)
    const gone = (await store.all()).find(({ id }) => id === first)
    expect(gone).toMatchObject({ state: 'retired', wrapped: null, wrappedBy: null, retiredAt: at })
  })

  test('adds uses up by day and operation', async () => {
    const [first, second] = ids
    const use = { keyId: second, day: '2026-11-23', operation: 'seal', count: 2 }
    await store.addUses([use, { ...use, operation: 'open' }, { ...use, day: '2026-11-24' }])
    await store.addUses([
      { ...use, count: 5 },
      { ...use, keyId: '019ab000-0000-7000-8000-0000000000ff' },
    ])
    expect((await store.uses()).get(second)).toBe(11)
    expect((await store.uses()).get(first)).toBeUndefined()
    const { rows } = await database.engine.query(
      'SELECT day::text, operation, count FROM key_use WHERE key_id = $1 ORDER BY 1, 2',
      [second],
    )
    expect(rows.map(({ day, operation, count }) => [day, operation, Number(count)])).toEqual([
      ['2026-11-23', 'open', 2],
      ['2026-11-23', 'seal', 7],
      ['2026-11-24', 'seal', 2],
    ])
  })
})
