import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { FieldRight } from '#server/contract/base.ts'
import { ROLE_RIGHTS } from '#server/contract/rights.ts'
import type { HttpProcedure } from '#server/http/procedures.ts'
import { accessOf, placesOf } from '#server/identity/access.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { exampleOf, PROCEDURES } from './examples.ts'
import { pictureOf } from './picture.ts'
import { type Actor, type Ids, send, startWorld, type World } from './world.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.close())

/** Nothing has these. */
const nowhere = ({ line: _, ...ids }: Ids): Ids => ({
  line: '999999999',
  ...Object.fromEntries(
    Object.keys(ids).map((key, at) => [key, `019ab000-0000-7000-8000-${String(at).padStart(12, '0')}`]),
  ),
})

/** What the contract says, read apart from the code that holds to it. */
function mayCall({ method, meta }: HttpProcedure, actor: Actor): boolean {
  if (meta.right === 'public') return true
  if (actor.accountId === undefined) return false
  if (meta.right === 'self') return method === 'GET' || !actor.isToken
  return actor.rights.has(meta.right)
}

const problemOf = (text: string) => JSON.parse(text || '{}') as { code?: string; detail?: string }

/** Whether the door, and not something behind it, turned somebody away. */
const turnedAway = (status: number, text: string) =>
  (status === 401 && problemOf(text).detail === 'Nobody is signed in.') ||
  (status === 403 && (problemOf(text).detail ?? '').startsWith('Not allowed: '))

const ACTORS = [
  ...['operator', 'auditor', 'tenant administrator', 'tenant member', 'holder of a role that was made'],
  ...['operator of a site', 'token of the tenant administrator', 'nobody'],
]
/** Of what was begun elsewhere, and needs more than ids. */
const ELSEWHERE = ['identityProviders.testResult', 'signIn.arrival']
const named = (name: string) => PROCEDURES.find((one) => one.name === name) as HttpProcedure
const actorOf = (name: string) => world.actors.find((one) => one.name === name) as Actor

test('there is an example of every procedure’s input', () => {
  const lacking = PROCEDURES.flatMap((procedure) => {
    try {
      exampleOf(procedure, world.blue.ids)
      return []
    } catch (error) {
      return [(error as Error).message]
    }
  })
  expect(lacking).toEqual([])
  expect(PROCEDURES.length).toBeGreaterThan(100)
})

/** Whose things are foreign to somebody, and by what words and ids these are known. */
async function foreignTo(name: string): Promise<{ ids: Ids; marks: string[] }> {
  const { blue, red, farIds, hardware, installation } = world
  const { server, datapath } = hardware
  const ids = { ...blue.ids, inventory: server, datapaths: datapath, switchCertificates: datapath }
  const marks = ['cobalt', 'zoe-', ...installation, ...(await world.idsOf(blue.tenantId))]
  const elsewhere = ['scarlet', 'faraway', ...farIds, ...(await world.idsOf(red.tenantId))]
  return { ids, marks: name === 'operator of a site' || name === 'nobody' ? [...marks, ...elsewhere] : marks }
}

/** All that was sent so far. */
const asked: string[] = []

/** Calls everything with ids of what is foreign; answers what went wrong. */
async function reachOut(actor: Actor, app: World['app'], skip: (procedure: HttpProcedure) => boolean = () => false) {
  const { ids, marks } = await foreignTo(actor.name)
  const own = [actor.accountId].filter((id) => id !== undefined)
  // Hardware is no tenant's: where its people got past the door, they would see it.
  const isOfTenant = actor.name !== 'operator of a site'
  const tenantId = isOfTenant ? world.red.tenantId : null
  const wrong: string[] = []
  let before = await pictureOf(world.database, tenantId, own)
  for (const procedure of PROCEDURES) {
    if (skip(procedure)) continue
    const request = exampleOf(procedure, ids)
    const { status, text } = await send(app, world.host, request, await actor.enter())
    const says = (words: string) => wrong.push(`${procedure.name}: ${words}, ${status} ${text.slice(0, 300)}`)
    asked.push(request.sent)
    // A log tells those of a tenant what they themselves asked for before.
    const sent = procedure.name.startsWith('audit.') ? asked.join(' ') : request.sent
    const seen = marks.filter((mark) => text.includes(mark) && !sent.includes(mark))
    if (seen.length > 0) says(`shows ${seen.join(' ')}`)
    if (status >= 500) says('fails')
    const reads = procedure.method === 'GET'
    const isOthers = request.names && !(isOfTenant && procedure.name.startsWith('inventory.'))
    if (isOthers && (!reads || procedure.pathFields.length > 0) && status < 400) says('is answered')
    if (reads) continue
    const after = await pictureOf(world.database, tenantId, own)
    const moved = Object.keys(after).filter((table) => after[table] !== before[table])
    if (moved.length > 0) says(`changes ${moved.join(', ')}`)
    before = after
  }
  return wrong
}

const CONFINED = ACTORS.filter((name) => name !== 'operator' && name !== 'auditor')

