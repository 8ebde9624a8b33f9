import { Secret, TOTP } from 'otpauth'
import { describe, expect, test } from 'vitest'
import { from, ground } from './ground.ts'

const STEP_S = 30

/** A device that shows codes for a secret in base32. */
const codesOf = (secret: string) => (at_ms: number) =>
  TOTP.generate({ secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: STEP_S, timestamp: at_ms })

async function withCodes(stepsApart = 0) {
  const made = await ground({ perAccount: 6, stepsApart })
  const { secret, uri } = await made.totp.begin(made.admin)
  const codeAt = codesOf(secret)
  const code = (steps = 0) => codeAt(made.clock.now_ms() + steps * STEP_S * 1000)
  await made.totp.confirm(made.admin.id, code())
  made.pass(2)
  const enter = (typed?: string) => made.signIn.signIn({ name: 'admin', password: made.password, code: typed }, from)
  return { ...made, secret, uri, code, enter }
}

describe('codes by time', () => {
  test('are those of RFC 6238', () => {
    const secret = Buffer.from('12345678901234567890')
    const at = (time_s: number) => codesOf(new Secret({ buffer: Uint8Array.from(secret).buffer }).base32)(time_s * 1000)
    expect([59, 1_111_111_109, 20_000_000_000].map(at)).toEqual(['287082', '081804', '353130'])
  })

  test('are asked after the right password alone, and then both count', async () => {
    const { enter, code, uri, signIn } = await withCodes()
    expect(uri).toMatch(/^otpauth:\/\/totp\/Weft(%20|\+)test:admin\?.*period=30/)
    await expect(enter()).rejects.toMatchObject({ code: 'code-required', errors: [{ pointer: '/code' }] })
    const blind = signIn.signIn({ name: 'admin', password: 'wrong', code: code() }, from)
    await expect(blind).rejects.toMatchObject({ code: 'unauthenticated', errors: [] })
    expect((await enter(code())).caller.method).toBe('password+totp')
  })

  test('that do not come after the right password are told as half a sign-in, which the right one makes whole', async () => {
    const { enter, code, notices, admin } = await withCodes()
    await expect(enter()).rejects.toMatchObject({ code: 'code-required' })
    await expect(enter('000000')).rejects.toMatchObject({ code: 'unauthenticated' })
    await enter(code())
    expect(notices.tried).toEqual([
      `half ${admin.id} password 192.0.2.1`,
      `half ${admin.id} password 192.0.2.1`,
      `failed ${admin.id} code 192.0.2.1`,
      `proved ${admin.id} 192.0.2.1`,
    ])
  })

  test('work once each, also of eight at once', async () => {
    const { totp, admin, code } = await withCodes(1)
    const used = await Promise.all(Array.from({ length: 8 }, () => totp.use(admin.id, code())))
    expect(used.filter(Boolean)).toHaveLength(1)
    expect(await totp.use(admin.id, code())).toBe(false)
    expect(await totp.use(admin.id, code(1))).toBe(true)
    // What is older than the last one that was used is used up too.
    expect(await totp.use(admin.id, code(-1))).toBe(false)
  })

  /** Which of the codes of steps around the present one count. */
  async function counting(stepsApart: number): Promise<number[]> {
    const fitting: number[] = []
    for (const steps of [-3, -2, -1, 0, 1, 2, 3]) {
      const { totp, admin, code } = await withCodes(stepsApart)
      if (await totp.use(admin.id, code(steps))) fitting.push(steps)
    }
    return fitting
  }

  test('count while they are shown, for 30 s', async () => {
    expect(await counting(0)).toEqual([0])
    // Up to the end of its step, and not a moment longer.
    const { totp, admin, code, clock, pass } = await withCodes()
    const shown = code()
    const left_s = STEP_S - ((clock.now_ms() / 1000) % STEP_S)
    pass((left_s - 0.001) / 60)
    expect(shown).toBe(code())
    pass(0.001 / 60)
    expect(await totp.use(admin.id, shown)).toBe(false)
    expect(await totp.use(admin.id, code())).toBe(true)
  })

  test('of the step before and after count besides where clocks are off, no others', async () => {
    expect(await counting(1)).toEqual([-1, 0, 1])
  })

  test('that came too late are refused with what to do', async () => {
    const { enter, code } = await withCodes()
    await expect(enter(code(-1))).rejects.toMatchObject({
      code: 'unauthenticated',
      errors: [{ pointer: '/code', mend: expect.stringContaining('Wait for the next code') }],
    })
  })

  test('that confirmed the secret sign nobody in', async () => {
    const { totp, admin, password, signIn, clock } = await ground()
    const { secret } = await totp.begin(admin)
    const code = codesOf(secret)(clock.now_ms())
    await totp.confirm(admin.id, code)
    await expect(signIn.signIn({ name: 'admin', password, code }, from)).rejects.toMatchObject({
      code: 'unauthenticated',
      errors: [{ pointer: '/code' }],
    })
  })

  test('cannot be guessed: each wrong one is a failed try of the account', async () => {
    const { enter, code, clock } = await withCodes()
    const right = new Set([-1, 0, 1].map((step) => code(step)))
    const wrong = ['000000', '111111', '222222', '333333'].find((one) => !right.has(one))
    expect(clock.now_ms()).toBeGreaterThan(0)
    for (let round = 0; round < 6; round++)
      await expect(enter(wrong)).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(enter(code())).rejects.toMatchObject({ code: 'too-many' })
  })

  test('asking for one does not give back the tries', async () => {
    const { enter } = await withCodes()
    for (let round = 0; round < 6; round++) await expect(enter()).rejects.toMatchObject({ code: 'code-required' })
    await expect(enter()).rejects.toMatchObject({ code: 'too-many' })
  })
})

describe('a secret', () => {
  test('counts once it is confirmed, and can be made anew until then', async () => {
    const { totp, admin, password, signIn, clock } = await ground()
    const first = await totp.begin(admin)
    const second = await totp.begin(admin)
    expect(await totp.isAsked(admin.id)).toBe(false)
    await signIn.signIn({ name: 'admin', password }, from)
    const stale = totp.confirm(admin.id, codesOf(first.secret)(clock.now_ms()))
    await expect(stale).rejects.toMatchObject({ code: 'rule', errors: [{ pointer: '/code' }] })
    await totp.confirm(admin.id, codesOf(second.secret)(clock.now_ms()))
    expect(await totp.isAsked(admin.id)).toBe(true)
    await expect(totp.begin(admin)).rejects.toMatchObject({ code: 'conflict' })
  })

  test('that is removed is asked for no more', async () => {
    const { totp, admin, enter } = await withCodes()
    await totp.remove(admin.id)
    expect((await enter()).caller.method).toBe('password')
    await expect(totp.remove(admin.id)).rejects.toMatchObject({ code: 'not-found' })
  })
})
