import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '#server/config.ts'
import { openBreachedPasswords } from '#server/identity/known-passwords/breached.ts'
import { hasHash, type ReadAt } from '#server/identity/known-passwords/sorted-hashes.ts'

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex').toUpperCase()
/** As the published list has them: every line ends with CR and LF. */
const listOf = (hashes: Iterable<string>, end = '\r\n') =>
  [...new Set(hashes)]
    .sort()
    .map((hash, index) => `${hash}:${1 + index * 7_919}${end}`)
    .join('')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'weft-breached-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function kept(text: string | Buffer, name = 'list.txt'): string {
  const file = path.join(folder, name)
  writeFileSync(file, text)
  return file
}

describe('a breached password', () => {
  test('is found in lines as they are published, and no other is', async () => {
    // Of the published list.
    const lines = [
      ...['5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10437277', '7C4A8D09CA3762AF61E59520943DC26494F8941B:42542807'],
      'B1B3773A05C0ED0176787A4F1574FF0075F7521E:10556095',
    ]
    const breached = await openBreachedPasswords(kept(`${lines.join('\r\n')}\r\n`))
    for (const password of ['password', '123456', 'qwerty']) expect(await breached.has(password)).toBe(true)
    for (const password of ['Password', '1234567', '', 'Ein Nebel über Moor'])
      expect(await breached.has(password)).toBe(false)
  })

  test('is found among 300,000 by a few small reads', async () => {
    const passwords = Array.from({ length: 300_000 }, (_, index) => `password ${index}`)
    const list = Buffer.from(listOf(passwords.map(sha1)))
    const breached = await openBreachedPasswords(kept(list))
    for (let index = 0; index < passwords.length; index += 9_973) {
      expect(await breached.has(`password ${index}`)).toBe(true)
      expect(await breached.has(`another ${index}`)).toBe(false)
    }
    let [reads, bytes] = [0, 0]
    const read: ReadAt = async (position, length) => {
      reads += 1
      bytes += length
      return list.subarray(position, position + length)
    }
    expect(await hasHash(read, list.length, sha1('password 200000'))).toBe(true)
    expect(reads).toBeLessThanOrEqual(Math.ceil(Math.log2(list.length / 4096)) + 1)
    expect(bytes).toBeLessThan(8_192)
  })

  test('is whatever is in the list: the same as in a set, at every size and with either end of line', async () => {
    const hash = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('hex'))
    const upper = hash.map((text) => text.toUpperCase())
    const hashes = fc.uniqueArray(upper, { minLength: 1, maxLength: 400, size: 'max' })
    await fc.assert(
      fc.asyncProperty(hashes, hashes, fc.constantFrom('\n', '\r\n'), fc.boolean(), async (held, others, end, cut) => {
        const text = listOf(held, end)
        const list = Buffer.from(cut ? text.trimEnd() : text)
        const read: ReadAt = async (position, length) => list.subarray(position, position + length)
        const all = new Set(held)
        for (const one of [...held, ...others, '0'.repeat(40), 'F'.repeat(40)])
          expect(await hasHash(read, list.length, one)).toBe(all.has(one))
      }),
      { numRuns: 40 },
    )
  })

  test('of a newer list counts from the moment that this takes the place of the one before', async () => {
    const file = kept(listOf([sha1('one')]))
    const breached = await openBreachedPasswords(file)
    expect(await breached.has('two')).toBe(false)
    renameSync(kept(listOf([sha1('two')]), 'newer.txt'), file)
    expect([await breached.has('one'), await breached.has('two')]).toEqual([false, true])
  })
})

describe('a list of breached passwords', () => {
  const many = Array.from({ length: 2_000 }, (_, index) => sha1(`a${index}`))
  const sorted = listOf(many)
  const lines = sorted.split('\r\n')
  test.each([
    ['that is not there', undefined, 'ENOENT'],
    ['that is empty', '', 'it is empty'],
    ['of passwords', 'password\r\n123456\r\n', 'byte 0 begins no line HASH:COUNT'],
    ['of hashes of another kind', `${randomBytes(16).toString('hex').toUpperCase()}:3\r\n`, 'HASH:COUNT'],
    ['in lower case', sorted.toLowerCase(), 'upper-case'],
    ['without counts', sorted.replaceAll(/:\d+/g, ''), 'HASH:COUNT'],
    ['that breaks off', sorted.slice(0, -30), 'HASH:COUNT'],
    ['that is sorted by count', lines.toReversed().join('\r\n').trim(), 'does not sort'],
    ['of two lists, one after the other', sorted + sorted, 'does not sort'],
    ['without ends of lines', 'A'.repeat(5_000), 'no line'],
    ['that is packed', randomBytes(20_000), 'byte'],
  ])('%s is named at start', async (_, text, words) => {
    const file = text === undefined ? path.join(folder, 'missing.txt') : kept(text)
    const refused = openBreachedPasswords(file)
    await expect(refused).rejects.toBeInstanceOf(ConfigError)
    await expect(refused).rejects.toThrow(`WEFT_BREACHED_PASSWORDS=${file}: `)
    await expect(refused).rejects.toThrow(words)
  })

  test('that is a folder is named at start', async () => {
    await expect(openBreachedPasswords(folder)).rejects.toThrow(`WEFT_BREACHED_PASSWORDS=${folder}: it is no file`)
  })

  test('that is spoiled later is a fault, never a no', async () => {
    const file = kept(sorted, 'spoiled.txt')
    const breached = await openBreachedPasswords(file)
    writeFileSync(file, 'x'.repeat(sorted.length))
    await expect(breached.has('a7')).rejects.toThrow('no end of a line')
    writeFileSync(file, '')
    await expect(breached.has('a7')).rejects.toThrow('empty')
    rmSync(file)
    await expect(breached.has('a7')).rejects.toThrow('ENOENT')
  })
})
