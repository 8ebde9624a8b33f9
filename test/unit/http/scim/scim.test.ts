import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { EVERYTHING } from '#server/inventory/database.ts'
import { providerAdministration } from '#server/inventory/providers.ts'
import { tenantStore } from '#server/inventory/tenants.ts'
import { member, type Provider, type SignInGround, startSignIn } from '../saml/ground.ts'
import { startConsole } from '../saml/logout-peers.ts'

/** Users and groups pushed over HTTP, with the examples of RFC 7644 and what providers really send. */

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error'

interface Resource {
  readonly id: string
  readonly [name: string]: unknown
}
interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Resource & { Resources: Resource[]; totalResults: number; startIndex: number; itemsPerPage: number }
}
type Push = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>

let weft: SignInGround
let idp: Provider
let push: Push

/** A provider with a token, and how it speaks. */
async function pusher(more: Parameters<SignInGround['provider']>[0] = {}): Promise<{ idp: Provider; push: Push }> {
  const provider = await weft.provider(more)
  const token = `weftscim_${randomBytes(32).toString('base64url')}`
  const hash = createHash('sha256').update(token).digest('hex')
  await providerAdministration(weft.database).keepScim(EVERYTHING, provider.id, hash)
  return {
    idp: provider,
    async push(method, path, body, headers = {}) {
      const answer = await fetch(`${weft.origin}/scim/v2${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/scim+json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await answer.text()
      return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) }
    },
  }
}

beforeAll(async () => {
  // Consoles of a tenant stand on this machine.
  weft = await startSignIn({ WEFT_METADATA_PRIVATE: 'true' })
  ;({ idp, push } = await pusher())
})
afterAll(() => weft?.close())

const fresh = (name = 'user') => `${name}-${randomBytes(6).toString('hex')}@example.com`
const make = async (more: Record<string, unknown> = {}, by: Push = push) =>
  (await by('POST', '/Users', { schemas: [USER], userName: fresh(), ...more })).body
const makeGroup = async (more: Record<string, unknown> = {}, by: Push = push) =>
  (await by('POST', '/Groups', { schemas: [GROUP], displayName: fresh('group'), ...more })).body
const patch = (path: string, ...operations: object[]) =>
  push('PATCH', path, { schemas: [PATCH], Operations: operations })
const refused = (status: number, scimType?: string) => ({
  status,
  body: { schemas: [ERROR], status: String(status), ...(scimType && { scimType }), detail: expect.any(String) },
})
const rows = async (sql: string, values: unknown[] = []) => (await weft.database.engine.query(sql, values)).rows
/** Somebody who was pushed signs in through the provider. */
const signIn = async (userName: string, of = idp) => (await weft.enter(of, { nameId: userName })).session
const last = () => weft.audit.lines.at(-1)

test('what a provider reads and writes is in the log of decisions', async () => {
  const { id } = await make()
  await push('GET', `/Users/${id}`)
  expect(weft.decisions.slice(-2)).toMatchObject([
    { account: `scim:${idp.name}`, procedure: 'scim.users.create', kind: 'write', tenantId: idp.tenantId },
    { account: `scim:${idp.name}`, procedure: 'scim.users.read', kind: 'read', allowed: true },
  ])
})

describe('a user', () => {
  // RFC 7644, 3.3
  test('is made, and is where the answer says', async () => {
    const { status, headers, body } = await push('POST', '/Users', {
      schemas: [USER],
      userName: 'bjensen',
      externalId: 'bjensen-1',
      name: { formatted: 'Ms. Barbara J Jensen III', familyName: 'Jensen', givenName: 'Barbara' },
    })
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      201,
      'application/scim+json',
      'no-store',
    ])
    const location = `${weft.origin}/scim/v2/Users/${body.id}`
    expect(headers.get('location')).toBe(location)
    expect(body).toEqual({
      ...{
        schemas: [USER],
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        externalId: 'bjensen-1',
        userName: 'bjensen',
      },
      ...{ displayName: 'Ms. Barbara J Jensen III', name: { formatted: 'Ms. Barbara J Jensen III' }, active: true },
      meta: { resourceType: 'User', created: expect.any(String), location },
    })
    expect((await push('GET', `/Users/${body.id}`)).body).toEqual(body)
    expect(await rows('SELECT name, subject, tenant_id, provider_id FROM account WHERE id = $1', [body.id])).toEqual([
      { name: 'bjensen', subject: 'bjensen', tenant_id: weft.tenant.id, provider_id: idp.id },
    ])
    expect(last()).toMatchObject({
      ...{ action: 'scim.users.create', outcome: 'done', actor: `scim:${idp.name}`, provider: idp.name },
      ...{ subject: `user/${body.id}`, tenantId: weft.tenant.id, after: { userName: 'bjensen' } },
    })
  })

  test('of a name that is there is refused, whatever its case', async () => {
    const { userName } = await make()
    const again = await push('POST', '/Users', { schemas: [USER], userName: String(userName).toUpperCase() })
    expect(again).toMatchObject(refused(409, 'uniqueness'))
    expect(last()).toMatchObject({ action: 'scim.users.create', outcome: 'refused', reason: 'uniqueness' })
  })

  test.each([
    ['no name', { schemas: [USER] }],
    ['an empty name', { schemas: [USER], userName: '' }],
    ['a name with a line break', { schemas: [USER], userName: 'a\nb' }],
    ['a name without end', { schemas: [USER], userName: 'a'.repeat(201) }],
    ['a name that is a list', { schemas: [USER], userName: ['a'] }],
    ['an answer that is none', { schemas: [USER], userName: 'x', active: 'perhaps' }],
    ['another schema', { schemas: [GROUP], userName: 'x' }],
    ['a list', []],
    ['nothing', '""'],
  ])('with %s is refused', async (_what, body) => {
    const { status, body: answer } = await push('POST', '/Users', body)
    expect([status, answer.schemas]).toEqual([400, [ERROR]])
  })

  // RFC 7644, 3.5.1
  test('is replaced', async () => {
    const { id, userName } = await make({ displayName: 'Before', emails: [{ value: 'before@example.com' }] })
    const { status, body } = await push('PUT', `/Users/${id}`, {
      schemas: [USER],
      ...{ id, userName, externalId: 'e-7', displayName: 'After' },
      emails: [
        { value: 'home@example.com', type: 'home' },
        { value: 'after@example.com', type: 'work' },
      ],
      // Of no effect: read alone, or nothing that is kept.
      groups: [{ value: 'any' }],
      roles: [{ value: 'operator' }],
      password: 'secret',
    })
    expect([status, body]).toMatchObject([
      200,
      {
        id,
        externalId: 'e-7',
        displayName: 'After',
        emails: [{ value: 'after@example.com', type: 'work', primary: true }],
      },
    ])
    expect(body).not.toHaveProperty('roles')
    expect(body).not.toHaveProperty('password')
    expect(await rows('SELECT 1 FROM role_binding WHERE account_id = $1', [id])).toEqual([])
    expect(last()).toMatchObject({ before: { displayName: 'Before' }, after: { displayName: 'After' } })
  })

  // RFC 7644, 3.5.2, with the values of Okta and Entra ID
  test.each<[string, object[], object]>([
    ['by path', [{ op: 'replace', path: 'displayName', value: 'New' }], { displayName: 'New' }],
    [
      'without a path',
      [{ op: 'replace', value: { displayName: 'New', externalId: 'x' } }],
      { displayName: 'New', externalId: 'x' },
    ],
    [
      'of one of several values',
      [{ op: 'replace', path: 'emails[type eq "work"].value', value: 'new@example.com' }],
      { emails: [{ value: 'new@example.com', type: 'work', primary: true }] },
    ],
    [
      'of a name',
      [{ op: 'Replace', path: 'userName', value: 'renamed@example.com' }],
      { userName: 'renamed@example.com' },
    ],
    ['as text', [{ op: 'Replace', path: 'active', value: 'False' }], { active: false }],
    ['as text without a path', [{ op: 'replace', value: { active: 'False' } }], { active: false }],
    [
      'of several at once',
      [
        { op: 'add', path: 'externalId', value: 'e' },
        { op: 'replace', path: 'displayName', value: 'New' },
        { op: 'add', path: `${ENTERPRISE}:department`, value: 'Weaving' },
      ],
      { externalId: 'e', displayName: 'New' },
    ],
  ])('is changed %s', async (_how, operations, expected) => {
    const { id } = await make({
      displayName: 'Old',
      emails: [{ value: 'old@example.com', type: 'work', primary: true }],
    })
    const { status, body } = await patch(`/Users/${id}`, ...operations)
    expect([status, body]).toMatchObject([200, expected])
    expect((await push('GET', `/Users/${id}`)).body).toMatchObject(expected)
  })

  test.each<[string, unknown, string | undefined]>([
    [
      'of what there is not',
      { schemas: [PATCH], Operations: [{ op: 'replace', path: 'colour', value: 'red' }] },
      'invalidPath',
    ],
    ['of its id', { schemas: [PATCH], Operations: [{ op: 'replace', path: 'id', value: 'x' }] }, 'mutability'],
    ['by no operation', { schemas: [PATCH], Operations: [] }, 'invalidValue'],
    ['by one that there is not', { schemas: [PATCH], Operations: [{ op: 'destroy' }] }, 'invalidSyntax'],
    ['of another schema', { schemas: [USER], Operations: [{ op: 'add', value: {} }] }, 'invalidSyntax'],
    ['to no name', { schemas: [PATCH], Operations: [{ op: 'replace', path: 'userName', value: '' }] }, 'invalidValue'],
    ['by operations that are none', { schemas: [PATCH], Operations: [null] }, 'invalidSyntax'],
    ['by what is no object', { schemas: [PATCH], Operations: 7 }, 'invalidValue'],
  ])('is not changed: a change %s is refused', async (_what, body, scimType) => {
    const { id } = await make()
    expect(await push('PATCH', `/Users/${id}`, body)).toMatchObject(refused(400, scimType))
  })

  test('is not changed by a path that the library would not come back from', async () => {
    const { id } = await make()
    const wild = '\\'.repeat(100)
    for (const [operation, scimType] of [
      [{ op: 'replace', path: `emails[type eq "${wild}].value`, value: 'x' }, 'invalidPath'],
      [{ op: 'replace', value: { [`emails[type eq "${wild}].value`]: 'x' } }, 'invalidPath'],
      [{ op: 'remove', path: 'emails', value: [{ value: `" "${wild}` }] }, 'invalidValue'],
      [{ op: 'remove', path: 'emails', value: [{ value: [`" "${wild}`] }] }, 'invalidValue'],
      [{ op: 'remove', path: 'emails', value: [{ value: '" or value pr or value eq "' }] }, 'invalidValue'],
      [{ op: 'remove', path: 'emails', value: [{ [`" "${wild}`]: 'x' }] }, 'invalidPath'],
    ] as const)
      expect(await patch(`/Users/${id}`, operation)).toMatchObject(refused(400, scimType))
    expect(await push('GET', `/Users/${encodeURIComponent(`" "${wild}`)}`)).toMatchObject(refused(404))
  })

  test('changes nothing but itself', async () => {
    const { id, userName } = await make()
    const inherited = ['__proto__.weft', 'constructor.prototype.weft', 'emails.__proto__.weft', '__proto__']
    for (const name of inherited) {
      const named = `${ENTERPRISE}:${name}`
      for (const path of [name, named]) {
        expect((await push('GET', `/Users?filter=${encodeURIComponent(`${path} eq "x"`)}`)).status).toBe(400)
        expect((await push('GET', `/Users?attributes=${encodeURIComponent(path)}`)).status).toBe(400)
        expect((await patch(`/Users/${id}`, { op: 'add', path, value: 'x' })).status).toBe(400)
        expect((await patch(`/Users/${id}`, { op: 'add', value: JSON.parse(`{"${path}":"x"}`) })).status).toBe(400)
        const body = `{"schemas":["${USER}"],"userName":"${userName}","${path}":"x","a":{"${path}":"x"}}`
        expect((await push('PUT', `/Users/${id}`, body)).status).toBe(400)
        expect((await push('POST', '/Users', body)).status).toBe(400)
      }
    }
    expect([Reflect.get({}, 'weft'), Reflect.get([], 'weft'), Object.keys(Object.prototype)]).toEqual([
      undefined,
      undefined,
      [],
    ])
  })

  test('that does not change is answered with nothing', async () => {
    const { id } = await make({ displayName: 'Same' })
    expect(await patch(`/Users/${id}`, { op: 'replace', path: 'displayName', value: 'Same' })).toMatchObject({
      status: 204,
    })
  })

  test('that is not there is not found, whatever is done', async () => {
    for (const id of ['01a1fd5a-5cf2-7582-aba2-eae16172323d', 'nobody', "' OR true --"]) {
      const path = `/Users/${encodeURIComponent(id)}`
      expect(await push('GET', path)).toMatchObject(refused(404))
      expect(await push('PUT', path, { schemas: [USER], userName: 'x' })).toMatchObject(refused(404))
      expect(await patch(path, { op: 'replace', path: 'active', value: false })).toMatchObject(refused(404))
      expect(await push('DELETE', path)).toMatchObject(refused(404))
    }
  })
})

