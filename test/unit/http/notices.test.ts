import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { FastifyInstance } from 'fastify'
import { Secret, TOTP } from 'otpauth'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readConfig } from '#server/config.ts'
import type { Notice } from '#server/contract/notices.ts'
import type { EventMessage } from '#server/contract/overview.ts'
import { createApp } from '#server/http/app.ts'
import { eventBus } from '#server/http/events.ts'
import { metricsRegistry } from '#server/http/metrics.ts'
import { hashPassword } from '#server/identity/password.ts'
import type { AccountRecord } from '#server/identity/ports.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { recoverOperator } from '#server/inventory/recovery.ts'
import { type Wired, wire } from '#server/wiring.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const PASSWORD = 'a giraffe on a bicycle'
let database: TestDatabase
let wired: Wired
let app: FastifyInstance
let host: string
const state = mkdtempSync(path.join(tmpdir(), 'weft-notices-'))
const events = eventBus({ epoch: 'e' })

beforeAll(async () => {
  database = await startTestDatabase()
  const urls = { owner: database.url('weft_owner'), app: database.url('weft_app'), engine: database.url('weft_engine') }
  const config = {
    ...readConfig({}, { WEFT_STATE: state, WEFT_SIGN_IN_TRIES: '3' }),
    database: { embedded: false, admin: urls.owner, urls },
  }
  const log = pino({ level: 'silent' })
  wired = await wire({ config, log, events, metrics: metricsRegistry() })
  app = await createApp({ ...wired, config, events, metrics: metricsRegistry(), log })
  host = new URL(config.http.origin).host
}, 60_000)
afterAll(async () => {
  await app?.close()
  await wired?.stop()
  await database?.close()
  rmSync(state, { recursive: true, force: true })
})

let number = 0
async function person(role = 'operator'): Promise<AccountRecord> {
  number += 1
  const name = `person-${number}`
  const made = { name, displayName: name, role, tenantId: null, passwordHash: await hashPassword(PASSWORD) }
  return wired.accounts.create(EVERYTHING, made)
}

interface Asked {
  readonly bearer?: string
  readonly address?: string
  readonly headers?: Record<string, string>
}

async function call(method: string, url: string, body?: object, { bearer, address, headers }: Asked = {}) {
  const answer = await app.inject({
    ...{ method: method as 'GET', url: `/api/v1${url}`, remoteAddress: address ?? '192.0.2.1' },
    headers: {
      host,
      'user-agent': 'weft/test',
      'if-match': '"1"',
      ...(bearer && { authorization: `Bearer ${bearer}` }),
      ...headers,
    },
    ...(body && { payload: body }),
  })
  return { status: answer.statusCode, headers: answer.headers, body: answer.payload ? JSON.parse(answer.payload) : {} }
}

const tryIn = (name: string, password: string, address?: string, code?: string) =>
  call(
    'POST',
    '/session',
    { name, password, ...(code && { code }) },
    {
      ...(address && { address }),
      headers: { 'x-weft-session': 'header' },
    },
  )
const enter = async ({ name }: AccountRecord, address?: string) =>
  String((await tryIn(name, PASSWORD, address)).headers['x-weft-session'])
const told = async (bearer: string, query = '') =>
  (await call('GET', `/notices${query}`, undefined, { bearer })).body.items as Notice[]
const kinds = async (bearer: string) => (await told(bearer)).map(({ kind }) => kind)

