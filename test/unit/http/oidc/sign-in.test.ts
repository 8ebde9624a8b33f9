import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ProviderOptions, ProviderRecord, Rule } from '#server/identity/federation/ports.ts'
import { type SignInGround, startSignIn } from '../saml/ground.ts'
import { addOidcProvider } from './ground.ts'
import { type Amiss, type FakeProvider, startFakeProvider } from './provider.ts'

/** Sign-in through OpenID Connect over HTTP: what a provider, or somebody who speaks for one, may send. */

let weft: SignInGround
let fake: FakeProvider
let idp: ProviderRecord

const administrator: Rule = {
  when: [{ attribute: 'groups', operator: 'is', value: 'admins' }],
  then: { give: 'role', role: 'tenant-administrator' },
}
const member: Rule = { when: [], then: { give: 'role', role: 'tenant-member' } }

beforeAll(async () => {
  weft = await startSignIn({ WEFT_METADATA_PRIVATE: 'true' })
})
afterAll(() => weft?.close())
beforeEach(async () => {
  fake = await startFakeProvider()
  idp = await addOidcProvider(weft, fake, { rules: [administrator, member] })
})
afterEach(async () => {
  await fake.halt()
  // The next one may get the same port: nobody is to have its name then.
  await weft.database.engine.query(`UPDATE identity_provider SET issuer = issuer || '/' || id WHERE protocol = 'oidc'`)
})

const last = () => weft.audit.lines.at(-1)
const reason = () => last()?.reason

/** Sets out to the provider: where the browser is sent, and the cookie that it keeps. */
async function setOut(of: ProviderRecord = idp, query = '', headers: Record<string, string> = {}) {
  const answer = await weft.get(`/oidc/login?idp=${of.name}${query}`, headers)
  return {
    ...{ answer, location: answer.headers.get('location') ?? '' },
    cookie: weft.cookieOf(answer, /^__Host-weft-login/),
  }
}
const comeBack = (query: URLSearchParams | string, cookie: string) =>
  weft.get(`/oidc/callback?${query}`, { cookie, 'sec-fetch-site': 'cross-site' })

/** A whole sign-in. */
async function enter(claims: Record<string, unknown> = {}, query = '', headers: Record<string, string> = {}) {
  const { location, cookie } = await setOut(idp, query, headers)
  const answer = await comeBack(fake.authorize(location, claims), [cookie, headers.cookie].filter(Boolean).join('; '))
  return { answer, location, session: weft.cookieOf(answer, /^__Host-weft=/) }
}
const options = (more: Partial<ProviderOptions>) =>
  weft.database.engine.query('UPDATE identity_provider SET options = $2 WHERE id = $1', [idp.id, JSON.stringify(more)])

