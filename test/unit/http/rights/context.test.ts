import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { PASSAGE } from '#server/http/whence.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { startWorld, type World } from './world.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

let world: World
let operator: string
beforeAll(async () => {
  world = await startWorld()
  operator = (await world.actors.find(({ name }) => name === 'operator')?.enter()) ?? ''
})
afterAll(() => world?.close())

const INSIDE = '10.20.30.40'
const OUTSIDE = '198.51.100.7'
const ALWAYS = 'Mon-Sun 00:00-24:00 UTC'

interface From {
  readonly address?: string
  readonly agent?: string
  readonly headers?: Record<string, string>
}

/** Calls as somebody, from somewhere. */
async function call(bearer: string, method: string, path: string, body?: unknown, from: From = {}) {
  const { address = '127.0.0.1', agent = 'lightMyRequest', headers = {} } = from
  const answer = await world.app.inject({
    ...{ method: method as 'GET', url: `/api/v1${path}`, remoteAddress: address },
    headers: { host: world.host, authorization: `Bearer ${bearer}`, 'user-agent': agent, ...headers },
    ...(body !== undefined && { payload: body as object }),
  })
  const said: Record<string, unknown> = JSON.parse(answer.payload || '{}')
  return { ...said, status: answer.statusCode } as { status: number; [name: string]: unknown }
}

/** A person of the installation that an operator made, with an auditor's role, and a session that began inside. */
let made = 0
async function person(more: Record<string, unknown> = {}) {
  made += 1
  const account = await world.wired.accounts.create(EVERYTHING, {
    ...{ name: `p${made}`, displayName: 'P', role: 'auditor', tenantId: null, passwordHash: '', ...more },
  })
  const enter = async (address = INSIDE) => {
    const now = await world.wired.accounts.byId(account.id)
    if (!now) throw new Error('gone')
    return (await world.wired.sessions.begin(now, { address, agent: 'lightMyRequest' })).id
  }
  const give = (role: string, conditions: object, bearer = operator, from: From = {}) =>
    call(bearer, 'POST', `/users/${account.id}/bindings`, { role, ...conditions }, from)
  return { ...account, enter, give }
}

/** Somebody who holds nothing but a role with these conditions. */
async function confined(role: string, conditions: object) {
  const one = await person()
  const given = await one.give(role, conditions)
  expect(given.status).toBe(201)
  const [auditor] = one.bindings
  expect((await call(operator, 'DELETE', `/users/${one.id}/bindings/${auditor?.id}`)).status).toBe(204)
  return { ...one, binding: given as unknown as { id: string; from: string[]; hours: string | null } }
}

describe('a role from some networks alone', () => {
  test('lets in from there, and says from elsewhere that it is there and does not count', async () => {
    const anna = await confined('operator', { from: ['10.0.0.0/8'] })
    const id = await anna.enter()
    expect((await call(id, 'GET', '/keys', undefined, { address: INSIDE })).status).toBe(200)
    const refused = await call(id, 'GET', '/keys', undefined, { address: OUTSIDE })
    expect(refused).toMatchObject({
      ...{ status: 403, code: 'forbidden', errors: [{ rule: 'binding.context', limit: 'from 10.0.0.0/8' }] },
      detail: expect.stringMatching(/the role operator everywhere .* does not count from here/),
    })
    const session = await call(id, 'GET', '/session', undefined, { address: OUTSIDE })
    expect(session).toMatchObject({ rights: [], idle: [{ role: 'operator', from: ['10.0.0.0/8'] }] })
    expect(session.signals).toMatchObject([{ kind: 'address' }])
    expect((await call(id, 'GET', '/keys', undefined, { address: INSIDE })).status, 'again inside').toBe(200)
  })

  test('leaves why in the log of decisions, and itself in the audit log', async () => {
    const anna = await confined('operator', { from: ['10.0.0.0/8'], hours: ALWAYS })
    const id = await anna.enter()
    await call(id, 'POST', '/tenants', { name: 'x' }, { address: OUTSIDE })
    await vi.waitFor(async () => {
      await world.wired.decisions.flush()
      const { rows } = await world.database.engine.query(
        'SELECT because FROM decision WHERE account = $1 AND NOT allowed',
        [anna.name],
      )
      expect(rows).toMatchObject([{ because: expect.stringContaining('10.0.0.0/8') }])
    })
    const { items } = (await call(operator, 'GET', '/audit?filter=action:eq:bindings.give')) as unknown as {
      items: { detail: string }[]
    }
    expect(items.map(({ detail }) => detail)).toContain(`operator, everywhere, from 10.0.0.0/8, ${ALWAYS}`)
  })

  test('confines tokens of its owner as well', async () => {
    const anna = await confined('operator', { from: ['10.0.0.0/8'] })
    const id = await anna.enter()
    const made = await call(id, 'POST', '/tokens', { name: 't', rights: ['key.read'] }, { address: INSIDE })
    expect(made.status).toBe(201)
    const token = String(made.token)
    expect((await call(token, 'GET', '/keys', undefined, { address: INSIDE })).status).toBe(200)
    expect((await call(token, 'GET', '/keys', undefined, { address: OUTSIDE })).status).toBe(403)
  })

  test('comes through groups too', async () => {
    const group = await call(operator, 'POST', '/groups', { name: 'noc' })
    const one = await person()
    await call(operator, 'POST', `/groups/${group.id}/bindings`, { role: 'operator', from: ['10.0.0.0/8'] })
    await call(operator, 'POST', `/groups/${group.id}/members`, { userId: one.id })
    const id = await one.enter()
    expect((await call(id, 'GET', '/tenants', undefined, { address: INSIDE })).status).toBe(200)
    const { rights } = (await call(id, 'GET', '/session', undefined, { address: OUTSIDE })) as { rights?: string[] }
    expect(rights).not.toContain('tenant.write')
    expect(rights, 'what it holds itself stays').toContain('tenant.read')
  })
})