describe('tries to sign in as somebody', () => {
  test('are there at the next sign-in, those past the limit too, and are theirs alone', async () => {
    const [anna, bert] = [await person(), await person()]
    const theirs = await enter(bert)
    const answers = []
    for (let round = 0; round < 40; round++) answers.push(await tryIn(anna.name, 'wrong', `198.51.100.${round % 4}`))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 429]))
    const { id } = await wired.sessions.begin(anna, { address: '192.0.2.1', agent: 'weft/test' }, { method: 'passkey' })
    expect(await told(id)).toMatchObject([
      {
        ...{ kind: 'sign-in.failed', times: 40, title: '40 tries to sign in as you failed', state: 'unread' },
        words: expect.stringMatching(/^By password\. From (198\.51\.100\.[0-3](, | and )?){4}\.$/),
      },
    ])
    expect(await told(theirs)).toEqual([])
    expect((await call('GET', '/notices')).status).toBe(401)
  })

  test('leave nothing where nobody has the name, and the answer is the same', async () => {
    const anna = await person()
    const [there, not] = [await tryIn(anna.name, 'wrong'), await tryIn('nobody-at-all', 'wrong')]
    const shape = ({ status, body }: typeof there) => ({ status, body })
    expect(shape(there)).toEqual(shape(not))
    await wired.notices.close()
    const { rows } = await database.engine.query(
      'SELECT 1 FROM notice WHERE account_id NOT IN (SELECT id FROM account)',
    )
    expect(rows).toEqual([])
  })

  test('are heard of at once by whoever is signed in as them, and by nobody else', async () => {
    const [anna, bert] = [await person(), await person()]
    await enter(anna)
    const heard: Record<string, EventMessage[]> = { [anna.id]: [], [bert.id]: [] }
    const ends = [anna, bert].map(({ id: accountId }) =>
      events.subscribe({
        ...{ accountId, rights: new Set(['audit.read'] as const), scope: { tenantId: null } },
        take: (message) => void (message.topic === 'notice' && heard[accountId]?.push(message)),
      }),
    )
    await tryIn(anna.name, 'wrong')
    await vi.waitUntil(() => (heard[anna.id] ?? []).length > 0, { timeout: 10_000 })
    expect(heard[bert.id]).toEqual([])
    for (const end of ends) end()
  })
})

describe('notices', () => {
  test('are marked as read one by one or all, by their person, and by no token', async () => {
    const [anna, bert] = [await person(), await person()]
    const [bearer, theirs] = [await enter(anna), await enter(bert)]
    await call('POST', '/tokens', { name: 'nightly', rights: ['network.read'] }, { bearer })
    const made = await call('POST', '/tokens', { name: 'weekly', rights: ['network.read'] }, { bearer })
    const [weekly, nightly] = await told(bearer)
    expect([weekly?.title, nightly?.title]).toEqual(['The API token weekly was made', 'The API token nightly was made'])
    expect((await call('POST', `/notices/${nightly?.id}/read`, {}, { bearer: theirs })).status).toBe(404)
    expect((await call('POST', '/notices/read', {}, { bearer: made.body.token })).status).toBe(403)
    expect((await call('POST', `/notices/${nightly?.id}/read`, {}, { bearer })).status).toBe(204)
    expect((await call('POST', `/notices/${nightly?.id}/read`, {}, { bearer })).status).toBe(204)
    expect(await told(bearer, '?filter=state:eq:unread')).toMatchObject([{ id: weekly?.id }])
    const all = await call('POST', '/notices/read', { until: weekly?.lastAt }, { bearer })
    expect([all.status, all.body]).toEqual([200, { read: 1 }])
    expect(await told(bearer, '?filter=state:eq:unread')).toEqual([])
    expect((await told(bearer)).map(({ state }) => state)).toEqual(['read', 'read'])
  })

  test('come in pages, and refuse what is no filter', async () => {
    const anna = await person()
    const bearer = await enter(anna)
    for (const name of ['a', 'b', 'c']) await call('POST', '/tokens', { name, rights: ['network.read'] }, { bearer })
    const first = await call('GET', '/notices?limit=2', undefined, { bearer })
    const second = await call('GET', `/notices?limit=2&cursor=${first.body.next}`, undefined, { bearer })
    const titles = [...first.body.items, ...second.body.items].map(({ title }: Notice) => title)
    expect(titles).toEqual(['c', 'b', 'a'].map((name) => `The API token ${name} was made`))
    expect((await call('GET', '/notices?filter=account:eq:x', undefined, { bearer })).status).toBe(400)
  })
})

