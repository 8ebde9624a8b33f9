import { describe, expect, test } from 'vitest'
import { requireFresh, requirePerson, stepUpPath } from '#server/identity/freshness.ts'
import type { Caller } from '#server/identity/sessions.ts'
import { authenticator } from './authenticator.ts'
import { from, ground, ORIGIN } from './ground.ts'
import { memoryNotices, UNWATCHED } from './stores.ts'

const token = { id: 't', name: 'ci', rights: new Set<never>() }

async function signedIn() {
  const made = await ground()
  const begun = await made.signIn.signIn({ name: 'admin', password: made.password }, from)
  const isFresh = (caller: Caller) => {
    try {
      requireFresh(caller, made.clock.now_ms())
      return true
    } catch (error) {
      expect(error).toMatchObject({ code: 'step-up-required', errors: [{ rule: 'step-up' }] })
      return false
    }
  }
  return { ...made, ...begun, isFresh }
}

describe('a proof of who somebody is', () => {
  test('counts for ten minutes, and using the session does not make it younger', async () => {
    const { caller, isFresh, pass, keeper, id } = await signedIn()
    pass(9)
    expect(isFresh(caller)).toBe(true)
    const later = (await keeper.find(id)) as Caller
    pass(1)
    expect(isFresh(later)).toBe(false)
  })

  test('given anew renews the session: the old id is nobody’s, its name in lists stays', async () => {
    const { caller, id, signIn, password, isFresh, pass, keeper, stored } = await signedIn()
    const [before] = [...stored.values()]
    pass(9)
    const renewed = await signIn.stepUp(caller, { password }, from)
    pass(9)
    expect(renewed.id).not.toBe(id)
    expect(await keeper.find(id)).toBeUndefined()
    const found = (await keeper.find(renewed.id)) as Caller
    expect(isFresh(found)).toBe(true)
    expect([...stored.values()]).toMatchObject([{ id: before?.id, createdAt_ms: before?.createdAt_ms }])
  })

  test('that is wrong renews nothing, and is a failed try', async () => {
    const { caller, id, signIn, password, keeper } = await signedIn()
    for (let round = 0; round < 3; round++)
      await expect(signIn.stepUp(caller, { password: 'wrong' }, from)).rejects.toMatchObject({
        code: 'unauthenticated',
      })
    await expect(signIn.stepUp(caller, { password }, from)).rejects.toMatchObject({ code: 'too-many' })
    expect(await keeper.find(id)).toBeDefined()
  })

  test('by passkey is one’s own, to a challenge for that', async () => {
    const { caller, signIn, passkeys, admin, accounts } = await signedIn()
    const device = authenticator(ORIGIN)
    await passkeys.register(admin, 'x', device.create(await passkeys.beginRegistration(admin, ORIGIN)), ORIGIN)
    const own = await passkeys.begin(ORIGIN, admin)
    expect(own.allowCredentials).toMatchObject([{ id: device.id }])
    const forSignIn = device.get(await passkeys.begin(ORIGIN))
    await expect(signIn.stepUp(caller, { passkey: forSignIn }, from)).rejects.toMatchObject({ code: 'unauthenticated' })
    expect((await signIn.stepUp(caller, { passkey: device.get(own) }, from)).caller.method).toBe('passkey+hardware')
    const olga = await accounts.create(
      { tenantId: null },
      { name: 'olga', displayName: 'Olga', role: 'operator', tenantId: null, passwordHash: '' },
    )
    await expect(passkeys.begin(ORIGIN, olga)).rejects.toMatchObject({ errors: [{ rule: 'passkey.none' }] })
    const theirs = { ...caller, account: olga }
    const stolen = device.get(await passkeys.begin(ORIGIN, admin))
    await expect(signIn.stepUp(theirs, { passkey: stolen }, from)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  test('of a session that ended meanwhile begins none', async () => {
    const { caller, signIn, password, keeper, stored } = await signedIn()
    await keeper.end(caller.session)
    await expect(signIn.stepUp(caller, { password }, from)).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(stored.size).toBe(0)
  })

  test('is given where the account is kept', async () => {
    const { caller, signIn, admin } = await signedIn()
    expect(stepUpPath(caller)).toBeNull()
    const federated = { ...caller, method: 'saml', account: { ...admin, providerId: 'p1' } }
    expect(stepUpPath(federated)).toBe('/saml/login?idp=p1&purpose=step-up')
    expect(stepUpPath({ ...federated, method: 'oidc' })).toBe('/oidc/login?idp=p1&purpose=step-up')
    await expect(signIn.stepUp(federated, { password: 'x' }, from)).rejects.toMatchObject({
      code: 'step-up-required',
      errors: [{ mend: expect.stringContaining('/saml/login?idp=p1&purpose=step-up') }],
    })
  })

  test('is nothing that a token can give or needs', async () => {
    const { caller, signIn, password, isFresh, pass } = await signedIn()
    const bearer = { ...caller, token }
    pass(60)
    expect(isFresh(bearer)).toBe(true)
    expect(() => requirePerson(bearer)).toThrow('does not act for its owner')
    await expect(signIn.stepUp(bearer, { password }, from)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(signIn.changePassword(bearer, password, 'x', from)).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('break-glass accounts', () => {
  test('are loud', async () => {
    const { announced } = await signedIn()
    expect(announced).toEqual(['admin password 192.0.2.1'])
  })

  test('do not sign in where nobody can be told', async () => {
    const { accounts, keeper, password, totp, passkeys, checkPassword, stored } = await ground()
    const { localSignIn } = await import('#server/identity/sign-in.ts')
    const mute = localSignIn({
      ...{ accounts, sessions: keeper, totp, passkeys, local: 'always', secondFactor: 'optional', checkPassword },
      limits: { perAccount: 5, perAddress: 5, window_ms: 1000 },
      watch: UNWATCHED,
      notices: memoryNotices(),
      announce: () => Promise.reject(new Error('the log is full')),
    })
    await expect(mute.signIn({ name: 'admin', password }, from)).rejects.toThrow('the log is full')
    expect(stored.size).toBe(0)
  })

  test('are the only ones of those kept here, where that is configured', async () => {
    const { signIn, password, accounts, admin } = await ground({ local: 'break-glass' })
    await signIn.signIn({ name: 'admin', password }, from)
    const note = {}
    await accounts.update({ tenantId: null }, admin.id, admin.revision, { breakGlass: false })
    await expect(signIn.signIn({ name: 'admin', password }, { ...from, note })).rejects.toMatchObject({
      code: 'forbidden',
      errors: [{ mend: 'Sign in through your identity provider.' }],
    })
    expect(note).toEqual({ reason: 'local-sign-in' })
    await expect(signIn.signIn({ name: 'admin', password: 'wrong' }, from)).rejects.toMatchObject({
      code: 'unauthenticated',
    })
  })
})