describe('conditions', () => {
  test('are kept in one form, and what is none is refused with where and how', async () => {
    const { give } = await person()
    expect(await give('operator', { from: ['10.0.0.1/8', 'x'], hours: 'at noon' })).toMatchObject({
      status: 422,
      errors: [{ pointer: '/from/0' }, { pointer: '/from/1' }, { pointer: '/hours', rule: 'binding.hours' }],
    })
    const given = await give('operator', { from: ['10.0.0.0/8', '10.0.0.0/8'], hours: 'fri-Mon 7:00-8:00 UTC' })
    expect(given).toMatchObject({ status: 422, errors: [{ pointer: '/hours' }] })
    expect((await give('operator', { from: Array(33).fill('10.0.0.0/8') })).status).toBe(422)
    const good = await give('operator', { from: ['10.0.0.0/8', '10.0.0.0/8'], hours: 'fri-Mon 07:00-08:00 utc' })
    expect(good).toMatchObject({ status: 201, from: ['10.0.0.0/8'], hours: 'Mon,Fri-Sun 07:00-08:00 UTC' })
    expect((await give('operator', { from: ['192.0.2.0/24'] })).status, 'besides, from elsewhere').toBe(201)
    expect((await give('operator', { from: ['192.0.2.0/24'] })).status, 'the same again').toBe(409)
  })

  test('confine nothing beside a role that has none, so that is said', async () => {
    const { give } = await person()
    expect(await give('auditor', { from: ['10.0.0.0/8'] })).toMatchObject({ errors: [{ rule: 'binding.held' }] })
  })

  test('stay off break-glass accounts, which must work always', async () => {
    const glass = await person({ breakGlass: true })
    expect(await glass.give('operator', { hours: ALWAYS })).toMatchObject({
      ...{ status: 422, errors: [{ rule: 'binding.break-glass' }] },
    })
    const anna = await confined('operator', { from: ['10.0.0.0/8'] })
    const patch = await call(
      operator,
      'PATCH',
      `/users/${anna.id}`,
      { breakGlass: true },
      { headers: { 'if-match': '"1"' } },
    )
    expect(patch).toMatchObject({ status: 422, errors: [{ rule: 'binding.break-glass' }] })
  })

  test('of its giver are the widest that are given', async () => {
    const anna = await confined('operator', { from: ['10.0.0.0/8'], hours: 'Mon-Sun 00:00-24:00 UTC' })
    const id = await anna.enter()
    const { give } = await person()
    const inside = { address: INSIDE }
    const wide = [{}, { from: ['10.0.0.0/8'] }, { hours: ALWAYS }, { from: ['0.0.0.0/0'], hours: ALWAYS }]
    for (const conditions of wide)
      expect(await give('operator', conditions, id, inside), JSON.stringify(conditions)).toMatchObject({
        ...{ status: 403, errors: [{ pointer: '/from', rule: 'grant.conditions' }] },
      })
    const narrow = { from: ['10.1.0.0/16'], hours: 'Mon-Fri 07:00-19:00 UTC' }
    const given = await give('operator', narrow, id, inside)
    expect(given.status).toBe(201)
    // Nor by ways that lead around: a new account, a role that is changed, somebody who holds more.
    const account = { name: 'wider', role: 'operator' }
    expect((await call(id, 'POST', '/users', account, inside)).status).toBe(403)
    expect((await call(id, 'POST', '/roles', { name: 'wider', rights: ['key.write'] }, inside)).status).toBe(403)
    const [admin] = world.installation
    expect((await call(id, 'DELETE', `/users/${admin}`, undefined, inside)).status).toBe(403)
  })

  test('cannot come upon the last operator', async () => {
    const { rows } = await world.database.engine.query<{ id: string; account_id: string }>(
      `SELECT id, account_id FROM role_binding WHERE builtin = 'operator' AND tenant_id IS NULL AND site_id IS NULL
         AND account_id IS NOT NULL AND "from" = '{}' AND hours IS NULL`,
    )
    const answers: unknown[] = []
    for (const { id, account_id: account } of rows) {
      await call(operator, 'POST', `/users/${account}/bindings`, { role: 'operator', hours: ALWAYS })
      answers.push(await call(operator, 'DELETE', `/users/${account}/bindings/${id}`))
    }
    expect(answers.at(-1)).toMatchObject({ status: 422, errors: [{ rule: 'operator.last' }] })
  })
})