describe('of what belongs to others, by ids that are right', () => {
  test('the ids lead somewhere for those whose they are', async () => {
    const actor = actorOf('tenant administrator')
    const lost: string[] = []
    for (const procedure of PROCEDURES) {
      const request = exampleOf(procedure, world.red.ids)
      if (procedure.method !== 'GET' || !mayCall(procedure, actor) || ELSEWHERE.includes(procedure.name)) continue
      const { status, text } = await send(world.app, world.host, request, await actor.enter())
      if (status !== 200) lost.push(`${procedure.name}: ${status} ${text.slice(0, 200)}`)
    }
    expect(lost).toEqual([])
    const { text } = await send(
      world.app,
      world.host,
      exampleOf(named('users.list'), world.red.ids),
      await actor.enter(),
    )
    expect(text).toContain('scarlet-member')
  })

  test.each(CONFINED)('%s sees nothing and changes nothing', async (name) => {
    expect(await reachOut(actorOf(name), world.app)).toEqual([])
  })

  test('which would be seen, as what an operator may see is', async () => {
    const seen = await reachOut(actorOf('operator'), world.app, ({ method }) => method !== 'GET')
    const lists = [
      'users',
      'groups',
      'roles',
      'tokens',
      'sessions',
      'identityProviders',
      'consoles',
      'networks',
      'audit',
    ]
    for (const area of lists)
      expect(
        seen.some((line) => line.startsWith(area) && line.includes('shows')),
        area,
      ).toBe(true)
  })

  // Keys have no tenant, and no rows that a tenant could see: there is one wall in front of them.
  test.each(CONFINED)('nor does %s with nobody at the door, since the database keeps tenants apart', async (name) => {
    expect(await reachOut(actorOf(name), world.open, ({ name: of }) => of.startsWith('keys.'))).toEqual([])
  })
})

describe('at the door, of everything there is to call', () => {
  test.each(ACTORS)('%s may call what the contract says, and nothing else', async (name) => {
    const actor = actorOf(name)
    const wrong: string[] = []
    for (const procedure of PROCEDURES) {
      const request = exampleOf(procedure, nowhere(world.blue.ids))
      const { status, text } = await send(world.app, world.host, request, await actor.enter())
      const may = mayCall(procedure, actor)
      if (turnedAway(status, text) === may && procedure.meta.right !== 'public')
        wrong.push(`${procedure.name}: ${may ? 'may' : 'may not'}, and got ${status} ${text.slice(0, 200)}`)
      const isRead = procedure.method === 'GET' && !ELSEWHERE.includes(procedure.name)
      if (may && isRead && !request.names && status !== 200)
        wrong.push(`${procedure.name}: ${status} ${text.slice(0, 200)}`)
      if (status >= 500) wrong.push(`${procedure.name}: ${status} ${text.slice(0, 200)}`)
    }
    expect(wrong).toEqual([])
  })
})

describe('fields that ask for more than the right of their procedure', () => {
  /** What somebody of one tenant would give beyond it. */
  const beyond = (field: string): unknown =>
    ({
      ...{ operators: true, breakGlass: true, role: 'operator', rights: ['key.write'] },
      ...{ tenantId: world.blue.tenantId, siteId: world.siteIds.own },
    })[field]

  const give = async (procedure: HttpProcedure, fields: object, name: string) => {
    const { method, url, body } = exampleOf(procedure, world.red.ids)
    const request = { method, url, body: { ...(body as object), ...fields } }
    const { status, text } = await send(world.app, world.host, request, await actorOf(name).enter())
    return { status, ...(JSON.parse(text || '{}') as { code?: string; errors?: { pointer: string; rule: string }[] }) }
  }

  /** Those of one kind that a tenant's administrator may call, and can give something by. */
  const marked = (right: FieldRight) =>
    PROCEDURES.filter((one) => mayCall(one, actorOf('tenant administrator'))).flatMap((procedure) =>
      Object.entries(procedure.meta.fields ?? {})
        .filter(([field, of]) => of === right && beyond(field) !== undefined)
        .map(([field]) => ({ procedure, field })),
    )

  test('and are for the whole installation are refused to a tenant’s administrator, and not to an operator', async () => {
    const all = marked('everywhere')
    expect(all.map(({ procedure, field }) => `${procedure.name} ${field}`)).toEqual([
      ...['users.update breakGlass', 'identityProviders.import operators', 'identityProviders.addOidc operators'],
    ])
    for (const { procedure, field } of all) {
      const refused = await give(procedure, { [field]: beyond(field) }, 'tenant administrator')
      expect(refused, procedure.name).toMatchObject({
        ...{ status: 403, code: 'forbidden', errors: [{ pointer: `/${field}`, rule: 'field.everywhere' }] },
      })
      const operator = await give(procedure, { [field]: beyond(field) }, 'operator')
      expect(JSON.stringify(operator), procedure.name).not.toContain('field.everywhere')
      const none = await give(procedure, { [field]: false }, 'tenant administrator')
      expect(JSON.stringify(none), procedure.name).not.toContain('field.everywhere')
    }
  })

  test.each(['within', 'held'] as const)('and are %s give nothing beyond what one has', async (right) => {
    const passed: string[] = []
    const all = marked(right)
    expect(all.length).toBeGreaterThan(5)
    for (const { procedure, field } of all) {
      const isSite = field === 'siteId'
      const fields = { [field]: beyond(field), ...(isSite && { role: 'operator', tenantId: null }) }
      const { status } = await give(procedure, fields, 'tenant administrator')
      if (status < 400 || status >= 500) passed.push(`${procedure.name} ${field}: ${status}`)
    }
    expect(passed).toEqual([])
  })
})

