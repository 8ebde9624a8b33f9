import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createFirstOperator, forgetPassword, keepPassword, keptPasswords } from '#server/identity/first-operator.ts'
import { TooManyTries } from '#server/identity/limits.ts'
import { fitsPassword, hashPassword } from '#server/identity/password.ts'
import { from, ground } from './ground.ts'
import { memoryIdentity } from './stores.ts'

describe('passwords', () => {
  test('are kept as Argon2id with at least 19 MiB', async () => {
    const kept = await hashPassword('correct horse battery')
    expect(kept).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(await fitsPassword(kept, 'correct horse battery')).toBe(true)
    expect(await fitsPassword(kept, 'correct horse batterz')).toBe(false)
  })

  test('an account that does not exist costs as much as a wrong password', async () => {
    const kept = await hashPassword('correct horse battery')
    await fitsPassword(undefined, 'warm up')
    const time = async (work: () => Promise<unknown>) => {
      const start = performance.now()
      for (let round = 0; round < 5; round++) await work()
      return performance.now() - start
    }
    const unknown = await time(() => fitsPassword(undefined, 'x'))
    const wrong = await time(() => fitsPassword(kept, 'x'))
    expect(unknown / wrong).toBeGreaterThan(0.4)
  })
})

describe('the first operator', () => {
  test('is made once, with a password that nobody else has', async () => {
    const { accounts, password } = await ground()
    expect(password).toMatch(/^(\w{4}-){4}\w{4}$/)
    expect(await accounts.byName('admin')).toMatchObject({ bindings: [{ role: 'operator' }], breakGlass: true })
    const keep = () => Promise.reject(new Error('kept again'))
    expect(await createFirstOperator(accounts, 'admin', keep, null)).toBe(false)
  })

  test('has the name that the installer chose, and another name makes no second one', async () => {
    const { accounts } = memoryIdentity()
    const keep = async () => undefined
    expect(await createFirstOperator(accounts, 'ines', keep, null)).toBe(true)
    expect(await accounts.byName('ines')).toMatchObject({ bindings: [{ role: 'operator' }], breakGlass: true })
    expect(await accounts.byName('admin')).toBeUndefined()
    expect(await createFirstOperator(accounts, 'admin', keep, null)).toBe(false)
    expect(await accounts.count()).toBe(1)
  })

  test('is told of by the password that is kept, under whatever name, until it is changed', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'weft-first-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    expect(await keptPasswords(folder)).toEqual([])
    const file = await keepPassword(folder, 'ines', 'one two three')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await keepPassword(folder, 'ada', 'four five six')
    await writeFile(path.join(folder, 'not a name-password'), 'x')
    expect((await keptPasswords(folder)).map(({ name, password }) => [name, password])).toEqual([
      ['ada', 'four five six'],
      ['ines', 'one two three'],
    ])
    await forgetPassword(folder, 'ada')
    expect(await keptPasswords(folder)).toEqual([{ name: 'ines', password: 'one two three', file }])
  })
})

