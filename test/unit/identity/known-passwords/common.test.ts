import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { isCommonPassword } from '#server/identity/known-passwords/common.ts'
import { commonPasswords } from '#server/identity/known-passwords/make-common.ts'
import { checkByRules } from '#server/identity/password-rules.ts'

const LIST = new URL('../../../../server/identity/known-passwords/common.txt.gz', import.meta.url)
const text = gunzipSync(readFileSync(LIST)).toString('utf8')
const kept = text.trim().split('\n')

/** Whether nothing but the list refuses it. */
function passesRules(password: string): boolean {
  try {
    checkByRules(password, ['weft'], '/next')
    return true
  } catch {
    return false
  }
}

describe('the list of common passwords', () => {
  test('has far more than 3,000 that our own rules would let pass', () => {
    let passing = 0
    // A tenth of it, spread over the whole.
    for (let at = 0; at < kept.length; at += 10) if (passesRules(kept[at] as string)) passing += 1
    expect(passing * 10).toBeGreaterThan(40_000)
  })

  test('is as its maker makes it: long enough, in lower case, sorted, each once', () => {
    expect(kept).toHaveLength(43_940)
    expect(kept.every((one) => one.length >= 12 && one === one.toLowerCase())).toBe(true)
    expect(commonPasswords(kept.toReversed().join('\r\n'))).toBe(text)
    expect(commonPasswords('short\nLongEnough12\nlongenough12\nzz longer than that\n')).toBe(
      '\nlongenough12\nzz longer than that\n',
    )
  })

  test.each([
    ...['123qweasdzxc', 'sonyericsson', 'finalfantasy', 'unbelievable', 'needforspeed', 'counterstrike'],
    ...[kept[0] as string, kept.at(-1) as string, kept[20_000] as string],
  ])('has %s, however its letters are written', async (password) => {
    expect(await isCommonPassword(password)).toBe(true)
    expect(await isCommonPassword(password.toUpperCase())).toBe(true)
  })

  test('has nothing that is longer, shorter, or two of its lines', async () => {
    const [first, second] = kept as [string, string]
    for (const other of ['unbelievabl', 'unbelievable!', 'nbelievable', '', `${first}\n${second}`, 'mohnblume und tau'])
      expect(await isCommonPassword(other), other).toBe(false)
  })
})
