import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyIdOf, openWith, sealWith } from '#server/keys/blob.ts'
import { masterWrapper } from '#server/keys/master.ts'
import { SealBroken } from '#server/keys/ports.ts'

const bytes = (minLength: number, maxLength = minLength) =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array))
const sealedValue = fc.record({ id: fc.uuid(), key: bytes(32), context: fc.string(), plain: bytes(0, 300) })

describe('a sealed value', () => {
  test('names its key, and opens under that key and context alone', () => {
    fc.assert(
      fc.property(sealedValue, bytes(32), fc.string(), ({ id, key, context, plain }, otherKey, otherContext) => {
        const sealed = sealWith(id, key, context, plain)
        expect(keyIdOf(sealed)).toBe(id)
        expect(openWith(key, context, sealed)).toEqual(plain)
        if (!otherKey.equals(key)) expect(() => openWith(otherKey, context, sealed)).toThrow(SealBroken)
        if (otherContext !== context) expect(() => openWith(key, otherContext, sealed)).toThrow(SealBroken)
      }),
    )
  })

  test('opens in no other form: not with a bit changed, anywhere, nor shortened, nor lengthened', () => {
    fc.assert(
      fc.property(sealedValue, fc.nat(), fc.nat(7), ({ id, key, context, plain }, place, bit) => {
        const sealed = sealWith(id, key, context, plain)
        const at = place % sealed.length
        const flipped = Buffer.from(sealed)
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit)
        const open = (blob: Buffer) => {
          keyIdOf(blob)
          return openWith(key, context, blob)
        }
        expect(() => open(flipped)).toThrow(SealBroken)
        expect(() => open(sealed.subarray(0, at))).toThrow(SealBroken)
        expect(() => open(Buffer.concat([sealed, Buffer.of(bit)]))).toThrow(SealBroken)
      }),
    )
  })

  test('does not show its content, and is never the same twice', () => {
    const [key, plain] = [randomBytes(32), Buffer.from('the same words again and again')]
    const seal = () => sealWith('019ab000-0000-7000-8000-000000000000', key, 'a', plain)
    const many = Array.from({ length: 200 }, () => seal().toString('hex'))
    expect(new Set(many).size).toBe(200)
    for (const one of many) expect(one).not.toContain(plain.subarray(0, 8).toString('hex'))
  })
})

describe('a master key', () => {
  test('unwraps what it wrapped, in its own place alone', async () => {
    const [one, other] = [masterWrapper(randomBytes(32)), masterWrapper(randomBytes(32))]
    const secret = randomBytes(48)
    const wrapped = await one.wrap('key/1', secret)
    expect(await one.unwrap('key/1', wrapped)).toEqual(secret)
    await expect(one.unwrap('key/2', wrapped)).rejects.toThrow(SealBroken)
    await expect(other.unwrap('key/1', wrapped)).rejects.toThrow(SealBroken)
  })

  test('is told from another by a check value that does not contain it', () => {
    const key = randomBytes(32)
    expect(masterWrapper(key).name).toMatch(/^master:[0-9a-f]{8}$/)
    expect(masterWrapper(key).name).toBe(masterWrapper(Buffer.from(key)).name)
    expect(masterWrapper(randomBytes(32)).name).not.toBe(masterWrapper(key).name)
    expect(key.toString('hex')).not.toContain(masterWrapper(key).name.slice(7))
  })
})
