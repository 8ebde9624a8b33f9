import { expect, test } from 'vitest'
import { passwordCheck } from '#server/identity/password-check.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import { checkPassword } from './credential-stores.ts'
import { from, ground } from './ground.ts'

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof Refusal) return { code: error.code, ...error.errors[0] }
      throw error
    },
  )

const breached = { has: async (password: string) => password === 'a giraffe on a bicycle' }

test('each way in which others know a password is refused by its name, at its field, with a mend', async () => {
  const check = passwordCheck({ product: 'Skein', breached, onFault: () => undefined })
  const asked = (password: string) => refusalOf(check(password, ['bea'], '/next'))
  expect(await asked('Password2026!')).toMatchObject({ code: 'rule', pointer: '/next', rule: 'password.common' })
  expect(await asked('Skein-Skein-77')).toMatchObject({ code: 'rule', rule: 'password.name' })
  expect(await asked('NeedForSpeed')).toMatchObject({
    ...{ code: 'rule', pointer: '/next', rule: 'password.common', message: 'The password is one of the commonest.' },
    mend: 'Take several words of your own.',
  })
  expect(await asked('a giraffe on a bicycle')).toMatchObject({
    ...{ code: 'rule', pointer: '/next', rule: 'password.breached', mend: 'Take one that you use nowhere else.' },
  })
  expect(await asked('a giraffe on a tricycle')).toBeUndefined()
})

test('without a list of breached ones the rules and the common ones are asked', async () => {
  expect(await refusalOf(checkPassword('a giraffe on a bicycle', [], '/next'))).toBeUndefined()
  expect(await refusalOf(checkPassword('needforspeed', [], '/next'))).toMatchObject({ rule: 'password.common' })
})

test('a list that cannot be asked lets nothing pass, and is told to whoever runs the installation', async () => {
  const faults: string[] = []
  const check = passwordCheck({
    ...{ product: 'Weft', onFault: ({ message }: Error) => void faults.push(message) },
    breached: { has: () => Promise.reject(new Error('EIO')) },
  })
  expect(await refusalOf(check('a giraffe on a tricycle', [], '/password'))).toMatchObject({
    ...{ code: 'unavailable', pointer: '/password', rule: 'password.unchecked' },
    mend: expect.stringContaining('WEFT_BREACHED_PASSWORDS'),
  })
  expect(faults).toEqual(['EIO'])
})

test('a common password changes nothing: the one before goes on', async () => {
  const { signIn, password } = await ground()
  const { caller } = await signIn.signIn({ name: 'admin', password }, from)
  const changed = refusalOf(signIn.changePassword(caller, password, 'NeedForSpeed', from))
  expect(await changed).toMatchObject({ pointer: '/next', rule: 'password.common' })
  await signIn.signIn({ name: 'admin', password }, from)
})
