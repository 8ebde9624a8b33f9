import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeLine, GENESIS, hashLine, lineOf, link } from '#server/identity/audit/line.ts'
import { pictureOf } from '#server/identity/audit/picture.ts'
import type { AuditEntry } from '#server/identity/ports.ts'

const TENANT = '0190a0a0-0000-7000-8000-000000000001'
const ENTRY: AuditEntry = {
  ...{ actor: 'olga', address: '::1', action: 'networks.create', outcome: 'done', subject: 'network/1' },
  ...{ tenantId: TENANT, changeId: null, detail: 'C-1', after: { name: 'web' } },
}

describe('a line', () => {
  test('is hashed as it is written here, so that others can check it', () => {
    const [line] = link([lineOf(ENTRY, 1_764_000_000_123)], new Map()).linked
    const text = `["weft-audit-1","${TENANT}",1,1764000000123,"olga",null,null,"::1","networks.create","done",null,"network/1","${TENANT}",null,"C-1",null,"{\\"name\\":\\"web\\"}"]`
    expect(line && encodeLine(line)).toBe(text)
    const hash = createHash('sha256').update(GENESIS).update(text).digest()
    expect(line?.hash).toEqual(hash)
  })

  test('follows the one before in its own chain', () => {
    const lines = [ENTRY, { ...ENTRY, tenantId: null }, ENTRY].map((entry) => lineOf(entry, 1))
    const { linked, ends } = link(lines, new Map([[TENANT, { sequence: 4, hash: Buffer.alloc(32, 1) }]]))
    expect(linked.map(({ chain, sequence }) => [chain, sequence])).toEqual([
      [TENANT, 5],
      ['operators', 1],
      [TENANT, 6],
    ])
    const [first, , third] = linked
    if (!first || !third) throw new Error('there are three')
    expect(hashLine(first.hash, third)).toEqual(third.hash)
    expect(ends.get(TENANT)).toEqual({ sequence: 6, hash: third.hash })
  })

  test('has no two readings: where any field differs, so does the hash', () => {
    const field = fc.constantFrom('actor', 'address', 'action', 'subject', 'detail', 'provider', 'reason')
    fc.assert(
      fc.property(field, field, fc.string(), fc.string(), (one, other, a, b) => {
        const left = { ...lineOf({ ...ENTRY, [one]: a }, 1), sequence: 1 }
        const right = { ...lineOf({ ...ENTRY, [other]: b }, 1), sequence: 1 }
        expect(encodeLine(left) === encodeLine(right)).toBe(JSON.stringify(left) === JSON.stringify(right))
      }),
    )
  })

  test('of any text can be stored: bounded, well formed, without U+0000', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = lineOf({ ...ENTRY, actor: `${text}\u0000\ud800`, detail: text.repeat(200), tenantId: text }, 1)
        expect(line.actor.isWellFormed() && !line.actor.includes('\u0000')).toBe(true)
        expect(line.detail.length).toBeLessThanOrEqual(4096)
        expect(line.chain).toBe('operators')
      }),
    )
  })
})

describe('an object before or after', () => {
  test.each([
    'password',
    'newPassword',
    'passphrase',
    'clientSecret',
    'secret',
    'token',
    'accessToken',
    'privateKey',
    'private_key',
    'passwordHash',
    'tokenHash',
    'cookie',
    'authorization',
    'credentials',
    'seed',
    'recoveryCodes',
  ])('says nothing of %s', (name) => {
    expect(pictureOf({ [name]: 'told', deep: [{ [name]: ['told'] }] })).not.toContain('told')
  })

  test('says the rest, and that a secret is there', () => {
    const value = {
      name: 'web',
      tokenId: 'x',
      publicKey: 'p',
      keyId: 'k',
      hasPassword: true,
      password: null,
      secret: 'y',
    }
    expect(JSON.parse(pictureOf(value) ?? '')).toEqual({ ...value, secret: '(hidden)' })
  })

  test('is kept in its beginning where it is large, with the hash of the whole', () => {
    const text = '€'.repeat(20_000)
    const cut = JSON.parse(pictureOf({ text }) ?? '')
    const whole = JSON.stringify({ text })
    expect(cut).toEqual({
      ...{ cut: true, octets: Buffer.byteLength(whole) },
      sha256: createHash('sha256').update(whole).digest('hex'),
      start: expect.stringMatching(/^\{"text":"€+$/),
    })
    expect(Buffer.byteLength(JSON.stringify(cut))).toBeLessThan(16_384)
  })

  test('is never more than 16 KiB, however it is made', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const picture = pictureOf({ value, more: '\u0001"\\'.repeat(5000) })
        expect(Buffer.byteLength(picture ?? '')).toBeLessThanOrEqual(16_384)
        expect(() => JSON.parse(picture ?? '')).not.toThrow()
      }),
    )
    const round: Record<string, unknown> = { name: 'x' }
    round.self = round
    expect(pictureOf(round)).toContain('(deeper)')
    expect(pictureOf({ at: new Date(0), count: 5n, octets: Buffer.alloc(3), none: undefined })).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","count":"5","octets":"(3 octets)"}',
    )
    expect([pictureOf(undefined), pictureOf(null)]).toEqual([null, null])
  })
})