describe('of what is changed of an account its person is told', () => {
  test('what they do themselves, with the address that it came from', async () => {
    const anna = await person()
    const bearer = await enter(anna)
    const { body } = await call('POST', '/credentials/totp/begin', {}, { bearer })
    const code = new TOTP({ secret: Secret.fromBase32(body.secret) }).generate()
    await call('POST', '/credentials/totp', { code }, { bearer })
    await call('DELETE', '/credentials/totp', undefined, { bearer })
    const token = await call('POST', '/tokens', { name: 'nightly', rights: ['network.read'] }, { bearer })
    await call('DELETE', `/tokens/${token.body.id}`, undefined, { bearer })
    const next = { current: PASSWORD, next: 'seventeen herons at dusk' }
    expect((await call('PUT', '/session/password', next, { bearer })).status).toBe(204)
    expect(await kinds(bearer)).toEqual([
      ...['password.changed', 'token.ended', 'token.made', 'codes.removed', 'codes.set-up'],
    ])
    expect((await told(bearer)).at(-1)?.words).toBe('From 192.0.2.1.')
  })

  test('what others do, with who it was', async () => {
    const [anna, olga] = [await person('auditor'), await person()]
    const [bearer, theirs] = [await enter(anna), await enter(olga)]
    const lost = await enter(anna)
    expect(lost).not.toBe('')
    const token = await call('POST', '/tokens', { name: 'nightly', rights: ['audit.read'] }, { bearer })
    const named = { displayName: 'Anna', email: 'anna@example.org' }
    expect((await call('PATCH', `/users/${anna.id}`, named, { bearer: theirs })).status).toBe(200)
    await call('DELETE', `/all-tokens/${token.body.id}`, undefined, { bearer: theirs })
    const { body } = await call('GET', '/sessions', undefined, { bearer })
    const other = body.items.find(({ current }: { current: boolean }) => !current)
    expect((await call('DELETE', `/all-sessions/${other.id}`, undefined, { bearer: theirs })).status).toBe(204)
    expect((await told(bearer)).map(({ title, words }) => `${title}: ${words}`)).toEqual([
      `A session of yours was ended: By ${olga.name}. The last one was from 192.0.2.1.`,
      `The API token nightly was ended: By ${olga.name}.`,
      `Your name and e-mail address were changed: By ${olga.name}.`,
      'The API token nightly was made: From 192.0.2.1.',
    ])
    expect((await call('GET', '/session', undefined, { bearer: lost })).status).toBe(401)
  })

  test('that they were given a new password', async () => {
    const [anna, olga] = [await person('auditor'), await person()]
    await enter(anna)
    const made = await call('POST', `/users/${anna.id}/password`, {}, { bearer: await enter(olga) })
    expect(made.status).toBe(200)
    const { id } = await wired.sessions.begin(anna, { address: '192.0.2.1', agent: 'weft/test' }, { method: 'passkey' })
    expect(await told(id)).toMatchObject([{ title: 'You were given a new password', words: `By ${olga.name}.` }])
  })

  test('and what is done on the host', async () => {
    const anna = await person()
    const by = 'root@rack-1'
    const passwordHash = await hashPassword(PASSWORD)
    await recoverOperator(database.url('weft_engine'), {
      name: anna.name,
      passwordHash,
      withoutFactors: true,
      by,
      passwordEndsAt: new Date(Date.now() + 60_000),
    })
    const { id } = await wired.sessions.begin(anna, { address: '192.0.2.1', agent: 'weft/test' }, { method: 'passkey' })
    expect(await told(id)).toMatchObject([
      {
        ...{ severity: 'bad', title: 'Your account was recovered on the host' },
        words: `By ${by}. It has a new password; its passkeys and second factor were removed.`,
      },
    ])
  })
})