describe('a user who signs in', () => {
  test('has the account that was pushed', async () => {
    const { id, userName } = await make({ displayName: 'Pushed' })
    const session = await signIn(String(userName))
    const caller = await weft.sessions.find(session.split('=')[1] ?? '')
    expect(caller?.account).toMatchObject({ id, tenantId: weft.tenant.id })
  })

  test.each([
    ['PATCH', (id: string) => patch(`/Users/${id}`, { op: 'replace', path: 'active', value: false })],
    [
      'PUT',
      (id: string, userName: string) => push('PUT', `/Users/${id}`, { schemas: [USER], userName, active: false }),
    ],
    ['DELETE', (id: string) => push('DELETE', `/Users/${id}`)],
  ])('is out at once after %s, and stays out', async (_method, end) => {
    const { id, userName } = await make()
    const session = await signIn(String(userName))
    expect(await weft.whoIs(session)).toBeDefined()
    expect((await end(id, String(userName))).status).toBeLessThan(300)
    expect(await weft.whoIs(session)).toBeUndefined()
    await expect.poll(() => rows('SELECT 1 FROM session WHERE account_id = $1', [id])).toEqual([])
    expect(await signIn(String(userName))).toBe('')
    expect(last()).toMatchObject({ action: 'signIn.saml', outcome: 'refused', reason: 'account-disabled' })
  })

  test('is out of the consoles too that they opened, once they are disabled', async () => {
    const firewall = await startConsole(weft, ['redirect', 'soap'], 'Firewall')
    onTestFinished(() => firewall.stop())
    const { id, userName } = await make()
    const name = await firewall.enter(await signIn(String(userName)))
    await patch(`/Users/${id}`, { op: 'replace', path: 'active', value: false })
    await expect.poll(() => firewall.soap.told).toEqual([name])
    await expect.poll(() => rows('SELECT 1 FROM session WHERE account_id = $1', [id])).toEqual([])
  })

  test('is told what they are called otherwise, and finds nothing of who had the name before', async () => {
    const { id, userName } = await make({ displayName: 'Anna' })
    const told = () => rows('SELECT kind, what, by FROM notice WHERE account_id = $1', [id])
    await patch(`/Users/${id}`, { op: 'replace', path: 'displayName', value: 'Anna' })
    expect(await told()).toEqual([])
    await patch(`/Users/${id}`, { op: 'replace', path: 'displayName', value: 'Anne' })
    expect(await told()).toEqual([{ kind: 'account.details', what: 'name', by: idp.name }])
    await push('DELETE', `/Users/${id}`)
    expect((await make({ userName, displayName: 'Another' })).id).toBe(id)
    expect(await told()).toEqual([])
  })

  test('is in again when the provider says so', async () => {
    const { id, userName } = await make({ active: false })
    expect(await signIn(String(userName))).toBe('')
    await patch(`/Users/${id}`, { op: 'replace', path: 'active', value: true })
    expect(await weft.whoIs(await signIn(String(userName)))).toBeDefined()
  })

  test('but not when it was somebody here who disabled them', async () => {
    const { id, userName } = await make()
    await weft.database.engine.query(`UPDATE account SET state = 'disabled' WHERE id = $1`, [id])
    const { body } = await patch(`/Users/${id}`, { op: 'replace', path: 'active', value: true })
    expect(body.active ?? false).toBe(false)
    expect(await signIn(String(userName))).toBe('')
    // Nor after the provider disabled and enabled them as well.
    await patch(`/Users/${id}`, { op: 'replace', path: 'active', value: false })
    await push('PUT', `/Users/${id}`, { schemas: [USER], userName, active: true })
    expect((await push('GET', `/Users/${id}`)).body.active).toBe(false)
  })

  test('came before they were pushed: it is the same account', async () => {
    const name = fresh('early')
    await signIn(name)
    const found = await push('GET', `/Users?filter=${encodeURIComponent(`userName eq "${name}"`)}`)
    expect(found.body.Resources).toHaveLength(1)
    expect(await push('POST', '/Users', { schemas: [USER], userName: name })).toMatchObject(refused(409, 'uniqueness'))
    const id = found.body.Resources[0]?.id
    expect((await push('PUT', `/Users/${id}`, { schemas: [USER], userName: name, externalId: 'e' })).status).toBe(200)
  })

  test('may be known by externalId instead', async () => {
    const other = await pusher({ options: { scimSubject: 'externalId' } })
    const userName = fresh()
    const body = { schemas: [USER], userName }
    expect(await other.push('POST', '/Users', body)).toMatchObject(refused(400, 'invalidValue'))
    const { id } = (await other.push('POST', '/Users', { ...body, externalId: 'object-1' })).body
    const caller = await weft.sessions.find((await signIn('object-1', other.idp)).split('=')[1] ?? '')
    expect(caller?.account.id).toBe(id)
    expect((await other.push('GET', `/Users/${id}`)).body).toMatchObject({ userName, externalId: 'object-1' })
  })
})

