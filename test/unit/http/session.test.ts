import { Secret, TOTP } from 'otpauth'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { authenticator } from '../identity/authenticator.ts'
import { startConsole } from './ground.ts'

interface Problem {
  readonly code: string
  readonly errors: readonly { readonly rule: string; readonly mend: string }[]
}
const problem = async (answer: Response) => ({ status: answer.status, ...((await answer.json()) as Problem) })

/** A console as a browser sees it by name, with the first operator signed in. */
async function startSignedIn() {
  const made = await startConsole()
  const named = `http://localhost:${made.port}`
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${named}/api/v1${path}`, {
      ...{ method: 'POST', body: JSON.stringify(body) },
      headers: { 'content-type': 'application/json', ...headers },
    })
  const entered = await made.enter()
  const cookieOf = (answer: Response) => ({ cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' })
  /** As if the proof had been given long ago. */
  const age = () => {
    for (const [hash, session] of made.stores.stored)
      made.stores.stored.set(hash, { ...session, authenticatedAt_ms: Date.now() - 11 * 60_000 })
  }
  return { ...made, ...entered, named, post, cookieOf, age }
}

describe('a dangerous act', () => {
  test('needs a proof of the last ten minutes, and says how to give one', async () => {
    const { post, headers, age, send, audit } = await startSignedIn()
    expect((await post('/credentials/totp/begin', {}, headers)).status).toBe(200)
    age()
    const refused = await problem(await post('/credentials/totp/begin', {}, headers))
    expect(refused).toMatchObject({
      ...{ status: 403, code: 'step-up-required' },
      errors: [{ rule: 'step-up', mend: expect.stringContaining('POST /session/step-up') }],
    })
    expect(audit.lines.at(-1)).toMatchObject({ outcome: 'refused', reason: 'step-up' })
    expect((await send('GET', '/api/v1/session', undefined, headers)).status).toBe(200)
  })

  test('goes through after the proof, under a new id', async () => {
    const { post, headers, age, send, password, cookieOf } = await startSignedIn()
    age()
    const wrong = await problem(await post('/session/step-up', { password: 'wrong' }, headers))
    expect(wrong).toMatchObject({ status: 401, code: 'unauthenticated' })
    const proved = await post('/session/step-up', { password }, headers)
    expect(proved.status).toBe(200)
    const session = (await proved.json()) as Record<string, string>
    expect(session).toMatchObject({ method: 'password', stepUpUrl: null })
    const fresh_ms = Date.parse(session.freshUntil ?? '') - Date.parse(session.authenticatedAt ?? '')
    expect(fresh_ms).toBe(600_000)
    const renewed = cookieOf(proved)
    expect(renewed.cookie).not.toBe(headers.cookie)
    expect((await send('GET', '/api/v1/session', undefined, headers)).status).toBe(401)
    expect((await post('/credentials/totp/begin', {}, renewed)).status).toBe(200)
  })

  test('that was refused is not what its key answers after the proof', async () => {
    const { post, headers, age, password, cookieOf } = await startSignedIn()
    age()
    const key = { 'idempotency-key': 'k1' }
    expect((await post('/credentials/totp/begin', {}, { ...headers, ...key })).status).toBe(403)
    const renewed = cookieOf(await post('/session/step-up', { password }, headers))
    expect((await post('/credentials/totp/begin', {}, { ...renewed, ...key })).status).toBe(200)
  })

  test('whose answer is a secret is not answered again, and nothing of it is kept for that', async () => {
    const { post, headers, password } = await startSignedIn()
    const keyed = { ...headers, 'idempotency-key': 'k2' }
    const seeds = [await post('/credentials/totp/begin', {}, keyed), await post('/credentials/totp/begin', {}, keyed)]
    const [first, second] = (await Promise.all(seeds.map((answer) => answer.json()))) as { secret: string }[]
    expect(seeds.map((answer) => answer.headers.get('idempotency-replayed'))).toEqual([null, null])
    expect(first?.secret).not.toBe(second?.secret)
    const proved = await post('/session/step-up', { password }, keyed)
    expect(proved.status).toBe(200)
  })
})

describe('one’s own sessions', () => {
  test('end after a fresh proof alone; the one that asks stays, and signing out of it needs none', async () => {
    const { post, headers, age, send, password, cookieOf } = await startSignedIn()
    const other = cookieOf(await post('/session', { name: 'admin', password }))
    const isSignedIn = async (of: { cookie: string }) => (await send('GET', '/api/v1/session', undefined, of)).ok
    age()
    for (const path of ['/api/v1/sessions', '/api/v1/sessions/0190a0a0-0000-7000-8000-000000000000'])
      expect(await problem(await send('DELETE', path, undefined, headers))).toMatchObject({
        ...{ status: 403, code: 'step-up-required' },
      })
    expect(await isSignedIn(other)).toBe(true)
    const renewed = cookieOf(await post('/session/step-up', { password }, headers))
    expect((await send('DELETE', '/api/v1/sessions', undefined, renewed)).status).toBe(204)
    expect([await isSignedIn(other), await isSignedIn(renewed)]).toEqual([false, true])
    age()
    expect((await send('DELETE', '/api/v1/session', undefined, renewed)).status).toBe(204)
  })
})

describe('a password that others know', () => {
  test('is refused where it is chosen, with field, rule, mend, and a line in the audit log', async () => {
    const { headers, password, send, audit } = await startSignedIn()
    const choose = (next: string) => send('PUT', '/api/v1/session/password', { current: password, next }, headers)
    expect(await problem(await choose('NeedForSpeed'))).toMatchObject({
      ...{ status: 422, errors: [{ pointer: '/next', rule: 'password.common', mend: expect.any(String) }] },
    })
    expect(audit.lines.at(-1)).toMatchObject({ action: 'session.password', outcome: 'refused' })
    expect((await choose('a giraffe on a bicycle')).status).toBe(204)
  })
})

describe('codes', () => {
  test('are asked for once they are confirmed, with an answer of their own', async () => {
    const { post, headers, password, send } = await startSignedIn()
    const { secret } = (await (await post('/credentials/totp/begin', {}, headers)).json()) as { secret: string }
    // A step of codes does not end in the middle, and the next one comes when it is asked for.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    onTestFinished(() => void vi.useRealTimers())
    const codeAt = (at_ms: number) =>
      TOTP.generate({ secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: 30, timestamp: at_ms })
    expect((await post('/credentials/totp', { code: codeAt(Date.now()) }, headers)).status).toBe(204)
    const kept = await send('GET', '/api/v1/credentials', undefined, headers)
    expect(await kept.json()).toEqual({ passkeys: [], totp: true, password: true })
    const asked = await problem(await post('/session', { name: 'admin', password }))
    expect(asked).toMatchObject({ status: 401, code: 'code-required' })
    vi.setSystemTime(Date.now() + 30_000)
    const entered = await post('/session', { name: 'admin', password, code: codeAt(Date.now()) })
    expect(await entered.json()).toMatchObject({ method: 'password+totp' })
    expect((await post('/session', { name: 'admin', password: 'x', code: '12' })).status).toBe(422)
  })
})

describe('passkeys', () => {
  test('are registered and sign in at the name of the console', async () => {
    const { post, headers, named, cookieOf, send, audit } = await startSignedIn()
    const device = authenticator(named)
    const options = await (await post('/credentials/passkeys/begin', {}, headers)).json()
    const added = await post('/credentials/passkeys', { name: 'laptop', response: device.create(options) }, headers)
    expect([added.status, await added.json()]).toMatchObject([201, { name: 'laptop', usedAt: null }])
    const challenge = await (await post('/session/passkey/begin', {})).json()
    const entered = await post('/session', { passkey: device.get(challenge) })
    expect([entered.status, await entered.json()]).toMatchObject([201, { method: 'passkey+hardware' }])
    expect(audit.lines.at(-1)).toMatchObject({ action: 'session.create', actor: 'admin', outcome: 'done' })
    const renewing = await (await post('/session/step-up/passkey/begin', {}, cookieOf(entered))).json()
    const proved = await post('/session/step-up', { passkey: device.get(renewing) }, cookieOf(entered))
    expect(proved.status).toBe(200)
    const replayed = await post('/session', { passkey: device.get(challenge) })
    expect(await problem(replayed)).toMatchObject({ status: 401, code: 'unauthenticated' })
    expect(audit.lines.at(-1)).toMatchObject({ outcome: 'refused', reason: 'passkey-check', actor: '(passkey)' })
    const removed = await send('DELETE', `/api/v1/credentials/passkeys/${device.id}`, undefined, cookieOf(proved))
    expect(removed.status).toBe(204)
  })

  test('are refused at an address, with where to open the console', async () => {
    const { send, headers, named } = await startSignedIn()
    const refused = await problem(await send('POST', '/api/v1/credentials/passkeys/begin', {}, headers))
    expect(refused).toMatchObject({ status: 422, errors: [{ mend: `Open the console at ${named}.` }] })
  })

  test('of strangers are asked for a limited number of times', async () => {
    const { post } = await startSignedIn()
    const answers = await Promise.all(Array.from({ length: 25 }, () => post('/session/passkey/begin', {})))
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(5)
  })
})

describe('an event stream', () => {
  test('is cut as soon as its session ends', async () => {
    const { send, headers, stores, tell } = await startSignedIn()
    const stream = await send('GET', '/events', undefined, headers)
    const reader = stream.body?.getReader()
    await reader?.read()
    const [hash = ''] = [...stores.stored.keys()]
    stores.stored.delete(hash)
    const begun_ms = performance.now()
    tell({ kind: 'session', keys: [hash] })
    for (let last = await reader?.read(); last && !last.done; last = await reader?.read());
    expect(performance.now() - begun_ms).toBeLessThan(2000)
  })

  test('stays at writes that leave its person’s rights as they are', async () => {
    const { send, headers, tell, events } = await startSignedIn()
    const stream = await send('GET', '/events', undefined, headers)
    const reader = stream.body?.getReader()
    await reader?.read()
    tell({ kind: 'anything' })
    events.publish({ topic: 'network', kind: 'created', ref: 'n1', tenantId: null })
    const { value } = (await reader?.read()) ?? {}
    expect(Buffer.from(value ?? []).toString()).toContain('n1')
    await reader?.cancel()
  })
})
