import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StoredPasskey } from '#server/identity/credentials/ports.ts'
import { accountStore } from '#server/inventory/accounts.ts'
import { passkeyStore, totpStore } from '#server/inventory/credentials.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'

let database: TestDatabase
let accountId: string
beforeAll(async () => {
  database = await startTestDatabase()
  const anna = { name: 'anna', displayName: 'Anna', role: 'operator', tenantId: null, passwordHash: '' }
  accountId = (await accountStore(database).create(EVERYTHING, anna)).id
}, 30_000)
afterAll(() => database?.close())

const eight = <T>(work: () => Promise<T>) => Promise.all(Array.from({ length: 8 }, work))

describe('codes by time', () => {
  test('are taken once each by one statement', async () => {
    const store = totpStore(database)
    expect(await store.find(accountId)).toBeUndefined()
    expect(await store.propose(accountId, Buffer.from('one'))).toBe(true)
    expect(await store.propose(accountId, Buffer.from('two'))).toBe(true)
    expect(await store.use(accountId, 5)).toBe(false)
    expect((await eight(() => store.confirm(accountId, 5))).filter(Boolean)).toHaveLength(1)
    expect(await store.find(accountId)).toEqual({ secret: Buffer.from('two'), confirmed: true })
    expect(await store.propose(accountId, Buffer.from('three'))).toBe(false)
    expect(await store.use(accountId, 5)).toBe(false)
    expect((await eight(() => store.use(accountId, 6))).filter(Boolean)).toHaveLength(1)
    expect([await store.remove(accountId), await store.remove(accountId)]).toEqual([true, false])
  })
})

describe('passkeys', () => {
  const passkey = (): StoredPasskey => ({
    ...{ id: 'key', accountId, name: 'laptop', publicKey: Buffer.from([1, 2]), counter: 0, transports: ['usb'] },
    ...{ backedUp: false, synced: false, createdAt_ms: 1000, usedAt_ms: null },
  })

  test('are kept once, and their counter only goes on', async () => {
    const store = passkeyStore(database)
    expect([await store.insert(passkey()), await store.insert(passkey())]).toEqual([true, false])
    expect(await store.find('key')).toEqual(passkey())
    // Zero means that the authenticator does not count.
    expect([await store.use('key', 0, true, 2000), await store.use('key', 0, true, 2000)]).toEqual([true, true])
    expect((await eight(() => store.use('key', 7, true, 3000))).filter(Boolean)).toHaveLength(1)
    expect([await store.use('key', 0, true, 4000), await store.use('key', 6, true, 4000)]).toEqual([false, false])
    expect(await store.ofAccount(accountId)).toMatchObject([
      { counter: 7, backedUp: true, synced: true, usedAt_ms: 3000 },
    ])
    expect(await store.remove('019ab000-0000-7000-8000-000000000000', 'key')).toBe(false)
    expect(await store.remove(accountId, 'key')).toBe(true)
  })

  test('answer a challenge once, for its purpose and in time', async () => {
    const store = passkeyStore(database)
    await store.putChallenge('c', 'sign-in', null, 5000)
    expect(await store.takeChallenge('c', 'register', 1000)).toBeUndefined()
    expect(await store.takeChallenge('c', 'sign-in', 5000)).toBeUndefined()
    const taken = await eight(() => store.takeChallenge('c', 'sign-in', 4000))
    expect(taken.filter((one) => one !== undefined)).toEqual([{ accountId: null }])
    await store.putChallenge('d', 'step-up', accountId, 5000)
    expect([await store.prune(4000), await store.prune(6000)]).toEqual([0, 1])
  })
})