describe('a user that was removed', () => {
  test('is gone for the provider, and leaves nothing to whoever has the name next', async () => {
    const { id, userName } = await make()
    const group = await makeGroup({ members: [{ value: id }] })
    await weft.database.engine.query(
      `INSERT INTO role_binding (id, account_id, builtin, tenant_id) VALUES (gen_random_uuid(), $1, 'tenant-administrator', $2),
         (gen_random_uuid(), $1, 'auditor', NULL)`,
      [id, weft.tenant.id],
    )
    expect((await push('DELETE', `/Users/${id}`)).status).toBe(204)
    expect(await push('GET', `/Users/${id}`)).toMatchObject(refused(404))
    const asked = await push('GET', `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`)
    expect(asked.body).toMatchObject({ totalResults: 0, Resources: [] })
    expect((await push('GET', `/Groups/${group.id}`)).body.members).toBeUndefined()
    // The audit log still names them.
    expect(await rows('SELECT state FROM account WHERE id = $1', [id])).toEqual([{ state: 'disabled' }])
    const again = await push('POST', '/Users', { schemas: [USER], userName })
    expect([again.status, again.body.active]).toEqual([201, true])
    expect(await rows('SELECT 1 FROM role_binding WHERE account_id = $1', [again.body.id])).toEqual([])
  })
})