describe('an operator too', () => {
  const asked = async (method: string, path: string, body: object) => {
    const bearer = await actorOf('operator').enter()
    const { status, text } = await send(world.app, world.host, { method, url: `/api/v1${path}`, body }, bearer)
    return { status, ...(JSON.parse(text) as { id?: string }) }
  }

  test('puts nobody of a tenant into a group that is wider than the tenant', async () => {
    const { id } = await asked('POST', '/groups', { name: 'Everybody' })
    expect(await asked('POST', `/groups/${id}/members`, { userId: world.red.ids.users })).toMatchObject({
      ...{ status: 422, errors: [{ pointer: '/userId', rule: 'group.tenant' }] },
    })
  })

  test('works nowhere where there is nothing', async () => {
    const nowhere = { tenantId: '019ab000-0000-7000-8000-000000000000', siteId: null }
    expect(await asked('PUT', '/session/place', nowhere)).toMatchObject({
      ...{ status: 422, errors: [{ rule: 'session.place' }] },
    })
  })
})

describe('a tenant’s administrator makes nobody more than they are', () => {
  const OPERATOR = { role: 'operator', tenantId: null, siteId: null }
  const attempts = (): [string, string, object][] => {
    const { users, groups, owner, roles } = world.red.ids
    const site = { role: 'operator', tenantId: null, siteId: world.siteIds.own }
    const own = { ...OPERATOR, tenantId: world.red.tenantId }
    return [
      ...[OPERATOR, site, own, { ...own, role: 'auditor' }].flatMap((role): [string, string, object][] => [
        ['POST', `/users/${users}/bindings`, role],
        ['POST', `/users/${owner}/bindings`, role],
        ['POST', `/groups/${groups}/bindings`, role],
      ]),
      ['POST', '/users', { name: 'king', role: 'operator' }],
      ['POST', '/users', { name: 'queen', role: 'tenant-member', tenantId: world.blue.tenantId }],
      ['POST', '/roles', { name: 'crown', rights: ['key.write'] }],
      ['POST', '/roles', { name: 'crown', rights: ['network.read', 'inventory.read'] }],
      ['PATCH', `/roles/${roles}`, { rights: ['network.read', 'inventory.read'] }],
      ['POST', `/users/${users}/bindings`, { role: 'cobalt-reader', tenantId: world.red.tenantId }],
      ['POST', `/users/${users}/bindings`, { role: 'tenant-administrator', tenantId: world.blue.tenantId }],
      ['POST', '/tokens', { name: 'crown', rights: ['key.write'] }],
      ['POST', '/tokens', { name: 'crown', rights: ['network.read'], tenantId: world.blue.tenantId }],
      ['PUT', '/session/place', { tenantId: null, siteId: null }],
      ['PUT', '/session/place', { tenantId: world.blue.tenantId, siteId: null }],
      ['POST', '/identity-providers/oidc', { ...OIDC, operators: true }],
    ]
  }
  const OIDC = { name: 'crown', issuer: 'https://crown.example', clientId: 'x', clientSecret: 'x' }

  test.each(['app', 'open'] as const)('by nothing that can be asked (%s)', async (which) => {
    const passed: string[] = []
    for (const [method, path, body] of attempts()) {
      const request = { method, url: `/api/v1${path}`, body }
      const bearer = await actorOf('tenant administrator').enter()
      const { status, text } = await send(world[which], world.host, request, bearer)
      if (status < 400 || status >= 500) passed.push(`${path} ${JSON.stringify(body)}: ${status} ${text}`)
    }
    expect(passed).toEqual([])
  })

  test('and after all that was tried, nobody of a tenant holds anything outside of it', async () => {
    const { items } = await world.wired.accounts.list(EVERYTHING, { limit: 500, sort: 'name' })
    const people = items.filter(({ tenantId }) => tenantId !== null)
    expect(people.length).toBeGreaterThanOrEqual(6)
    for (const { name, tenantId, bindings } of people) {
      expect(
        placesOf(bindings).map((place) => place.tenantId),
        name,
      ).toEqual([tenantId])
      const beyond = accessOf(bindings).rights.difference(new Set(ROLE_RIGHTS['tenant-administrator']))
      expect([...beyond], name).toEqual([])
    }
    const operators = items.filter(({ bindings }) => bindings.some(({ role }) => role === 'operator'))
    expect(operators.map(({ name }) => name)).toEqual(['lab-operator', 'zoe-operator'])
  })
})
