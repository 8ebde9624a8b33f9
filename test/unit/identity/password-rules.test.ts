import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makePassword } from '#server/identity/first-operator.ts'
import { checkPassword, isGuessable } from '#server/identity/password-rules.ts'
import { Refusal } from '#server/kernel/refusal.ts'

describe('a password is refused', () => {
  test.each([
    ...['password1234', 'Password2024!', 'p@ssw0rd12345', 'P4$$w0rdP4$$w0rd', 'PASSWORDPASSWORD', 'welcome123456'],
    ...[
      '123456789012',
      '111111111111',
      'qwertyuiop12',
      'asdfghjkl123',
      '1q2w3e4r5t6y',
      'zaq12wsxcde3',
      'aaaaaaaaaaaaa',
    ],
    ...['abcdefghijkl', 'abcabcabcabc', 'iloveyou1234', 'qwerty123456', '1qaz2wsx3edc', 'changeme2026', 'ytrewq654321'],
    ...['............', '            ', 'letmein-letmein', 'Summer2026!!!', 'admin-admin-admin', 'Administrator1'],
  ])('that everybody tries: %s', (password) => expect(isGuessable(password, [])).toBe(true))

  test.each(['weft-operator-1', 'OpenFlow-Switch-2026', 'tenant.network.1', 'W3ft-Admin-123'])(
    'that is made of words of the field: %s',
    (password) => expect(isGuessable(password, [])).toBe(true),
  )

  test('that is made of the names of whoever chooses it', () => {
    expect(isGuessable('Beatrix-Kowalski-1', ['beatrix.kowalski'])).toBe(true)
    expect(isGuessable('Beatrix-Kowalski-1', ['bob'])).toBe(false)
  })

  test('with its field, the rule and what to do', () => {
    expect(() => checkPassword('password1234', [], '/next')).toThrow(Refusal)
    try {
      checkPassword('password1234', [], '/next')
    } catch (error) {
      expect((error as Refusal).errors[0]).toMatchObject({ pointer: '/next', rule: 'password.guessable' })
    }
  })
})

describe('a password is taken', () => {
  test.each([
    ...[
      'correct horse battery staple',
      'twelve letters at least',
      'Ein Nebel über Moor',
      'kaum7fliegt9wer',
      'жираф и облако',
    ],
    ...['Tr0ub4dor&3xyzzy', '🦒🦒 nothing 🦒🦒 but giraffes'],
  ])('whatever it is made of: %s', (password) => expect(isGuessable(password, ['admin', 'weft'])).toBe(false))

  test('that was made at random', () => {
    for (let round = 0; round < 200; round++) expect(isGuessable(makePassword(), ['admin'])).toBe(false)
  })

  test('or refused, but always answered, also at full length', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 256, unit: 'binary' }), (text) => typeof isGuessable(text, []) === 'boolean'),
    )
    const begun_ms = performance.now()
    isGuessable('ab'.repeat(128), ['ab'])
    isGuessable('x1'.repeat(64).padEnd(256, 'zq'), [])
    expect(performance.now() - begun_ms).toBeLessThan(200)
  })
})
