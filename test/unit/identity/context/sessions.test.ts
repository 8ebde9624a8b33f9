import { describe, expect, test } from 'vitest'
import { decide } from '#server/identity/decide.ts'
import { requireFresh } from '#server/identity/freshness.ts'
import type { Conditions } from '#server/identity/ports.ts'
import { type Caller, sessionKeeper } from '#server/identity/sessions.ts'
import { authenticator } from '../authenticator.ts'
import { from, ground, MINUTE_MS, ORIGIN } from '../ground.ts'

const MONDAY = Date.parse('2026-01-05T18:30:00Z')
const ELSEWHERE = { ...from, address: '198.51.100.7' }
const OTHER_BROWSER = { ...from, agent: 'another' }

async function signedIn(conditions: Partial<Conditions> = {}) {
  const made = await ground({ begun_ms: MONDAY })
  const { accounts, signIn, password, admin, keeper } = made
  const bindings = admin.bindings.map((one) => ({ ...one, ...conditions }))
  await accounts.replace({ ...admin, bindings })
  const begun = await signIn.signIn({ name: 'admin', password }, from)
  const mustFind = async (at = from, id = begun.id) => (await keeper.find(id, at)) as Caller
  const asksAnew = (caller: Caller) => {
    try {
      requireFresh(caller, made.clock.now_ms())
      return undefined
    } catch (error) {
      expect(error).toMatchObject({ code: 'step-up-required', errors: [{ rule: 'step-up' }] })
      return (error as Error).message
    }
  }
  return { ...made, ...begun, mustFind, asksAnew }
}

const asked = { right: 'key.write', writes: true }

describe('a role with conditions, in a running session', () => {
  test('counts in requests from its networks alone, and its owner is told', async () => {
    const { mustFind } = await signedIn({ from: ['192.0.2.0/24'] })
    expect(decide(asked, await mustFind())).toMatchObject({ allowed: true, because: /192\.0\.2\.0\/24/ })
    const away = await mustFind(ELSEWHERE)
    expect(away).toMatchObject({ account: { bindings: [] }, idle: [{ lacks: 'address' }], access: { role: 'none' } })
    expect(away.rights.size).toBe(0)
    const verdict = decide(asked, away)
    expect(verdict).toMatchObject({ allowed: false, idle: [{ lacks: 'address' }] })
    expect(verdict.because).toMatch(/the role operator everywhere .* does not count from here/)
    expect(decide(asked, await mustFind()).allowed, 'and again from there').toBe(true)
  })

  test('ends with its hours, to the minute, without anything being written', async () => {
    const { mustFind, pass, keeper, id } = await signedIn({ hours: 'Mon-Fri 07:00-19:00 UTC' })
    expect((await mustFind()).rights.has('key.write')).toBe(true)
    for (const minutes of [9, 9, 9]) {
      pass(minutes)
      expect((await mustFind()).rights.has('key.write')).toBe(true)
    }
    pass(3)
    expect((await keeper.look(id, from))?.rights.size).toBe(0)
    expect(decide(asked, await mustFind()).because).toContain('does not count at this time')
  })

  test('gives nothing where nobody says where the request comes from', async () => {
    const { keeper, id } = await signedIn({ from: ['0.0.0.0/0', '::/0'] })
    expect((await keeper.find(id))?.rights.size).toBe(0)
  })
})

describe('a session asks anew for dangerous acts', () => {
  test('from another network, until its person proved in it who they are; then both are known', async () => {
    const { mustFind, asksAnew, signIn, password, caller } = await signedIn()
    expect(asksAnew(caller)).toBeUndefined()
    expect(asksAnew(await mustFind({ ...from, address: '192.0.2.77' })), 'the same network').toBeUndefined()
    const away = await mustFind(ELSEWHERE)
    expect(away.signals).toEqual([{ kind: 'address', words: 'address changed from 192.0.2.0/24' }])
    expect(asksAnew(away)).toContain('address changed from 192.0.2.0/24')
    const proved = await signIn.stepUp(away, { password }, ELSEWHERE)
    expect(asksAnew(proved.caller)).toBeUndefined()
    expect(asksAnew(await mustFind(from, proved.id)), 'back where it began').toBeUndefined()
  })

  test('with another browser or program', async () => {
    const { mustFind, asksAnew, signIn, password } = await signedIn()
    const other = await mustFind(OTHER_BROWSER)
    expect(asksAnew(other)).toContain('another browser or program')
    const proved = await signIn.stepUp(other, { password }, OTHER_BROWSER)
    expect(asksAnew(proved.caller)).toBeUndefined()
  })

  test('after a failed try, by password or code, until a proof since then', async () => {
    const { mustFind, asksAnew, signIn, password, pass } = await signedIn()
    pass(1)
    await expect(signIn.signIn({ name: 'admin', password: 'wrong' }, ELSEWHERE)).rejects.toThrow()
    const warned = await mustFind()
    expect(asksAnew(warned)).toContain('tried to sign in and failed')
    pass(1)
    const proved = await signIn.stepUp(warned, { password }, from)
    expect(asksAnew(proved.caller)).toBeUndefined()
    pass(1)
    await expect(signIn.changePassword(proved.caller, 'wrong', 'x', from)).rejects.toThrow()
    expect(asksAnew(await mustFind(from, proved.id)), 'also when it was to change').toContain('failed')
    pass(1)
    const again = await signIn.stepUp(proved.caller, { password }, from)
    await expect(signIn.signIn({ name: 'nobody', password: 'wrong' }, ELSEWHERE)).rejects.toThrow()
    expect(asksAnew(await mustFind(from, again.id)), 'of a name that nobody has').toBeUndefined()
  })

  test('and then takes the passkey where the account has one', async () => {
    const { mustFind, signIn, password, passkeys, admin, caller } = await signedIn()
    const device = authenticator(ORIGIN)
    await passkeys.register(admin, 'x', device.create(await passkeys.beginRegistration(admin, ORIGIN)), ORIGIN)
    expect((await signIn.stepUp(caller, { password }, from)).caller.method).toBe('password')
    const { id } = await signIn.signIn({ name: 'admin', password }, from)
    const away = await mustFind(ELSEWHERE, id)
    await expect(signIn.stepUp(away, { password }, ELSEWHERE)).rejects.toMatchObject({ errors: [{ rule: 'passkey' }] })
    const response = device.get(await passkeys.begin(ORIGIN, admin))
    expect((await signIn.stepUp(away, { passkey: response }, ELSEWHERE)).caller.signals).toEqual([])
  })
})

describe('a session that comes from elsewhere with something else', () => {
  test('has been taken: it ends, and that is told', async () => {
    const { stored, clock, sessions, id } = await signedIn()
    const told: string[] = []
    const limits = {
      idle_ms: 60 * MINUTE_MS,
      absolute_ms: 60 * MINUTE_MS,
      fresh_ms: MINUTE_MS,
      secondFactor: 'optional' as const,
    }
    const keeper = sessionKeeper(sessions, limits, clock, undefined, async ({ account }, { address }) => {
      told.push(`${account.name} ${address}`)
    })
    expect(await keeper.find(id, from)).toBeDefined()
    expect(await keeper.find(id, { ...ELSEWHERE, agent: 'another' })).toBeUndefined()
    expect(told).toEqual(['admin 198.51.100.7'])
    expect(stored.size).toBe(0)
    expect(await keeper.find(id, from), 'for its person too').toBeUndefined()
  })
})
