import { spawn } from 'node:child_process'
import { Secret, TOTP } from 'otpauth'
import { describe, expect, test } from 'vitest'
import { ROOT } from '#server/config.ts'
import { hashPassword } from '#server/identity/password.ts'
import { ground } from './ground.ts'

const OWN = 'seven herons over the marsh'

/** A console whose first operator has a password that was made for them. */
async function withFirst(environment: Readonly<Record<string, string>> = {}) {
  const console = await ground({}, environment)
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

/** The command at a terminal, which answers each question once it is asked. */
function atTerminal(
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  answers: readonly [RegExp, (said: string) => string][],
) {
  const command = [process.execPath, 'server/cli/main.ts', ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'inherit'] })
  return new Promise<{ code: number | null; out: string }>((resolve, reject) => {
    let [out, asked] = ['', 0]
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      const [question, answer] = answers[asked] ?? []
      if (!question?.test(out) || !answer) return
      asked += 1
      child.stdin.write(`${answer(out)}\r`)
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out }))
  })
}

test('login at a terminal asks twice for the new password, adds codes, and goes on under the new id', async () => {
  const { env, password, weft, stores } = await withFirst({ WEFT_SECOND_FACTOR: 'required' })
  const code = (out: string) => {
    const secret = /secret=([A-Z2-7]+)/.exec(out)?.[1] ?? ''
    return new TOTP({ secret: Secret.fromBase32(secret) }).generate()
  }
  const { code: ended, out } = await atTerminal(
    env,
    ['login'],
    [
      [/Password: $/, () => password],
      [/Choose your own: $/, () => OWN],
      [/The same again: $/, () => OWN],
      [/The code that it shows: $/, code],
    ],
  )
  expect([ended, out]).toEqual([0, expect.stringContaining('Signed in to')])
  for (const secret of [password, OWN]) expect(out, 'what is typed is not shown').not.toContain(secret)
  const session = JSON.parse((await weft('session', 'show', '-o', 'json')).out)
  expect(session).toMatchObject({ owes: [], method: 'password+totp' })
  expect(stores.stored.size).toBe(1)
})