describe('a sign-in', () => {
  test('asks for a code with PKCE, state and nonce, and ends on the page that was asked for', async () => {
    const { answer, location, session } = await enter(
      { preferred_username: 'alice', groups: ['admins'] },
      '&returnTo=/networks',
    )
    const asked = Object.fromEntries(new URL(location).searchParams)
    expect(asked).toMatchObject({
      ...{ response_type: 'code', client_id: 'weft', scope: 'openid email profile', code_challenge_method: 'S256' },
      ...{ redirect_uri: `${weft.origin}/oidc/callback`, state: expect.stringMatching(/^[\w-]{43}$/) },
      ...{ nonce: expect.stringMatching(/^[\w-]{43}$/), code_challenge: expect.stringMatching(/^[\w-]{43}$/) },
    })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/networks'])
    expect(await weft.whoIs(session)).toMatchObject({ name: 'alice', role: 'tenant-administrator' })
    expect(last()).toMatchObject({ action: 'signIn.oidc', outcome: 'done', actor: 'alice', provider: idp.name })
  })

  test('names people by sub: a new name is the same account, the same name of another sub another', async () => {
    for (const [sub, name] of [
      ['s1', 'carol'],
      ['s1', 'carola'],
      ['s2', 'carola'],
    ])
      await enter({ sub, preferred_username: name })
    const { rows } = await weft.database.engine.query(
      'SELECT subject, name FROM account WHERE provider_id = $1 ORDER BY subject',
      [idp.id],
    )
    expect(rows).toEqual([
      { subject: 's1', name: 'carola' },
      { subject: 's2', name: 'carola-2' },
    ])
  })

  test('keeps what the provider knows the session by: sub, sid, and the id token', async () => {
    await enter({ sub: 'kept', sid: 'provider-session-7' })
    const { rows } = await weft.database.engine.query(
      `SELECT o.subject, o.sid, o.id_token FROM oidc_session o WHERE o.provider_id = $1`,
      [idp.id],
    )
    expect(rows).toEqual([{ subject: 'kept', sid: 'provider-session-7', id_token: expect.any(Buffer) }])
    expect(rows[0].id_token.toString()).toMatch(/^ey[\w-]+\.[\w-]+\.[\w-]+$/)
  })

  test('takes claims of the user info where that is configured, of the same person alone', async () => {
    await options({ userInfo: true })
    fake.misbehave({ userInfo: { sub: 'alice', groups: ['admins'], name: 'Alice of the user info' } })
    const { session } = await enter()
    expect(await weft.whoIs(session)).toMatchObject({
      displayName: 'Alice of the user info',
      role: 'tenant-administrator',
    })
    fake.misbehave({ userInfo: { sub: 'mallory', groups: ['admins'] } })
    const { answer } = await enter()
    expect([answer.status, reason()]).toEqual([403, 'user-info'])
  })

  test('leaves an address out that is not verified', async () => {
    const mail = async () => {
      const { rows } = await weft.database.engine.query('SELECT email FROM account WHERE provider_id = $1', [idp.id])
      return rows[0]?.email
    }
    await enter({ email: 'alice@example.org', email_verified: false })
    expect(await mail()).toBeNull()
    await enter({ email: 'alice@example.org', email_verified: true })
    expect(await mail()).toBe('alice@example.org')
  })

  test('ends the session that its browser had', async () => {
    const first = await enter()
    const second = await enter({}, '', { cookie: first.session })
    expect(await weft.whoIs(first.session)).toBeUndefined()
    expect(await weft.whoIs(second.session)).toMatchObject({ name: 'alice' })
  })

  test('works at once with a key that is new', async () => {
    await enter()
    await fake.rotateKey()
    const { session } = await enter()
    expect(await weft.whoIs(session)).toMatchObject({ name: 'alice' })
  })
})

