import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { relyingParties } from '#server/identity/credentials/relying-party.ts'
import type { LocalOrigin } from '#server/identity/sign-in.ts'
import { authenticator, type Oddities } from './authenticator.ts'
import { from, ground, ORIGIN } from './ground.ts'

async function registered() {
  const made = await ground()
  const device = authenticator(ORIGIN)
  const options = await made.passkeys.beginRegistration(made.admin, ORIGIN)
  const passkey = await made.passkeys.register(made.admin, 'laptop', device.create(options), ORIGIN)
  const enter = async (odd: Oddities = {}) => {
    const note: LocalOrigin['note'] = {}
    const challenge = await made.passkeys.begin(ORIGIN)
    const entered = made.signIn.signIn({ passkey: device.get(challenge, odd) }, { ...from, note })
    return entered.then(
      ({ caller }) => ({ name: caller.account.name, method: caller.method, reason: undefined }),
      (error: { code: string }) => ({ code: error.code, reason: note.reason }),
    )
  }
  return { ...made, device, passkey, enter }
}

describe('a passkey', () => {
  test('signs in without a name, and its counter goes on', async () => {
    const { enter, passkeys, admin, passkey } = await registered()
    expect(passkey).toMatchObject({ name: 'laptop', transports: ['internal'], usedAt_ms: null })
    expect(await enter()).toMatchObject({ name: 'admin', method: 'passkey+hardware' })
    expect(await enter()).toMatchObject({ name: 'admin' })
    expect(await passkeys.of(admin.id)).toMatchObject([{ counter: 2, usedAt_ms: expect.any(Number) }])
  })

  test('must be discoverable and verify its person, and tells nobody which names there are', async () => {
    const { passkeys, admin } = await registered()
    const creation = await passkeys.beginRegistration(admin, ORIGIN)
    expect(creation).toMatchObject({
      rp: { id: 'localhost' },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      excludeCredentials: [{ type: 'public-key' }],
    })
    const request = await passkeys.begin(ORIGIN)
    expect(request).toMatchObject({ rpId: 'localhost', userVerification: 'required' })
    expect(request.allowCredentials).toBeUndefined()
  })

  test.each<[string, Oddities, string]>([
    ['made on another origin', { origin: 'http://localhost.evil.example' }, 'passkey-check'],
    ['for another relying party', { rpId: 'evil.example' }, 'passkey-check'],
    ['of another kind', { type: 'webauthn.create' }, 'passkey-check'],
    ['whose signature is spoilt', { spoil: true }, 'passkey-signature'],
    ['without verification of its person', { verified: false }, 'passkey-check'],
    ['of a page in a frame', { framed: true }, 'passkey-form'],
    ['of another person', { userHandle: randomBytes(16) }, 'passkey-owner'],
    ['with a challenge of nobody', { challenge: randomBytes(32).toString('base64url') }, 'passkey-check'],
    ['whose counter stands still, as a copy would', { counter: 0 }, 'passkey-counter'],
  ])('is refused: a proof %s', async (_words, odd, reason) => {
    const { enter } = await registered()
    await enter()
    expect(await enter(odd)).toEqual({ code: 'unauthenticated', reason })
    expect(await enter()).toMatchObject({ name: 'admin' })
  })

  test('answers each challenge once, also of eight at once', async () => {
    const { passkeys, signIn, device } = await registered()
    const challenge = await passkeys.begin(ORIGIN)
    const proofs = Array.from({ length: 8 }, () => device.get(challenge))
    const results = await Promise.allSettled(proofs.map((passkey) => signIn.signIn({ passkey }, from)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('answers no challenge that is too old, or for something else', async () => {
    const { passkeys, signIn, device, pass, admin } = await registered()
    const old = await passkeys.begin(ORIGIN)
    pass(3)
    await expect(signIn.signIn({ passkey: device.get(old) }, from)).rejects.toMatchObject({ code: 'unauthenticated' })
    const forStepUp = await passkeys.begin(ORIGIN, admin)
    await expect(signIn.signIn({ passkey: device.get(forStepUp) }, from)).rejects.toThrow('not accepted')
  })

  test('is registered once, for the person who began, and not from what is no answer', async () => {
    const { passkeys, admin, device, accounts } = await registered()
    const other = await accounts.create(
      { tenantId: null },
      { name: 'olga', displayName: 'Olga', role: 'operator', tenantId: null, passwordHash: '' },
    )
    const refused = { code: 'rule', errors: [{ pointer: '/response' }] }
    const again = await passkeys.beginRegistration(admin, ORIGIN)
    const answer = device.create(again)
    await expect(passkeys.register(other, 'x', answer, ORIGIN)).rejects.toMatchObject(refused)
    const mine = device.create(await passkeys.beginRegistration(admin, ORIGIN))
    await expect(passkeys.register(admin, 'x', mine, ORIGIN)).rejects.toMatchObject(refused)
    for (const nothing of [{}, { id: 'x' }, null, 'x', { ...answer, response: { clientDataJSON: '!' } }])
      await expect(passkeys.register(admin, 'x', nothing, ORIGIN)).rejects.toMatchObject(refused)
  })

  test('that was removed, or whose account is disabled, is nobody’s', async () => {
    const { enter, passkeys, admin, device, accounts } = await registered()
    await accounts.update({ tenantId: null }, admin.id, admin.revision, { state: 'disabled' })
    expect(await enter()).toEqual({ code: 'unauthenticated', reason: 'disabled' })
    await passkeys.remove(admin.id, device.id)
    expect(await enter()).toEqual({ code: 'unauthenticated', reason: 'passkey-unknown' })
    await expect(passkeys.remove(admin.id, device.id)).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('the relying party', () => {
  const http = { host: '127.0.0.1', port: 3000, socket: '/engine', tls: undefined, trustedProxies: [] as string[] }
  const at = (more: object) =>
    relyingParties({ ...http, metricsToken: undefined, origin: 'http://127.0.0.1:3000', ...more })

  test('is the name of the console, or localhost on loopback', () => {
    expect(at({})('http://localhost:3000')).toEqual({ id: 'localhost', origin: 'http://localhost:3000' })
    const named = at({ host: '0.0.0.0', origin: 'https://weft.example.net' })
    expect(named('https://weft.example.net')).toEqual({ id: 'weft.example.net', origin: 'https://weft.example.net' })
  })

  test('is no address: the refusal says where to open the console', () => {
    expect(() => at({})('http://127.0.0.1:3000')).toThrow(
      expect.objectContaining({
        errors: [expect.objectContaining({ mend: 'Open the console at http://localhost:3000.' })],
      }),
    )
    const nameless = at({ host: '192.0.2.1', origin: 'https://192.0.2.1:3000' })
    expect(() => nameless('https://192.0.2.1:3000')).toThrow(
      expect.objectContaining({ errors: [expect.objectContaining({ mend: expect.stringContaining('WEFT_ORIGIN') })] }),
    )
    expect(() => nameless('https://evil.example')).toThrow('only an address')
  })
})