describe('sessions', () => {
  test('the store never holds the id', async () => {
    const { signIn, password, stored } = await ground()
    const { id } = await signIn.signIn({ name: 'admin', password }, from)
    expect(Buffer.from(id, 'base64url')).toHaveLength(32)
    expect(JSON.stringify([...stored.values()])).not.toContain(id)
  })

  test('end when idle, and in any case after their longest life', async () => {
    const { signIn, keeper, password, pass } = await ground()
    const idle = await signIn.signIn({ name: 'admin', password }, from)
    pass(11)
    expect(await keeper.find(idle.id)).toBeUndefined()
    const busy = await signIn.signIn({ name: 'admin', password }, from)
    for (let used = 0; used < 11; used++) {
      pass(5)
      expect(await keeper.find(busy.id)).toBeDefined()
    }
    pass(6)
    expect(await keeper.find(busy.id)).toBeUndefined()
    expect(await keeper.prune()).toBe(2)
  })

  test('are not used by whoever only looks at them', async () => {
    const { signIn, keeper, password, pass } = await ground()
    const { id } = await signIn.signIn({ name: 'admin', password }, from)
    pass(9)
    expect(await keeper.look(id)).toMatchObject({ account: { name: 'admin' } })
    pass(2)
    expect([await keeper.look(id), await keeper.find(id)]).toEqual([undefined, undefined])
  })

  test('another word than an id is nobody', async () => {
    const { keeper } = await ground()
    for (const word of ['', 'x', 'a'.repeat(44), "' OR 1=1"]) expect(await keeper.find(word)).toBeUndefined()
  })

  test('a new password ends the other ones', async () => {
    const { signIn, keeper, password, notices, admin } = await ground()
    const here = await signIn.signIn({ name: 'admin', password }, from)
    const there = await signIn.signIn({ name: 'admin', password }, from)
    await expect(signIn.changePassword(here.caller, 'wrong', 'a giraffe on a bicycle', from)).rejects.toMatchObject({
      code: 'rule',
      errors: [{ pointer: '/current' }],
    })
    await signIn.changePassword(here.caller, password, 'a giraffe on a bicycle', from)
    expect(await keeper.find(here.id)).toBeDefined()
    expect(await keeper.find(there.id)).toBeUndefined()
    await expect(signIn.signIn({ name: 'admin', password }, from)).rejects.toMatchObject({ code: 'unauthenticated' })
    await signIn.signIn({ name: 'admin', password: 'a giraffe on a bicycle' }, from)
    const [told, ...more] = notices.told
    expect([told, more]).toEqual([{ accountId: admin.id, kind: 'password.changed', addresses: ['192.0.2.1'] }, []])
  })
})

describe('tries', () => {
  test('are limited for an account, from wherever they come, and even with the right password then', async () => {
    const { signIn, password, audit } = await ground({ perAccount: 3 })
    for (let round = 0; round < 3; round++)
      await expect(
        signIn.signIn({ name: 'admin', password: 'wrong' }, { ...from, address: `192.0.2.${round}` }),
      ).rejects.toMatchObject({ code: 'unauthenticated' })
    const refused = signIn.signIn({ name: 'ADMIN', password }, from)
    await expect(refused).rejects.toBeInstanceOf(TooManyTries)
    await expect(refused).rejects.toMatchObject({ wait_s: expect.any(Number) })
    await expect(signIn.signIn({ name: 'admin', password }, from)).rejects.toBeInstanceOf(TooManyTries)
    expect(audit.lines).toMatchObject([{ actor: 'ADMIN', reason: 'sign-in.account', address: from.address }])
  })

  test('are limited for an address, whatever names it tries, also all at once', async () => {
    const { signIn, audit } = await ground({ perAccount: 100, perAddress: 4 })
    const tries = Array.from({ length: 10 }, (_, round) => signIn.signIn({ name: `u${round}`, password: 'x' }, from))
    const results = await Promise.allSettled(tries)
    const limited = results.filter((one) => one.status === 'rejected' && one.reason instanceof TooManyTries)
    expect(limited).toHaveLength(6)
    expect(audit.lines).toMatchObject([{ actor: '', reason: 'sign-in.address', address: from.address }])
  })

  test('are limited for an IPv6 network as for one address', async () => {
    const { signIn } = await ground({ perAccount: 100, perAddress: 2 })
    const by = (address: string) => signIn.signIn({ name: 'u', password: 'x' }, { ...from, address })
    for (const last of [1, 2]) await expect(by(`2001:db8::${last}`)).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(by('2001:db8::3')).rejects.toBeInstanceOf(TooManyTries)
    await expect(by('2001:db8:0:1::1')).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('that fail are told to whoever has the name, in the same way where nobody has it', async () => {
    const { signIn, notices } = await ground({ perAccount: 2 })
    for (const name of ['admin', 'nobody'])
      for (let round = 0; round < 3; round++)
        await expect(signIn.signIn({ name, password: 'wrong' }, from)).rejects.toThrow()
    const three = (name: string) => Array.from({ length: 3 }, () => `failed ${name} password 192.0.2.1`)
    expect(notices.tried).toEqual([...three('admin'), ...three('nobody')])
  })

  test('that succeed are forgiven', async () => {
    const { signIn, password } = await ground({ perAccount: 3, perAddress: 3 })
    for (let round = 0; round < 8; round++) await signIn.signIn({ name: 'admin', password }, from)
  })
})
