import { Secret, TOTP } from 'otpauth'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { contract } from '#server/contract/index.ts'
import { proceduresOf } from '#server/http/procedures.ts'
import { hashPassword } from '#server/identity/password.ts'
import { authenticator } from '../identity/authenticator.ts'
import { startConsole } from './ground.ts'

interface Problem {
  readonly code: string
  readonly detail: string
  readonly errors: readonly { readonly rule: string; readonly mend: string }[]
}
interface Session {
  readonly method: string
  readonly owes: readonly string[]
}

const OWN = 'seven herons over the marsh'
const HOUR_MS = 3_600_000

/** A console by name, whose first operator has a password that was made for them, for an hour. */
async function startFirst(environment: Record<string, string> = {}) {
  const made = await startConsole(environment)
  const admin = await made.stores.accounts.byName('admin')
  if (!admin) throw new Error('There is no first operator.')
  const makeFirst = async (endsAt_ms = Date.now() + HOUR_MS) =>
    made.stores.accounts.setPassword(admin.id, await hashPassword(made.password), endsAt_ms)
  const named = `http://localhost:${made.port}`
  const call = async (method: string, path: string, body: unknown, headers: Record<string, string>) => {
    const answer = await fetch(`${named}/api/v1${path}`, {
      ...{ method, ...(method === 'GET' ? {} : { body: JSON.stringify(body) }) },
      headers: { 'content-type': 'application/json', ...headers },
    })
    const text = await answer.text()
    const cookie = answer.headers.get('set-cookie')?.split(';')[0]
    return { status: answer.status, body: (text ? JSON.parse(text) : undefined) as never, cookie }
  }
  const problem = async (method: string, path: string, body: unknown, headers: Record<string, string>) => {
    const { status, body: said } = await call(method, path, body, headers)
    const { code, errors = [] } = (said ?? {}) as Problem
    return { status, code, rules: errors.map(({ rule }) => rule), mends: errors.map(({ mend }) => mend).join(' ') }
  }
  const session = async (headers: Record<string, string>) =>
    (await call('GET', '/session', undefined, headers)).body as Session
  return { ...made, admin, makeFirst, named, call, problem, session }
}

const codeOf = (secret: string) => new TOTP({ secret: Secret.fromBase32(secret) }).generate()
const change = (current: string, next: string) => ({ current, next })

describe('whoever signs in with a password that was made for them', () => {
  test('may settle that, and nothing else', async () => {
    const { makeFirst, enter, problem, session, call, password, stores, audit } = await startFirst()
    await makeFirst()
    const { headers } = await enter()
    expect(await session(headers)).toMatchObject({ owes: ['password'], method: 'password' })
    expect(await problem('GET', '/users', undefined, headers)).toEqual({
      ...{ status: 403, code: 'owed', rules: ['owed.password'] },
      mends: expect.stringContaining('PUT /session/password'),
    })
    expect(audit.lines.at(-1)).toMatchObject({ action: 'users.list', outcome: 'refused', reason: 'owed.password' })
    expect(await problem('PUT', '/session/password', change('x', OWN), headers)).toMatchObject({ rules: ['password'] })
    const same = await problem('PUT', '/session/password', change(password, password), headers)
    expect(same).toMatchObject({ status: 422, rules: ['password.same'] })
    expect((await call('PUT', '/session/password', change(password, OWN), headers)).status).toBe(204)
    expect(await session(headers)).toMatchObject({ owes: [] })
    expect((await call('GET', '/users', undefined, headers)).status).toBe(200)
    expect((await stores.accounts.byName('admin'))?.passwordEndsAt_ms).toBeNull()
  })

  test('is refused by every procedure but those that settle it, and by the events', async () => {
    const { makeFirst, enter, problem, send } = await startFirst()
    await makeFirst()
    let { headers } = await enter()
    const procedures = proceduresOf(contract)
    expect(procedures.flatMap(({ name, meta }) => (meta.settles ? [name] : [])).sort()).toEqual(SETTLING)
    const open: string[] = []
    for (const { name, method, path, meta } of procedures) {
      const url = path.replaceAll(/\{\w+\}/g, '0190a0a0-0000-7000-8000-000000000001')
      const { code } = await problem(method, url, {}, headers)
      // Not all of them are served here.
      if (code === 'owed' || code === 'not-found' || code === 'method-not-allowed' || meta.right === 'public') continue
      open.push(name)
      headers = (await enter()).headers
    }
    expect(open.sort()).toEqual(SETTLING)
    const events = await send('GET', '/events', undefined, headers)
    expect([events.status, await events.json()]).toMatchObject([403, { code: 'owed' }])
  })

  test('comes too late after its end, and is told no more than with a wrong one', async () => {
    const { makeFirst, enter, audit } = await startFirst()
    const wrong = await (await enter('admin', 'wrong')).answer.json()
    await makeFirst(Date.now() - 1)
    const { answer } = await enter()
    expect([answer.status, await answer.json()]).toEqual([401, wrong])
    expect(audit.lines.at(-1)).toMatchObject({ outcome: 'refused', reason: 'password-ended' })
  })

  test('cannot change it after its end either', async () => {
    const { makeFirst, enter, problem, password } = await startFirst()
    await makeFirst()
    const { headers } = await enter()
    await makeFirst(Date.now() - 1)
    const late = await problem('PUT', '/session/password', change(password, OWN), headers)
    expect(late).toMatchObject({ status: 422, rules: ['password.ended'] })
  })

  test('hears no more events once it was made', async () => {
    const { makeFirst, enter, send, tell, admin } = await startFirst()
    const { headers } = await enter()
    const events = await send('GET', '/events', undefined, headers)
    expect(events.status).toBe(200)
    await makeFirst()
    tell({ kind: 'account', keys: [admin.id] })
    await expect(events.text()).resolves.not.toContain('data:')
  })
})