describe('a question', () => {
  let asker: Push
  beforeAll(async () => {
    ;({ push: asker } = await pusher())
    for (const [at, name] of ['ann', 'bob', 'carol', 'dave', 'erin'].entries())
      await asker('POST', '/Users', {
        ...{ schemas: [USER], userName: `${name}@example.com`, displayName: name, externalId: `E${at}` },
        emails: [{ value: `${name}@mail.example`, type: 'work' }],
        active: name !== 'dave',
      })
  })
  const ask = (query: string) => asker('GET', `/Users?${query}`)
  const names = async (filter: string) => {
    const { status, body } = await ask(`filter=${encodeURIComponent(filter)}`)
    return status === 200 ? body.Resources.map(({ displayName }) => displayName) : [status, body.scimType]
  }

  test.each([
    ['userName eq "ann@example.com"', ['ann']],
    ['userName eq "ANN@example.com"', ['ann']],
    ['username Eq "ann@example.com"', ['ann']],
    [`${USER}:userName eq "ann@example.com"`, ['ann']],
    ['externalId eq "E1"', ['bob']],
    ['externalId eq "e1"', []],
    ['emails.value eq "carol@mail.example"', ['carol']],
    ['emails[type eq "work"].value eq "carol@mail.example"', ['carol']],
    ['emails[type eq "home"].value eq "carol@mail.example"', []],
    ['active eq false', ['dave']],
    ['active eq "False"', ['dave']],
    ['userName sw "a" or displayName ew "B"', ['ann', 'bob']],
    ['active eq true and displayName co "ar"', ['carol']],
    ['externalId pr and userName sw "e"', ['erin']],
    ['displayName eq "%"', []],
    [`displayName eq "' OR true --"`, []],
    ['colour eq "red"', [400, 'invalidFilter']],
    ['__proto__ eq "x"', [400, 'invalidFilter']],
    ['userName gt "a"', [400, 'invalidFilter']],
    ['not (userName eq "ann")', [400, 'invalidFilter']],
    ['userName eq', [400, 'invalidFilter']],
    ['userName eq 7', [400, 'invalidFilter']],
    ['((((', [400, 'invalidFilter']],
    ['userName', [400, 'invalidSyntax']],
    ['(displayName eq ") and a.__proto__.weft eq "x"', [400, 'invalidFilter']],
    ['userName eq "prototype@example.com"', []],
    [Array(30).fill('userName eq "a"').join(' or '), [400, 'invalidFilter']],
    ['('.repeat(1_000) + ')'.repeat(1_000), [400, 'invalidFilter']],
    [`userName eq "${'a'.repeat(3_000)}"`, [400, 'invalidFilter']],
    // The library's own grammar would not come back from these.
    [`userName eq "${'\\'.repeat(100)}`, [400, 'invalidFilter']],
    [`userName eq "${'\n'.repeat(100)}`, [400, 'invalidFilter']],
  ])('%s', async (filter, expected) => {
    expect(await names(filter)).toEqual(expected)
  })

  // RFC 7644, 3.4.2.4
  test.each([
    ['', 1, 5, ['ann', 'bob', 'carol', 'dave', 'erin']],
    ['startIndex=2&count=2', 2, 2, ['bob', 'carol']],
    ['startIndex=3&count=10', 3, 3, ['carol', 'dave', 'erin']],
    ['startIndex=0&count=1', 1, 1, ['ann']],
    ['startIndex=6', 6, 0, []],
    ['count=0', 1, 0, []],
    ['count=-5', 1, 0, []],
    ['count=100000', 1, 5, ['ann', 'bob', 'carol', 'dave', 'erin']],
    ['sortBy=userName&sortOrder=descending', 1, 5, ['ann', 'bob', 'carol', 'dave', 'erin']],
  ])('pages of a list: %s', async (query, startIndex, itemsPerPage, expected) => {
    const { body } = await ask(query)
    expect(body).toMatchObject({ schemas: [LIST], totalResults: 5, startIndex, itemsPerPage })
    expect(body.Resources.map(({ displayName }) => displayName)).toEqual(expected)
  })

  test.each(['count=many', 'startIndex=1e9', 'count=1&count=2', 'filter=', 'attributes='])(
    '%s is refused',
    async (query) => {
      expect((await ask(query)).status).toBe(400)
    },
  )

  test('for some attributes is answered with those', async () => {
    const { body } = await ask('attributes=userName&count=1')
    expect(Object.keys(body.Resources[0] ?? {}).toSorted()).toEqual(['id', 'userName'])
    const without = (await ask('excludedAttributes=emails,displayName&count=1')).body.Resources[0]
    expect(without).not.toHaveProperty('emails')
    expect(without).toHaveProperty('userName')
  })
})

