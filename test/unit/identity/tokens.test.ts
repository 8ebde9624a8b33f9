import { createHash } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { type Right, ROLE_RIGHTS } from '#server/contract/rights.ts'
import type { SecondFactor } from '#server/identity/duties.ts'
import type { AccountRecord, Binding, StoredToken, TokenDirectory } from '#server/identity/ports.ts'
import type { Sessions } from '#server/identity/sessions.ts'
import { callerOfToken, isToken, newToken, withTokens } from '#server/identity/tokens.ts'

const RED = '019ab000-0000-7000-8000-00000000000a'
const NOW_MS = 1_800_000_000_000
const clock = { now_ms: () => NOW_MS, monotonic_ms: () => 0 }
const rules = { secondFactor: 'optional', clock } as const

interface Kept {
  readonly token?: Partial<StoredToken>
  readonly account?: Partial<AccountRecord>
}

const OPERATOR: Binding = {
  ...{ id: 'b', role: 'operator', rights: ROLE_RIGHTS.operator, tenantId: null, tenantName: null, siteId: null },
  ...{ siteName: null, groupName: null, source: 'local', from: [], hours: null },
}

function directory(hash: string, { token, account }: Kept = {}) {
  const touched: number[] = []
  const rights: readonly Right[] = ['network.read', 'key.write']
  const stored: StoredToken = {
    ...{ id: 't', name: 'ci', rights, tenantId: null, tenantName: null, siteId: null, siteName: null },
    ...{ createdAt_ms: NOW_MS - 1000, expiresAt_ms: NOW_MS + 1000, usedAt_ms: null, ownerMethods: [], ...token },
  }
  const anna = {
    id: 'a',
    name: 'anna',
    state: 'active',
    bindings: [OPERATOR],
    providerId: null,
    passwordEndsAt_ms: null,
  }
  const owner = { ...anna, ...account } as unknown as AccountRecord
  const tokens: TokenDirectory = {
    find: async (asked) => (asked === hash ? { token: stored, account: owner } : undefined),
    touch: async (_, at_ms) => void touched.push(at_ms),
  }
  return { tokens, touched }
}

const FROM = { address: '::1', agent: 'curl/8' }
const find = (kept: Kept = {}) => {
  const { token, hash } = newToken()
  return callerOfToken(directory(hash, kept).tokens, token, FROM, rules)
}

describe('the text of a token', () => {
  test('is `weft_`, 256 random bits and a checksum, of which only the hash is kept', () => {
    const { token, hash, prefix } = newToken()
    expect(token).toMatch(/^weft_[A-Za-z0-9_-]{49}$/)
    expect(hash).toBe(createHash('sha256').update(token).digest('hex'))
    expect(token.startsWith(prefix)).toBe(true)
    expect(prefix).toHaveLength(12)
    expect(newToken().token).not.toBe(token)
  })

  test('is known for what it is without asking anybody', () => {
    const { token } = newToken()
    expect(isToken(token)).toBe(true)
    const other = token.at(10) === 'a' ? 'b' : 'a'
    expect(isToken(`${token.slice(0, 10)}${other}${token.slice(11)}`)).toBe(false)
    expect(isToken(token.slice(0, -1))).toBe(false)
    expect(isToken(`x${token}`)).toBe(false)
  })
})

describe('a token acts', () => {
  test('with the rights that both it and its owner have', async () => {
    const caller = await find()
    expect([...(caller?.rights ?? [])].sort()).toEqual(['key.write', 'network.read'])
    expect(caller).toMatchObject({
      scope: { tenantId: null, siteId: null },
      token: { id: 't', name: 'ci' },
      session: '',
    })
    const weaker = await find({ account: { bindings: [{ ...OPERATOR, rights: ['network.read'] }] } })
    expect([...(weaker?.rights ?? [])]).toEqual(['network.read'])
    expect((await find({ account: { bindings: [] } }))?.rights.size).toBe(0)
  })

  test('where it was made for, and nowhere else', async () => {
    const caller = await find({ token: { tenantId: RED, tenantName: 'red' } })
    expect(caller?.scope).toEqual({ tenantId: RED, siteId: null })
    expect([...(caller?.rights ?? [])], 'a key is no tenant’s').toEqual(['network.read'])
    const moved = await find({ account: { bindings: [{ ...OPERATOR, tenantId: RED }] } })
    expect(moved?.rights.size, 'everywhere is more than its owner has now').toBe(0)
  })

  test.each<[string, Kept]>([
    ['that has expired', { token: { expiresAt_ms: NOW_MS } }],
    ['of somebody who was disabled', { account: { state: 'disabled' } }],
  ])('but not one %s', async (_, kept) => {
    expect(await find(kept)).toBeUndefined()
  })

  test('owes what its owner has to settle', async () => {
    const owes = async (kept: Kept, secondFactor: SecondFactor = 'required') => {
      const { token, hash } = newToken()
      return (await callerOfToken(directory(hash, kept).tokens, token, FROM, { secondFactor, clock }))?.owes
    }
    expect(await owes({ account: { passwordEndsAt_ms: NOW_MS } }, 'optional')).toEqual(['password'])
    expect(await owes({}, 'optional')).toEqual([])
    expect(await owes({})).toEqual(['second-factor'])
    expect(await owes({ token: { ownerMethods: ['password+totp'] } })).toEqual([])
    expect(await owes({ token: { ownerMethods: ['password+totp'] } }, 'passkey')).toEqual(['second-factor'])
    expect(await owes({ token: { ownerMethods: ['passkey', 'passkey+hardware'] } }, 'hardware')).toEqual([])
    expect(await owes({ account: { providerId: 'p' } }), 'whom a provider vouches for').toEqual([])
  })

  test('and nothing is looked up for what only looks like one', async () => {
    const { tokens } = directory('')
    const find = vi.fn(tokens.find)
    expect(await callerOfToken({ ...tokens, find }, `weft_${'A'.repeat(49)}`, FROM, rules)).toBeUndefined()
    expect(find).not.toHaveBeenCalled()
  })

  test('and its use is written down once a minute at most', async () => {
    const { token, hash } = newToken()
    const used = async (usedAt_ms: number | null) => {
      const { tokens, touched } = directory(hash, { token: { usedAt_ms } })
      await callerOfToken(tokens, token, FROM, rules)
      return touched
    }
    expect(await used(null)).toEqual([NOW_MS])
    expect(await used(NOW_MS - 59_999)).toEqual([])
    expect(await used(NOW_MS - 60_000)).toEqual([NOW_MS])
  })
})

test('sessions and tokens are told apart by their form', async () => {
  const { token, hash } = newToken()
  const { tokens } = directory(hash, { token: { expiresAt_ms: Date.now() + 60_000 } })
  const sessions = { find: async () => ({ method: 'password' }) } as unknown as Sessions
  const both = withTokens(sessions, tokens, { secondFactor: 'optional' })
  expect((await both.find(token))?.method).toBe('token')
  expect((await both.find(`weft_${'A'.repeat(38)}`))?.method, 'a session may begin like that too').toBe('password')
})
