import { describe, expect, test } from 'vitest'
import { hashPassword } from '#server/identity/password.ts'
import { ground } from './ground.ts'

const OWN = 'seven herons over the marsh'

/** A console whose first operator has a password that was made for them. */
async function withFirst() {
  const console = await ground()
  const admin = await console.stores.accounts.byName('admin')
  if (!admin) throw new Error('There is no first operator.')
  await console.stores.accounts.setPassword(admin.id, await hashPassword(console.password), Date.now() + 60_000)
  return console
}

describe('login with a password that was made for somebody', () => {
  test('takes the new one from a file, and leaves a session that owes nothing', async () => {
    const { weft, file, password } = await withFirst()
    const first = file('first', `${password}\n`)
    const done = await weft('login', '--password-file', first, '--new-password-file', file('own', `${OWN}\n`))
    expect([done.code, done.out]).toEqual([0, expect.stringMatching(/password is changed\.\nSigned in /)])
    expect(JSON.parse((await weft('session', 'show', '-o', 'json')).out)).toMatchObject({ owes: [] })
    expect((await weft('login', '--password-file', first)).code).toBe(4)
    // Where nothing is owed the file is not even read.
    const again = await weft('login', '--password-file', file('own', OWN), '--new-password-file', '/nonexistent')
    expect([again.code, again.out]).toEqual([0, expect.not.stringContaining('is changed')])
  })

  test('ends with 4 in a script without one, and so does all else until then', async () => {
    const { weft, file, password } = await withFirst()
    const blind = await weft('login', '--password-file', file('first', password))
    expect([blind.code, blind.err]).toEqual([4, expect.stringContaining('--new-password-file FILE')])
    const list = await weft('user', 'list')
    expect([list.code, list.err]).toEqual([4, expect.stringContaining('PUT /session/password')])
  })

  test('says what the policy has against the new one', async () => {
    const { weft, file, password } = await withFirst()
    const poor = file('own', 'password password')
    const { code, err } = await weft('login', '--password-file', file('first', password), '--new-password-file', poor)
    expect([code, err]).toEqual([3, expect.stringContaining('/next: ')])
  })
})

test('login where a second factor is asked for says where to add one', async () => {
  const { weft, login } = await ground({}, { WEFT_SECOND_FACTOR: 'required' })
  const { code, err } = await login()
  expect([code, err]).toEqual([4, expect.stringContaining('still owes a second factor')])
  expect((await weft('user', 'list')).code).toBe(4)
})