describe('a group', () => {
  test('is made with members, who hold what people here give it', async () => {
    const [ann, bob] = [await make({ displayName: 'Ann' }), await make({ displayName: 'Bob' })]
    const { status, body } = await push('POST', '/Groups', {
      ...{ schemas: [GROUP], displayName: 'Tour Guides', externalId: 'g-1' },
      members: [{ value: ann.id }, { value: bob.id }],
    })
    expect([status, body]).toMatchObject([
      201,
      {
        ...{ displayName: 'Tour Guides', externalId: 'g-1' },
        members: [
          { value: ann.id, display: 'Ann', type: 'User', $ref: `${weft.origin}/scim/v2/Users/${ann.id}` },
          { value: bob.id, display: 'Bob' },
        ],
      },
    ])
    expect(await rows('SELECT source FROM group_member WHERE group_id = $1', [body.id])).toEqual([
      { source: 'scim' },
      { source: 'scim' },
    ])
    expect((await push('GET', `/Users/${ann.id}`)).body.groups).toEqual([
      { value: body.id, display: 'Tour Guides', type: 'direct', $ref: `${weft.origin}/scim/v2/Groups/${body.id}` },
    ])
    // It gives nothing by itself.
    expect(await rows('SELECT 1 FROM role_binding WHERE group_id = $1', [body.id])).toEqual([])
    await weft.database.engine.query(
      `INSERT INTO role_binding (id, group_id, builtin, tenant_id) VALUES (gen_random_uuid(), $1, 'tenant-administrator', $2)`,
      [body.id, weft.tenant.id],
    )
    expect(await weft.whoIs(await signIn(String(ann.userName)))).toMatchObject({ role: 'tenant-administrator' })
  })

  // RFC 7644, 3.5.2.1 to 3.5.2.3
  test('has members put in and taken out, one by one and all at once', async () => {
    const [ann, bob, carol] = [await make(), await make(), await make()]
    const group = await makeGroup({ members: [{ value: ann.id }] })
    const path = `/Groups/${group.id}`
    const members = async () =>
      (((await push('GET', path)).body.members ?? []) as { value: string }[]).map(({ value }) => value).toSorted()
    await patch(path, { op: 'add', path: 'members', value: [{ value: bob.id }] })
    await patch(path, { op: 'Add', path: 'members', value: [{ value: carol.id }, { value: bob.id }] })
    expect(await members()).toEqual([ann.id, bob.id, carol.id].toSorted())
    await patch(path, { op: 'remove', path: `members[value eq "${ann.id}"]` })
    await patch(path, { op: 'Remove', path: 'members', value: [{ value: bob.id }] })
    expect(await members()).toEqual([carol.id])
    await push('PUT', path, { schemas: [GROUP], displayName: 'Renamed', members: [{ value: ann.id }] })
    expect(await members()).toEqual([ann.id])
    await patch(path, { op: 'remove', path: 'members' })
    expect(await members()).toEqual([])
    expect((await push('GET', path)).body.displayName).toBe('Renamed')
  })

  test('loses none of the members that are put in at the same time', async () => {
    const people = await Promise.all(Array.from({ length: 8 }, () => make()))
    const { id } = await makeGroup()
    const add = (value: string) => patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [{ value }] })
    await Promise.all(people.map((person) => add(person.id)))
    expect((await push('GET', `/Groups/${id}`)).body.members).toHaveLength(8)
  })

  test('is found by its name', async () => {
    const { displayName } = await makeGroup()
    const { body } = await push(
      'GET',
      `/Groups?filter=${encodeURIComponent(`displayName eq "${displayName}"`)}&excludedAttributes=members`,
    )
    expect(body).toMatchObject({ totalResults: 1, Resources: [{ displayName }] })
  })

  test('has no groups in it, and nobody who is not known', async () => {
    const { id } = await makeGroup()
    const add = (value: object) => patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [value] })
    expect(await add({ value: id })).toMatchObject(refused(400, 'invalidValue'))
    expect(await add({ value: id, type: 'Group' })).toMatchObject(refused(400, 'invalidValue'))
    expect(await add({ value: 'nobody' })).toMatchObject(refused(400, 'invalidValue'))
    expect((await push('GET', `/Groups/${id}`)).body.members).toBeUndefined()
  })

  test('of a name that a group of the tenant has is refused', async () => {
    await weft.database.engine.query(
      `INSERT INTO user_group (id, name, tenant_id) VALUES (gen_random_uuid(), 'ours', $1)`,
      [weft.tenant.id],
    )
    const { status, body } = await push('POST', '/Groups', { schemas: [GROUP], displayName: 'ours' })
    expect([status, body.scimType]).toEqual([409, 'uniqueness'])
  })

  test('that is removed takes with it what it gave', async () => {
    const { id } = await makeGroup({ members: [{ value: (await make()).id }] })
    expect((await push('DELETE', `/Groups/${id}`)).status).toBe(204)
    expect(await push('GET', `/Groups/${id}`)).toMatchObject(refused(404))
    expect(await rows('SELECT 1 FROM group_member WHERE group_id = $1', [id])).toEqual([])
    expect(last()).toMatchObject({ action: 'scim.groups.remove', outcome: 'done', subject: `group/${id}` })
  })

  test('which an operator gave a role outside of the tenant gets no further members from the tenant’s provider', async () => {
    const [ann, bob] = [await make(), await make()]
    const group = await makeGroup({ members: [{ value: ann.id }] })
    await weft.database.engine.query(
      `INSERT INTO role_binding (id, group_id, builtin) VALUES (gen_random_uuid(), $1, 'auditor')`,
      [group.id],
    )
    const added = await patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value: bob.id }] })
    expect(added).toMatchObject(refused(403))
    expect((await push('GET', `/Groups/${group.id}`)).body.members).toHaveLength(1)
    expect((await patch(`/Groups/${group.id}`, { op: 'remove', path: 'members' })).status).toBe(200)
  })
})

