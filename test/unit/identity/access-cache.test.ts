import { describe, expect, test } from 'vitest'
import { cachedSessions, cachedTokens } from '#server/identity/access-cache.ts'
import type { Moved, SessionStore, StoredToken } from '#server/identity/ports.ts'
import { from, ground } from './ground.ts'
import { toldMoves } from './stores.ts'

async function cached({ entries = 10 } = {}) {
  const made = await ground()
  const word = toldMoves()
  let reads = 0
  let touches = 0
  const counting: SessionStore = {
    ...made.sessions,
    find: (hash) => {
      reads += 1
      return made.sessions.find(hash)
    },
    touch: (hash, seen) => {
      touches += 1
      return made.sessions.touch(hash, seen)
    },
  }
  const limits = { kept_ms: 5000, entries }
  const store = cachedSessions(counting, { moves: word.moves, clock: made.clock, limits })
  const begin = async () => (await made.signIn.signIn({ name: 'admin', password: made.password }, from)).caller.session
  return { ...made, ...word, store, begin, reads: () => reads, touches: () => touches, hash: await begin() }
}

describe('what was found of a session', () => {
  test('is remembered for some seconds', async () => {
    const { store, hash, reads, pass } = await cached()
    const first = await store.find(hash)
    expect(await store.find(hash)).toBe(first)
    expect(reads()).toBe(1)
    pass(1)
    await store.find(hash)
    expect(reads()).toBe(2)
  })

  test('is read once, however many ask at once', async () => {
    const { store, hash, reads } = await cached()
    await Promise.all(Array.from({ length: 20 }, () => store.find(hash)))
    expect(reads()).toBe(1)
  })

  test.each<[string, (hash: string, account: string) => Moved]>([
    ['of the session', (hash) => ({ kind: 'session', keys: [hash] })],
    ['of its account', (_, account) => ({ kind: 'account', keys: [account] })],
    ['of anything', () => ({ kind: 'anything' })],
  ])('is forgotten at a write %s', async (_words, moved) => {
    const { store, hash, reads, tell, admin } = await cached()
    await store.find(hash)
    tell(moved(hash, admin.id))
    await store.find(hash)
    expect(reads()).toBe(2)
  })

  test('is kept at writes of others', async () => {
    const { store, hash, reads, tell } = await cached()
    await store.find(hash)
    tell({ kind: 'session', keys: ['other'] })
    tell({ kind: 'account', keys: ['other'] })
    tell({ kind: 'token', keys: [hash] })
    await store.find(hash)
    expect(reads()).toBe(1)
  })

  test('is not kept, nor given to who asks later, when a write came while it was read', async () => {
    const { sessions, moves, tell, clock, hash } = await cached()
    const gates: (() => void)[] = []
    const slow: SessionStore = {
      ...sessions,
      find: async (one) => {
        const found = await sessions.find(one)
        await new Promise<void>((open) => gates.push(open))
        return found
      },
    }
    const store = cachedSessions(slow, { moves, clock })
    const early = store.find(hash)
    await expect.poll(() => gates.length).toBe(1)
    await sessions.remove(hash)
    tell({ kind: 'session', keys: [hash] })
    const late = store.find(hash)
    await expect.poll(() => gates.length).toBe(2)
    for (const open of gates) open()
    expect(await early).toBeDefined()
    expect(await late).toBeUndefined()
    const after = store.find(hash)
    await expect.poll(() => gates.length).toBe(3)
    gates[2]?.()
    expect(await after).toBeUndefined()
  })

  test('is not remembered while writes of others may be missed', async () => {
    const { store, hash, reads, lose } = await cached()
    await store.find(hash)
    lose()
    await store.find(hash)
    await store.find(hash)
    expect(reads()).toBe(3)
  })

  test('leaves with its own end, renewal and move', async () => {
    const { store, hash, begin, admin } = await cached()
    await store.find(hash)
    await store.move(hash, { tenantId: 'red' })
    expect((await store.find(hash))?.session.tenantId).toBe('red')
    await store.renew(hash, {
      ...{ hash: 'next', method: 'passkey', authenticatedAt_ms: 1, seenAt_ms: 1, address: '::1', agent: 'x' },
      ...{ provedNetworks: ['this host'], provedAgent: 'x' },
    })
    expect(await store.find(hash)).toBeUndefined()
    await store.remove('next')
    expect(await store.find('next')).toBeUndefined()
    const [one, two] = [await begin(), await begin()]
    await Promise.all([store.find(one), store.find(two)])
    await store.removeOfAccount(admin.id, two)
    expect([await store.find(one), (await store.find(two))?.session.hash]).toEqual([undefined, two])
  })

  test('takes up so much room, and what was not used for longest makes it', async () => {
    const { store, hash, reads, begin } = await cached({ entries: 2 })
    const [second, third] = [await begin(), await begin()]
    for (const one of [hash, second, hash, third, hash]) await store.find(one)
    expect(reads()).toBe(3)
    await store.find(second)
    expect(reads()).toBe(4)
  })

  test('says when it was used, without being read again', async () => {
    const { store, hash, reads, touches } = await cached()
    await store.find(hash)
    await store.touch(hash, { seenAt_ms: 42, address: '::1', agent: 'x' })
    expect((await store.find(hash))?.session.seenAt_ms).toBe(42)
    expect([reads(), touches()]).toEqual([1, 1])
  })

  test('of ids that nobody has is not remembered', async () => {
    const { store, reads } = await cached()
    for (let round = 0; round < 3; round++) expect(await store.find('nobody')).toBeUndefined()
    expect(reads()).toBe(3)
  })
})

test('tokens are remembered likewise', async () => {
  const { admin, moves, tell, clock } = await cached()
  let reads = 0
  const token: StoredToken = {
    ...{ id: 't', name: 'ci', rights: [], tenantId: null, tenantName: null, siteId: null, siteName: null },
    ...{ createdAt_ms: 1, expiresAt_ms: 9e15, usedAt_ms: null, ownerMethods: [] },
  }
  const find = async () => {
    reads += 1
    return { token, account: admin }
  }
  const tokens = cachedTokens({ find, touch: async () => undefined }, { moves, clock })
  await tokens.find('h')
  await tokens.touch('t', 7, '::1')
  expect((await tokens.find('h'))?.token.usedAt_ms).toBe(7)
  expect(reads).toBe(1)
  tell({ kind: 'token', keys: ['h'] })
  await tokens.find('h')
  expect(reads).toBe(2)
})