/** What is open to whoever owes something. */
const SETTLING = [
  ...['credentials.addPasskey', 'credentials.beginPasskey', 'credentials.beginStepUp', 'credentials.beginTotp'],
  ...['credentials.confirmTotp', 'credentials.get', 'session.get', 'session.logout', 'session.password'],
  ...['session.remove', 'session.stepUp'],
]

describe('an administrator', () => {
  test('chooses nobody’s password: it is made, told once, and over soon', async () => {
    const { enter, call, stores, session } = await startFirst({ WEFT_FIRST_PASSWORD_HOURS: '5' })
    const { headers } = await enter()
    expect((await call('POST', '/users', { name: 'bob', role: 'auditor', password: OWN }, headers)).status).toBe(422)
    const made = await call('POST', '/users', { name: 'bob', role: 'auditor' }, headers)
    const { id, password, passwordEndsAt } = made.body as Record<string, string>
    expect([made.status, password]).toEqual([201, expect.stringMatching(/^(\w{4}-){4}\w{4}$/)])
    expect(Date.parse(passwordEndsAt ?? '') - Date.now()).toBeGreaterThan(4.9 * HOUR_MS)
    expect(Date.parse(passwordEndsAt ?? '') - Date.now()).toBeLessThanOrEqual(5 * HOUR_MS)
    const bob = await enter('bob', password)
    expect(await session(bob.headers)).toMatchObject({ owes: ['password'] })
    const again = (await call('POST', `/users/${id}/password`, {}, headers)).body as Record<string, string>
    expect(again.password).not.toBe(password)
    expect((await call('GET', '/session', undefined, bob.headers)).status, 'its sessions have ended').toBe(401)
    expect((await enter('bob', password)).answer.status).toBe(401)
    expect((await enter('bob', again.password)).answer.status).toBe(201)
    expect(JSON.stringify([...stores.stored.values()])).not.toContain(again.password)
  })

  test('makes none for themselves, nor for whoever holds more', async () => {
    const { enter, person, problem, admin } = await startFirst()
    const self = await problem('POST', `/users/${admin.id}/password`, {}, (await enter()).headers)
    expect(self).toMatchObject({ status: 422, rules: ['user.self'] })
    const { headers } = await person('tenant-administrator')
    const more = await problem('POST', `/users/${admin.id}/password`, {}, headers)
    expect(more).toMatchObject({ status: 403, rules: ['grant.beyond'] })
  })
})