describe('a session that is elsewhere', () => {
  test('asks for a new proof before dangerous acts alone, and says why in the list', async () => {
    const { id } = { id: await (await person({ role: 'operator' })).enter() }
    expect((await call(id, 'GET', '/keys', undefined, { address: OUTSIDE })).status).toBe(200)
    const refused = await call(id, 'POST', '/tokens', { name: 't', rights: ['key.read'] }, { address: OUTSIDE })
    expect(refused).toMatchObject({
      ...{ status: 403, code: 'step-up-required' },
      errors: [{ rule: 'step-up', message: expect.stringContaining('address changed from 10.20.30.0/24') }],
    })
    await world.database.engine.query(`UPDATE session SET seen_at = now() - interval '2 minutes'`)
    await world.database.engine.query(`NOTIFY weft_access, '*'`)
    // Whichever call is the first to hear of it says where the session is.
    await vi.waitFor(async () => {
      await call(id, 'GET', '/keys', undefined, { address: OUTSIDE })
      const { items } = (await call(id, 'GET', '/sessions', undefined, { address: OUTSIDE })) as unknown as {
        items: { address: string; signals: { words: string }[] }[]
      }
      expect(items).toMatchObject([{ address: OUTSIDE, signals: [{ words: 'address changed from 10.20.30.0/24' }] }])
    }, 15_000)
  })

  test('and in another program ends, and a line says so', async () => {
    const one = await person()
    const id = await one.enter()
    expect((await call(id, 'GET', '/session', undefined, { address: OUTSIDE, agent: 'curl/8' })).status).toBe(401)
    expect((await call(id, 'GET', '/session', undefined, { address: INSIDE })).status).toBe(401)
    const { items } = (await call(operator, 'GET', '/audit?filter=action:eq:session.taken')) as unknown as {
      items: { actor: string }[]
    }
    expect(items).toMatchObject([{ actor: one.name, address: OUTSIDE, outcome: 'refused' }])
  })

  test('is not made by saying so: a passage of another’s making counts for nothing', async () => {
    const anna = await confined('operator', { from: ['10.0.0.0/8'] })
    const id = await anna.enter()
    const said = Buffer.from(JSON.stringify({ address: INSIDE, agent: 'lightMyRequest', until_ms: 9e15 }))
    for (const passage of [`${said.toString('base64url')}.AAAA`, said.toString('base64url'), '.', 'x'])
      expect(
        (await call(id, 'GET', '/keys', undefined, { address: OUTSIDE, headers: { [PASSAGE]: passage } })).status,
      ).toBe(403)
  })
})
