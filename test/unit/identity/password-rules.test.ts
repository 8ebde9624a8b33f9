import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makePassword } from '#server/identity/first-password.ts'
import { checkByRules } from '#server/identity/password-rules.ts'
import { Refusal } from '#server/kernel/refusal.ts'

/** Which rule a password breaks; undefined: none. */
function broken(password: string, names: readonly string[] = []): string | undefined {
  try {
    checkByRules(password, names, '/next')
  } catch (error) {
    if (error instanceof Refusal) return error.errors[0]?.rule
    throw error
  }
  return undefined
}

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
  ])('that everybody tries: %s', (password) => expect(broken(password, [])).toMatch(/^password\./))

  test.each(['weft-operator-1', 'OpenFlow-Switch-2026', 'tenant.network.1', 'W3ft-Admin-123'])(
    'that is made of words of the field: %s',
    (password) => expect(broken(password, [])).toMatch(/^password\./),
  )

  test('that is made of the names of whoever chooses it', () => {
    expect(broken('Beatrix-Kowalski-1', ['beatrix.kowalski'])).toMatch(/^password\./)
    expect(broken('Beatrix-Kowalski-1', ['bob'])).toBeUndefined()
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
  ])('whatever it is made of: %s', (password) => expect(broken(password, ['admin', 'weft'])).toBeUndefined())

  test('that was made at random', () => {
    for (let round = 0; round < 200; round++) expect(broken(makePassword(), ['admin'])).toBeUndefined()
  })

  test('or refused, but always answered, also at full length', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 256, unit: 'binary' }), (text) => {
        expect(broken(text)).toSatisfy((rule) => rule === undefined || /^password\./.test(String(rule)))
      }),
    )
    const begun_ms = performance.now()
    broken('ab'.repeat(128), ['abab'])
    broken('x1'.repeat(64).padEnd(256, 'zq'), [])
    expect(performance.now() - begun_ms).toBeLessThan(200)
  })
})