describe('where a second factor is asked for', () => {
  const required = { WEFT_SECOND_FACTOR: 'required' }

  test('a password alone is good for adding codes, which settle it under a new id', async () => {
    const { enter, session, problem, call } = await startFirst(required)
    const { headers, cookie } = await enter()
    expect(await session(headers)).toMatchObject({ owes: ['second-factor'] })
    expect(await problem('GET', '/users', undefined, headers)).toMatchObject({
      ...{ status: 403, code: 'owed', rules: ['owed.second-factor'] },
      mends: expect.stringContaining('POST /session/step-up'),
    })
    const { secret } = (await call('POST', '/credentials/totp/begin', {}, headers)).body as { secret: string }
    const confirmed = await call('POST', '/credentials/totp', { code: codeOf(secret) }, headers)
    expect([confirmed.status, confirmed.cookie]).toEqual([204, expect.not.stringMatching(cookie)])
    expect((await call('GET', '/session', undefined, headers)).status).toBe(401)
    const proved = { cookie: confirmed.cookie ?? '' }
    expect(await session(proved)).toMatchObject({ owes: [], method: 'password+totp' })
    expect((await call('GET', '/users', undefined, proved)).status).toBe(200)
    const last = await problem('DELETE', '/credentials/totp', undefined, proved)
    expect(last).toMatchObject({ status: 422, rules: ['second-factor.last'] })
  })

  test('a passkey settles it once it is used; then no password adds another factor', async () => {
    const { enter, session, problem, call, named } = await startFirst(required)
    const { headers } = await enter()
    const device = authenticator(named)
    const options = (await call('POST', '/credentials/passkeys/begin', {}, headers)).body
    const added = { name: 'key', response: device.create(options) }
    expect((await call('POST', '/credentials/passkeys', added, headers)).status).toBe(201)
    expect(await session(headers), 'nothing is proved by it yet').toMatchObject({ owes: ['second-factor'] })
    const thief = (await enter()).headers
    for (const path of ['/credentials/totp/begin', '/credentials/passkeys/begin'])
      expect(await problem('POST', path, {}, thief)).toMatchObject({ status: 422, rules: ['second-factor.prove'] })
    const challenge = (await call('POST', '/session/step-up/passkey/begin', {}, headers)).body
    const proved = await call('POST', '/session/step-up', { passkey: device.get(challenge) }, headers)
    expect(proved.body).toMatchObject({ owes: [], method: 'passkey+hardware' })
    const strong = { cookie: proved.cookie ?? '' }
    expect((await call('GET', '/users', undefined, strong)).status).toBe(200)
    const last = await problem('DELETE', `/credentials/passkeys/${device.id}`, undefined, strong)
    expect(last).toMatchObject({ rules: ['second-factor.last'] })
  })

  test('a session that proved more is not renewed by less', async () => {
    const { problem, call, named, password, enter } = await startFirst(required)
    const { headers } = await enter()
    const device = authenticator(named)
    const options = (await call('POST', '/credentials/passkeys/begin', {}, headers)).body
    await call('POST', '/credentials/passkeys', { name: 'key', response: device.create(options) }, headers)
    const challenge = (await call('POST', '/session/step-up/passkey/begin', {}, headers)).body
    const { cookie = '' } = await call('POST', '/session/step-up', { passkey: device.get(challenge) }, headers)
    const weaker = await problem('POST', '/session/step-up', { password }, { cookie })
    expect(weaker).toMatchObject({ status: 422, rules: ['step-up.weak'] })
  })

  test('codes are not enough where passkeys are asked for, nor one that devices copy where hardware is', async () => {
    const { enter, session, call, problem, named, admin, credentials, password } = await startFirst({
      WEFT_SECOND_FACTOR: 'hardware',
    })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    onTestFinished(() => void vi.useRealTimers())
    const { secret } = await credentials.totp.begin(admin)
    await credentials.totp.confirm(admin.id, codeOf(secret))
    vi.setSystemTime(Date.now() + 30_000)
    const entered = await call('POST', '/session', { name: 'admin', password, code: codeOf(secret) }, {})
    expect(entered.body).toMatchObject({ method: 'password+totp', owes: ['second-factor'] })
    const headers = { cookie: entered.cookie ?? '' }
    const begin = async () => (await call('POST', '/credentials/passkeys/begin', {}, headers)).body
    const copied = { name: 'phone', response: authenticator(named, { synced: true }).create(await begin()) }
    expect(await problem('POST', '/credentials/passkeys', copied, headers)).toMatchObject({ rules: ['passkey'] })
    const device = authenticator(named)
    const kept = { name: 'key', response: device.create(await begin()) }
    expect((await call('POST', '/credentials/passkeys', kept, headers)).status).toBe(201)
    expect(await session(headers)).toMatchObject({ owes: ['second-factor'] })
    expect((await enter()).answer.status, 'the code is still asked for').toBe(401)
  })
})