describe('two providers', () => {
  let others: { idp: Provider; push: Push }[]
  beforeAll(async () => {
    const blue = await tenantStore(weft.database).create(EVERYTHING, {
      name: 'blue',
      quotas: { networks: 1, ports: 1 },
    })
    others = [
      await pusher(),
      await pusher({ tenantId: blue.id }),
      await pusher({ tenantId: null, rules: [{ ...member, then: { give: 'role', role: 'auditor' } }] }),
    ]
  })

  test('see and touch nothing of each other, of the same tenant, of another, and of the installation', async () => {
    const [user, group] = [await make(), await makeGroup()]
    const stay = async () => [
      (await push('GET', `/Users/${user.id}`)).body,
      (await push('GET', `/Groups/${group.id}`)).body,
    ]
    const before = await stay()
    for (const { push: other } of others) {
      for (const path of [`/Users/${user.id}`, `/Groups/${group.id}`]) {
        expect(await other('GET', path)).toMatchObject(refused(404))
        expect(await other('DELETE', path)).toMatchObject(refused(404))
        const operations = [{ op: 'replace', path: 'displayName', value: 'Taken over' }]
        expect(await other('PATCH', path, { schemas: [PATCH], Operations: operations })).toMatchObject(refused(404))
      }
      const put = { schemas: [USER], userName: user.userName }
      expect(await other('PUT', `/Users/${user.id}`, put)).toMatchObject(refused(404))
      const mine = await makeGroup({}, other)
      const add = [{ op: 'add', path: 'members', value: [{ value: user.id }] }]
      expect(await other('PATCH', `/Groups/${mine.id}`, { schemas: [PATCH], Operations: add })).toMatchObject(
        refused(400),
      )
      const all = (await other('GET', '/Users')).body.Resources
      expect(all.some(({ id }) => id === user.id)).toBe(false)
    }
    expect(await stay()).toEqual(before)
  })

  test('may have users of the same name, each in its place', async () => {
    const userName = fresh()
    await make({ userName })
    for (const { push: other } of others) await make({ userName }, other)
    const places = await rows('SELECT provider_id, tenant_id FROM account WHERE subject = $1', [userName])
    expect(new Map(places.map((row) => [row.provider_id, row.tenant_id]))).toEqual(
      new Map([idp, ...others.map((one) => one.idp)].map(({ id, tenantId }) => [id, tenantId])),
    )
  })

  test('cannot touch the accounts that are kept here', async () => {
    const { id } = await weft.accounts.create(EVERYTHING, {
      ...{ name: 'admin', displayName: 'Admin', role: 'operator', tenantId: null, passwordHash: 'none' },
    })
    const installation = others[2]?.push as Push
    expect(await installation('GET', `/Users/${id}`)).toMatchObject(refused(404))
    expect(await installation('DELETE', `/Users/${id}`)).toMatchObject(refused(404))
    expect((await weft.accounts.byId(id))?.state).toBe('active')
  })
})

