import { Secret, TOTP } from 'otpauth'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { tokenHandlers } from '#server/api/tokens.ts'
import { memoryNotices } from '../identity/stores.ts'
import { ground } from './ground.ts'

type Parts = Parameters<typeof tokenHandlers>[0]

/** `./weft token create`, a dangerous act, that is only counted here. */
async function withTokens() {
  let made = 0
  const store: Pick<Parts, 'create'> = {
    create: async () => {
      made += 1
      throw new Error('counted')
    },
  }
  const console = await ground({ tokens: tokenHandlers(store as Parts, memoryNotices().tell) })
  const age = () => {
    for (const [hash, session] of console.stores.stored)
      console.stores.stored.set(hash, { ...session, authenticatedAt_ms: Date.now() - 11 * 60_000 })
  }
  const create = (...more: string[]) => console.weft('token', 'create', 'ci', '--rights', 'network.read', ...more)
  return { ...console, age, create, made: () => made }
}

describe('a dangerous act from the command line', () => {
  test('asks for the password where the sign-in is old, and repeats what was asked', async () => {
    const { login, age, create, file, password, made, weft } = await withTokens()
    await login()
    age()
    const blind = await create()
    expect([blind.code, made()]).toEqual([4, 0])
    expect(blind.err).toContain('needs a fresh proof of who you are')
    const wrong = await create('--password-file', file('wrong', 'not the password'))
    expect([wrong.code, made()]).toEqual([4, 0])
    await create('--password-file', file('right', `${password}\n`))
    expect(made()).toBe(1)
    // The session that was renewed is the one that is kept.
    expect((await weft('session', 'show')).code).toBe(0)
    await create()
    expect(made()).toBe(2)
  })
})

test('sign-in asks for the code where one is needed', async () => {
  const { credentials, stores, weft, file, password } = await ground()
  const admin = await stores.accounts.byName('admin')
  if (!admin) throw new Error('There is no first operator.')
  const { secret } = await credentials.totp.begin(admin)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  onTestFinished(() => void vi.useRealTimers())
  const code = TOTP.generate({ secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: 30 })
  await credentials.totp.confirm(admin.id, code)
  const { code: exit, err } = await weft('login', '--password-file', file('password', password))
  expect(exit).toBe(4)
  expect(err).toContain('The code of the second factor is missing.')
})