describe('an answer is refused', () => {
  async function refused(query: URLSearchParams | string, cookie: string, status: number, why: string) {
    const answer = await comeBack(query, cookie)
    expect([answer.status, reason()]).toEqual([status, why])
    expect(weft.cookieOf(answer, /^__Host-weft=/)).toBe('')
    const page = await answer.text()
    expect(page).toContain('Signing in did not work')
    expect(page).toContain(/Reference (\w+)\./.exec(last()?.detail ?? '')?.[1])
    expect(page).not.toContain(why)
  }

  test.each([
    ['without a state', (query: URLSearchParams) => query.delete('state'), 403, 'state'],
    ['with another state', (query: URLSearchParams) => query.set('state', 'A'.repeat(43)), 403, 'state'],
    [
      'with a state that is no state',
      (query: URLSearchParams) => query.set('state', `${'A'.repeat(43)}'--`),
      403,
      'state',
    ],
    ['with two states', (query: URLSearchParams) => query.append('state', 'A'.repeat(43)), 400, 'duplicate-parameter'],
    ['with two codes', (query: URLSearchParams) => query.append('code', 'another'), 400, 'duplicate-parameter'],
    ['of another issuer', (query: URLSearchParams) => query.set('iss', 'https://other.example.org'), 403, 'issuer'],
    ['without the issuer that it should name', (query: URLSearchParams) => query.delete('iss'), 403, 'issuer'],
    ['without a code', (query: URLSearchParams) => query.delete('code'), 403, 'token-response'],
    ['with a code that is not good', (query: URLSearchParams) => query.set('code', 'guessed'), 403, 'token-response'],
    [
      'that is an error of the provider',
      (query: URLSearchParams) => {
        query.delete('code')
        query.set('error', 'access_denied')
        query.set('error_description', 'Nobody\r\nlikes you')
      },
      ...([403, 'provider-error'] as const),
    ],
  ])('%s', async (_which, change, status, why) => {
    const { location, cookie } = await setOut()
    const query = fake.authorize(location)
    change(query)
    await refused(query, cookie, status, why)
  })

  test.each<[string, Amiss, string]>([
    ['of another nonce', { claims: { nonce: 'another' } }, 'nonce'],
    ['without a nonce', { claims: { nonce: undefined } }, 'nonce'],
    ['for another client', { claims: { aud: 'another' } }, 'audience'],
    ['for several clients, with another authorised', { claims: { aud: ['weft', 'b'], azp: 'b' } }, 'audience'],
    ['of another issuer', { claims: { iss: 'https://other.example.org' } }, 'issuer'],
    ['that has expired', { claims: { exp: Math.floor(Date.now() / 1000) - 120 } }, 'expired'],
    ['of the future', { claims: { iat: Math.floor(Date.now() / 1000) + 600 } }, 'not-yet-valid'],
    ['without a subject', { claims: { sub: undefined } }, 'id-token'],
    ['that nobody signed', { alg: 'none' }, 'signature-algorithm'],
    ['signed with the client’s secret', { alg: 'HS256' }, 'signature-algorithm'],
    ['signed with a key of somebody else', { foreignKey: true }, 'signature-invalid'],
  ])('with an id token %s', async (_which, amiss, why) => {
    const { location, cookie } = await setOut()
    fake.misbehave(amiss)
    await refused(fake.authorize(location), cookie, 403, why)
  })

  test.each<[string, Amiss['token'] & object]>([
    ['no JSON', { status: 200, body: '<html>', type: 'text/html' }],
    ['no tokens', { status: 200, body: '{}' }],
    ['an error', { status: 500, body: 'no' }],
    ['a redirect', { status: 302, body: '' }],
    ['more than anybody needs', { status: 200, body: `"${'x'.repeat(2_000_000)}"` }],
  ])('where the token endpoint answers %s', async (_what, token) => {
    const { location, cookie } = await setOut()
    fake.misbehave({ token })
    const answer = await comeBack(fake.authorize(location), cookie)
    expect([answer.status, ['token-response', 'unreachable'].includes(reason() ?? '')]).toEqual([403, true])
  })

  test('that another browser brings, and does not use the request up', async () => {
    const [one, other] = [await setOut(), await setOut()]
    const query = fake.authorize(one.location)
    await refused(query, other.cookie, 403, 'browser')
    await refused(query, '', 403, 'browser')
    expect((await comeBack(query, one.cookie)).status).toBe(303)
  })

  test('that comes a second time', async () => {
    const { location, cookie } = await setOut()
    const query = fake.authorize(location)
    expect((await comeBack(query, cookie)).status).toBe(303)
    await refused(query, cookie, 403, 'state')
  })

  test('but the first of eight at once', async () => {
    const { location, cookie } = await setOut()
    const query = fake.authorize(location)
    const before = fake.asked.filter((path) => path === '/token').length
    const answers = await Promise.all(Array.from({ length: 8 }, () => comeBack(query, cookie)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([303, ...Array(7).fill(403)])
    // The provider is asked once: seven would make it withdraw what the first got.
    expect(fake.asked.filter((path) => path === '/token')).toHaveLength(before + 1)
  })

  test('to a request of another provider, whose code is not even shown to it', async () => {
    const other = await startFakeProvider()
    const second = await addOidcProvider(weft, other)
    const { location, cookie } = await setOut(second)
    const query = fake.authorize(location)
    await refused(query, cookie, 403, 'issuer')
    expect(other.asked).not.toContain('/token')
    await other.halt()
  })

  test('of a provider that was closed in between', async () => {
    const { location, cookie } = await setOut()
    await weft.database.engine.query(`UPDATE identity_provider SET state = 'closed' WHERE id = $1`, [idp.id])
    await refused(fake.authorize(location), cookie, 403, 'provider-closed')
  })

  test('without the context that is asked for', async () => {
    await options({ authnContexts: ['urn:mfa'] })
    const { location, cookie } = await setOut()
    expect(new URL(location).searchParams.get('acr_values')).toBe('urn:mfa')
    await refused(fake.authorize(location, { acr: 'urn:password' }), cookie, 403, 'authn-context')
    expect((await enter({ acr: 'urn:mfa' })).answer.status).toBe(303)
  })
})

describe('setting out is refused', () => {
  test.each<[string, Amiss, string]>([
    ['calls itself otherwise', { metadata: { issuer: 'https://other.example.org' } }, 'metadata'],
    ['names no page for sign-in', { metadata: { authorization_endpoint: undefined } }, 'endpoint'],
    ['names a page that is none', { metadata: { authorization_endpoint: 'javascript:alert(1)' } }, 'endpoint'],
    ['does not know PKCE', { metadata: { code_challenge_methods_supported: ['plain'] } }, 'endpoint'],
  ])('where the provider %s', async (_what, amiss, why) => {
    fake.misbehave(amiss)
    const { answer, location } = await setOut()
    expect([answer.status, location, reason()]).toEqual([403, '', why])
  })

  test('where the provider is down, and works when it is back', async () => {
    await fake.halt()
    const { answer } = await setOut()
    expect([answer.status, reason()]).toEqual([403, 'unreachable'])
    await fake.resume()
    expect((await enter()).answer.status).toBe(303)
  })

  test('to a provider of SAML, or none', async () => {
    const saml = await weft.provider()
    expect((await setOut(saml)).answer.status).toBe(403)
    expect(reason()).toBe('unknown-provider')
    expect((await weft.get('/oidc/login?idp=nobody')).status).toBe(403)
    expect((await weft.get(`/saml/login?idp=${idp.name}`)).status).toBe(403)
  })
})

describe('where private addresses are not allowed, a provider is not asked', () => {
  let strict: SignInGround
  beforeAll(async () => {
    strict = await startSignIn()
  })
  afterAll(() => strict?.close())

  test.each([
    ['by plain http', (issuer: string) => issuer, 'metadata'],
    ['on this machine', (issuer: string) => issuer.replace('http:', 'https:'), 'unreachable'],
    ['under a name of it', (issuer: string) => issuer.replace('http://127.0.0.1', 'https://localhost'), 'unreachable'],
  ])('%s', async (_where, change, why) => {
    const inside = await addOidcProvider(strict, { ...fake, issuer: change(fake.issuer) })
    const answer = await strict.get(`/oidc/login?idp=${inside.name}`)
    expect([answer.status, strict.audit.lines.at(-1)?.reason, fake.asked]).toEqual([403, why, []])
  })
})

describe('a step-up', () => {
  const now_s = () => Math.floor(Date.now() / 1000)

  test('asks anew, and proves it', async () => {
    const { session } = await enter()
    const {
      answer,
      location,
      session: fresh,
    } = await enter({ auth_time: now_s() }, '&purpose=step-up&returnTo=/settings', {
      cookie: session,
    })
    expect(Object.fromEntries(new URL(location).searchParams)).toMatchObject({ prompt: 'login', max_age: '0' })
    expect(answer.headers.get('location')).toBe('/settings')
    const caller = await weft.sessions.find(fresh.split('=')[1] ?? '')
    expect(Date.now() - (caller?.authenticatedAt_ms ?? 0)).toBeLessThan(60_000)
    expect(last()).toMatchObject({ action: 'signIn.stepUp', outcome: 'done' })
  })

  test.each([
    ['did not say when its person signed in', {}],
    ['did not ask its person again', { auth_time: now_s() - 600 }],
  ])('is refused where the provider %s', async (_what, claims) => {
    const { session } = await enter()
    const { answer } = await enter(claims, '&purpose=step-up', { cookie: session })
    expect([answer.status, reason()]).toEqual([403, 'authn-statement'])
    expect(await weft.whoIs(session)).toMatchObject({ name: 'alice' })
  })

  test('is refused where somebody else comes back', async () => {
    const { session } = await enter()
    const { answer } = await enter({ sub: 'bob', auth_time: now_s() }, '&purpose=step-up', { cookie: session })
    expect([answer.status, reason()]).toEqual([403, 'other-account'])
  })

  describe('weighs anew what the provider says of the device', () => {
    const compliant = { attribute: 'deviceCompliant', operator: 'is', value: 'true' } as const
    const rulesAre = (...rules: Rule[]) =>
      weft.database.engine.query('UPDATE identity_provider SET rules = $2 WHERE id = $1', [
        idp.id,
        JSON.stringify(rules),
      ])
    const claims = (deviceCompliant: unknown) => ({ groups: ['admins'], deviceCompliant, auth_time: now_s() })
    const stepUp = (session: string, device: unknown) => enter(claims(device), '&purpose=step-up', { cookie: session })

    test('a role that is for such devices leaves the running sessions, all of them', async () => {
      await rulesAre({ ...administrator, when: [...administrator.when, compliant] }, member)
      const [{ session: here }, { session: elsewhere }] = [await enter(claims(true)), await enter(claims(true))]
      expect(await weft.whoIs(here)).toMatchObject({ role: 'tenant-administrator' })
      const { session: same } = await stepUp(here, true)
      expect(await weft.whoIs(same)).toMatchObject({ role: 'tenant-administrator' })
      const { session: less } = await stepUp(same, false)
      expect(await weft.whoIs(less)).toMatchObject({ role: 'tenant-member' })
      await expect.poll(() => weft.whoIs(elsewhere)).toMatchObject({ role: 'tenant-member' })
    })

    test('and where a rule keeps such devices out, nothing is left', async () => {
      await rulesAre({ when: [{ ...compliant, value: 'false' }], then: { give: 'nothing' } }, administrator)
      const { session } = await enter(claims(true))
      expect(await weft.whoIs(session)).toMatchObject({ role: 'tenant-administrator' })
      const { answer } = await stepUp(session, false)
      expect([answer.status, reason()]).toEqual([403, 'kept-out'])
      await expect.poll(() => weft.whoIs(session)).toMatchObject({ role: 'none', bindings: [] })
    })
  })

  test('is not what a usual sign-in proves where the provider does not say when it was', async () => {
    const { session } = await enter()
    const caller = await weft.sessions.find(session.split('=')[1] ?? '')
    expect(caller?.authenticatedAt_ms).toBe(0)
  })
})

describe('a test sign-in', () => {
  async function tryOut(amiss: Amiss, claims: Record<string, unknown> = {}) {
    const { session } = await enter()
    const tester = await weft.sessions.find(session.split('=')[1] ?? '')
    const test = weft.federation.tests.begin(idp.id, tester?.account.id ?? '')
    const answer = await weft.get(`/oidc/login?test=${test}`)
    fake.misbehave(amiss)
    const back = await comeBack(
      fake.authorize(answer.headers.get('location') ?? '', claims),
      weft.cookieOf(answer, /^__Host-weft-login/),
    )
    return { back, outcome: weft.federation.tests.read(test, idp.id) }
  }

  test('says what was checked and what the rules make of it, and begins no session', async () => {
    const { back, outcome } = await tryOut({}, { sub: 'new', groups: ['admins'] })
    expect([back.status, weft.cookieOf(back, /^__Host-weft=/)]).toEqual([200, ''])
    expect(outcome).toMatchObject({ state: 'passed', subject: 'new', attributes: { groups: ['admins'], sub: ['new'] } })
    expect(outcome?.steps.map(({ check }) => check)).toEqual(['state', 'browser', 'metadata', 'id-token'])
    expect(outcome?.granted?.roles.map(({ role }) => role)).toEqual(['tenant-administrator', 'tenant-member'])
    const { rows } = await weft.database.engine.query(`SELECT 1 FROM account WHERE subject = 'new'`)
    expect(rows).toEqual([])
  })

  test('says why it did not work', async () => {
    const { back, outcome } = await tryOut({ claims: { aud: 'another' } })
    expect([back.status, outcome?.state, outcome?.reason]).toEqual([200, 'refused', 'audience'])
    expect(outcome?.steps.at(-1)).toMatchObject({ check: 'audience', passed: false })
  })
})

describe('what a provider says behind the browser', () => {
  const tell = (token: string | undefined) =>
    fetch(`${weft.origin}/oidc/backchannel-logout`, {
      ...{ method: 'POST', body: new URLSearchParams(token === undefined ? {} : { logout_token: token }) },
    })

  test('ends the session that it names, and no other', async () => {
    const [one, two] = [await enter({ sid: 's-1' }), await enter({ sid: 's-2' })]
    const answer = await tell(await fake.logoutToken({ sid: 's-1' }))
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect([await weft.whoIs(one.session), await weft.whoIs(two.session)]).toEqual([
      undefined,
      expect.objectContaining({ name: 'alice' }),
    ])
    expect(last()).toMatchObject({ action: 'signIn.providerLogout', outcome: 'done', provider: idp.name })
  })

  test('ends all sessions of a person that it names alone', async () => {
    const sessions = [await enter({ sid: 's-3' }), await enter({ sid: 's-4' })]
    const other = await enter({ sub: 'bob', sid: 's-5' })
    expect((await tell(await fake.logoutToken())).status).toBe(200)
    for (const { session } of sessions) expect(await weft.whoIs(session)).toBeUndefined()
    expect(await weft.whoIs(other.session)).toBeDefined()
  })

  test('ends nothing of another provider', async () => {
    const { session } = await enter({ sub: 'same', sid: 'same' })
    const other = await startFakeProvider()
    await addOidcProvider(weft, other)
    expect((await tell(await other.logoutToken({ sub: 'same', sid: 'same' }))).status).toBe(200)
    expect(await weft.whoIs(session)).toBeDefined()
    await other.halt()
  })

  test.each<[string, Record<string, unknown>, Amiss, string]>([
    ['is for another client', { aud: 'another' }, {}, 'logout-token'],
    ['is of no provider here', { iss: 'https://other.example.org' }, {}, 'unknown-provider'],
    ['is of long ago', { iat: 1_000_000_000, exp: 4_000_000_000 }, {}, 'logout-token'],
    ['has expired', { exp: Math.floor(Date.now() / 1000) - 300 }, {}, 'logout-token'],
    ['has no time', { iat: undefined }, {}, 'logout-token'],
    ['has no name of its own', { jti: undefined }, {}, 'logout-token'],
    ['tells of nothing', { events: undefined }, {}, 'logout-token'],
    ['tells of something else', { events: { 'urn:other': {} } }, {}, 'logout-token'],
    ['has a nonce', { nonce: 'n' }, {}, 'nonce'],
    ['names nobody', { sub: undefined }, {}, 'logout-token'],
    ['nobody signed', {}, { alg: 'none' }, 'logout-token'],
    ['is signed with the client’s secret', {}, { alg: 'HS256' }, 'logout-token'],
    ['is signed by somebody else', {}, { foreignKey: true }, 'logout-token'],
    ['does not say to be one', {}, { type: null }, 'token-type'],
    ['says to be any token', {}, { type: 'JWT' }, 'token-type'],
    ['says to be an access token', {}, { type: 'at+jwt' }, 'token-type'],
  ])('is refused when it %s', async (_what, change, amiss, why) => {
    const { session } = await enter({ sid: 'stays' })
    fake.misbehave(amiss)
    const token = await fake.logoutToken(change)
    fake.misbehave({})
    const answer = await tell(token)
    expect([answer.status, await answer.json(), reason()]).toEqual([400, { error: 'invalid_request' }, why])
    expect(await weft.whoIs(session)).toBeDefined()
  })

  test('need not say to be a logout token where its provider is known not to say it, but never says to be another', async () => {
    await options({ logoutTokenType: 'any' })
    const { session } = await enter({ sid: 'untyped' })
    for (const type of ['at+jwt', 'application/at+jwt', 'secevent+jwt']) {
      fake.misbehave({ type })
      expect([(await tell(await fake.logoutToken({ sid: 'untyped' }))).status, reason()]).toEqual([400, 'token-type'])
    }
    expect(await weft.whoIs(session)).toBeDefined()
    for (const type of [null, 'JWT', 'application/logout+jwt']) {
      fake.misbehave({ type })
      expect((await tell(await fake.logoutToken({ sid: 'untyped' }))).status).toBe(200)
    }
    fake.misbehave({})
    expect(await weft.whoIs(session)).toBeUndefined()
  })

  test('is refused when it is an id token of the same provider', async () => {
    await options({ logoutTokenType: 'any' })
    const { session } = await enter({ sid: 'id' })
    const { rows } = await weft.database.engine.query('SELECT id_token FROM oidc_session WHERE sid = $1', ['id'])
    expect([(await tell(rows[0]?.id_token.toString('utf8'))).status, reason()]).toEqual([400, 'logout-token'])
    expect(await weft.whoIs(session)).toBeDefined()
  })

  test('is refused a second time', async () => {
    const token = await fake.logoutToken({ sid: 'any' })
    expect([(await tell(token)).status, (await tell(token)).status, reason()]).toEqual([200, 400, 'replay'])
  })

  test.each([
    ['there is none', undefined],
    ['it is no token', 'x.y.z'],
    ['it is an endless one', 'a'.repeat(20_000)],
  ])('is refused when %s', async (_what, token) => {
    expect((await tell(token)).status).toBe(400)
  })

  test('by GET is nothing', async () => {
    expect((await weft.get('/oidc/backchannel-logout')).status).toBe(405)
  })
})

test('our logout can go on to the provider, with the token that it gave', async () => {
  const { session } = await enter({ sid: 's-9' })
  const caller = await weft.sessions.find(session.split('=')[1] ?? '')
  const url = new URL((await weft.federation.oidc.logout.endSessionUrl(caller?.session ?? '')) ?? '')
  expect(`${url.origin}${url.pathname}`).toBe(`${fake.issuer}/end`)
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    ...{
      client_id: 'weft',
      post_logout_redirect_uri: `${weft.origin}/sign-out`,
      id_token_hint: expect.stringMatching(/^ey/),
    },
  })
  expect(await weft.federation.oidc.logout.endSessionUrl('0'.repeat(64))).toBeUndefined()
})