describe('the service', () => {
  const ask = (headers: Record<string, string>, path = '/Users') => fetch(`${weft.origin}/scim/v2${path}`, { headers })

  test.each([
    ['no token', {}],
    ['a token that is none', { authorization: 'Bearer x' }],
    ['a token that is not known', { authorization: `Bearer weftscim_${'A'.repeat(43)}` }],
    ['another scheme', { authorization: 'Basic YTpi' }],
  ])('refuses %s', async (_what, headers) => {
    for (const path of ['/Users', '/ServiceProviderConfig', '/nothing']) {
      const answer = await ask(headers as Record<string, string>, path)
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="scim"'])
      expect(await answer.json()).toMatchObject({ schemas: [ERROR], status: '401' })
    }
    expect(last()).toMatchObject({ action: 'scim.authenticate', outcome: 'refused', reason: 'scim-token' })
  })

  test('refuses a session where a provider’s token has to be', async () => {
    const session = (await weft.enter(idp)).session
    expect((await ask({ cookie: session })).status).toBe(401)
    expect((await ask({ authorization: `Bearer ${session.split('=')[1]}` })).status).toBe(401)
  })

  test('refuses a provider whose token was ended, or that an operator closed', async () => {
    const other = await pusher()
    expect((await other.push('GET', '/Users')).status).toBe(200)
    await weft.database.engine.query(
      `UPDATE identity_provider SET state = 'closed', closed_reason = 'operator' WHERE id = $1`,
      [other.idp.id],
    )
    expect((await other.push('GET', '/Users')).status).toBe(403)
    // Whose metadata are over can still say who has left.
    await weft.database.engine.query(`UPDATE identity_provider SET closed_reason = 'metadata-expired' WHERE id = $1`, [
      other.idp.id,
    ])
    expect((await other.push('GET', '/Users')).status).toBe(200)
    await providerAdministration(weft.database).keepScim(EVERYTHING, other.idp.id, null)
    expect((await other.push('GET', '/Users')).status).toBe(401)
  })

  test('says what it can do', async () => {
    const { body } = await push('GET', '/ServiceProviderConfig')
    expect(body).toMatchObject({
      ...{ patch: { supported: true }, bulk: { supported: false }, filter: { supported: true, maxResults: 200 } },
      ...{ changePassword: { supported: false }, sort: { supported: false }, etag: { supported: false } },
      authenticationSchemes: [{ type: 'oauthbearertoken' }],
    })
    const types = (await push('GET', '/ResourceTypes')).body
    expect(types.Resources.map(({ id }) => id)).toEqual(['User', 'Group'])
    expect((await push('GET', '/ResourceTypes/User')).body).toMatchObject({ endpoint: '/Users', schema: USER })
    const schemas = (await push('GET', '/Schemas')).body
    expect(schemas.Resources.map(({ id }) => id)).toEqual(expect.arrayContaining([USER, GROUP]))
    expect((await push('GET', `/Schemas/${USER}`)).body.id).toBe(USER)
    expect(await push('GET', '/Schemas/urn:none')).toMatchObject(refused(404))
    expect(await push('GET', '/Schemas?filter=id%20eq%20%22x%22')).toMatchObject(refused(403))
  })

  test.each<[string, string, string, unknown, number]>([
    ['of another kind', 'POST', '/Users', undefined, 400],
    ['that is no JSON', 'POST', '/Users', '{', 400],
    ['that is too long', 'POST', '/Users', JSON.stringify({ userName: 'x'.repeat(1_100_000) }), 413],
    ['that means to be more than it is', 'POST', '/Users', '{"userName":"x","__proto__":{"active":false}}', 400],
  ])('refuses a body %s', async (_what, method, path, body, status) => {
    expect((await push(method, path, body)).status).toBe(status)
  })

  test('refuses a body of another type', async () => {
    const answer = await push('POST', '/Users', '<user/>', { 'content-type': 'application/xml' })
    expect(answer).toMatchObject(refused(415))
  })

  test('has nothing else', async () => {
    for (const [method, path] of [
      ['POST', '/Bulk'],
      ['GET', '/Me'],
      ['POST', '/.search'],
      ['DELETE', '/Users'],
    ] as const)
      expect(await push(method, path, method === 'POST' ? {} : undefined)).toMatchObject(refused(404))
  })

  test('counts requests', async () => {
    const { headers } = await push('GET', '/Users?count=0')
    expect(Number(headers.get('ratelimit-remaining'))).toBeLessThan(Number(headers.get('ratelimit-limit')))
  })
})

test('whoever pushes too much waits', async () => {
  const slow = await startSignIn({ WEFT_RATE_PER_TOKEN: '3' })
  const provider = await slow.provider()
  const token = `weftscim_${randomBytes(32).toString('base64url')}`
  const hash = createHash('sha256').update(token).digest('hex')
  await providerAdministration(slow.database).keepScim(EVERYTHING, provider.id, hash)
  const ask = () => fetch(`${slow.origin}/scim/v2/Users`, { headers: { authorization: `Bearer ${token}` } })
  for (let at = 0; at < 3; at += 1) expect((await ask()).status).toBe(200)
  const answer = await ask()
  expect([answer.status, answer.headers.has('retry-after')]).toEqual([429, true])
  await slow.close()
}, 30_000)
