import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseMetadata } from '#server/identity/saml/metadata.ts'
import { readRedirect, verifyRedirect } from '#server/identity/saml/redirect.ts'
import { member, operator, type Provider, type SignInGround, startSignIn } from './ground.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

let ground: SignInGround
beforeAll(async () => {
  ground = await startSignIn()
}, 60_000)
afterAll(() => ground?.close())

const last = () => ground.audit.lines.at(-1)

/** Refused with the page that says nothing, and the reason in the audit log, found by the reference on the page. */
async function expectRefused(answer: Response, status: number, reason: string) {
  const html = await answer.text()
  expect([answer.status, last()?.reason]).toEqual([status, reason])
  expect(last()?.outcome).toBe('refused')
  expect(answer.headers.getSetCookie().filter((line) => line.startsWith('__Host-weft='))).toEqual([])
  const [, reference] = /<code>([A-Z2-9]{8})<\/code>/.exec(html) ?? []
  expect(last()?.detail).toContain(`Reference ${reference}`)
  expect(html).toContain(`href="/sign-in?error=${reference}"`)
  expect(html.replaceAll(reference ?? '', '')).toBe(await plainPage)
  expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
}
/** What everybody is shown who is refused, but for the reference. */
let plainPage: Promise<string>
beforeAll(() => {
  plainPage = ground.get('/saml/login?idp=nobody').then(async (answer) => {
    const html = await answer.text()
    return html.replaceAll(/<code>([A-Z2-9]{8})<\/code>/.exec(html)?.[1] ?? '', '')
  })
})

describe('metadata', () => {
  test('is signed, describes the console, and is not sent twice', async () => {
    const answer = await ground.get('/saml/metadata')
    const xml = await answer.text()
    const { sp } = (parseMetadata(xml, Date.now()) as { value: { sp?: unknown } }).value
    expect(sp).toMatchObject({
      entityId: `${ground.origin}/saml/metadata`,
      assertionConsumers: [{ location: `${ground.origin}/saml/acs` }],
      ...{ authnRequestsSigned: true, wantAssertionsSigned: true },
    })
    expect(xml).toContain('SignatureValue')
    expect(answer.headers.get('content-type')).toBe('application/samlmetadata+xml')
    const again = await ground.get('/saml/metadata', { 'if-none-match': answer.headers.get('etag') ?? '' })
    expect([again.status, await again.text()]).toEqual([304, ''])
  })
})

describe('setting out', () => {
  test('sends a signed request and a cookie that binds it to the browser', async () => {
    const idp = await ground.provider({ options: { forceAuthn: true } })
    const { answer, location } = await ground.setOut(idp, '&returnTo=/networks')
    expect(answer.status).toBe(303)
    expect(location.startsWith(`${idp.issuer}/sso?`)).toBe(true)
    const query = new URL(location).search
    expect(verifyRedirect(query, [ground.own.certificate])).toMatchObject({ ok: true })
    const { xml } = (readRedirect(query) as { value: { xml: string } }).value
    expect(xml).toContain(`Destination="${idp.issuer}/sso"`)
    expect(xml).toContain('ForceAuthn="true"')
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-weft-login=[\w-]{43}; Path=\/; Max-Age=600; HttpOnly; Secure; SameSite=None$/),
    ])
  })

  test('keeps one cookie for all requests of a browser', async () => {
    const idp = await ground.provider()
    const { cookie } = await ground.setOut(idp)
    expect((await ground.setOut(idp, '', { cookie })).cookie).toBe(cookie)
    expect((await ground.setOut(idp, '', { cookie: '__Host-weft-login=guessed' })).cookie).not.toContain('guessed')
  })

  test.each([
    ['nobody knows', {}, 'nobody', 'unknown-provider'],
    ['is closed', { state: 'closed' }, undefined, 'provider-closed'],
    ['has metadata that is none', { metadata: '<x/>' }, undefined, 'wrong-root'],
  ])('to a provider that %s is refused', async (_what, more, name, reason) => {
    const idp = await ground.provider(more)
    await expectRefused(
      await ground.get(`/saml/login?idp=${name ?? idp.name}`),
      reason === 'wrong-root' ? 400 : 403,
      reason,
    )
  })
})

describe('a response', () => {
  test.each([
    ['signed', {}],
    ['signed around the assertion alone', { by: 'assertion' }],
    ['signed as a whole', { by: 'response' }],
    ['encrypted', { encrypted: true }],
  ] as const)('that is %s signs its person in, and goes on to the page that was asked for', async (_how, said) => {
    const idp = await ground.provider()
    const { answer, session } = await ground.enter(idp, said, '&returnTo=/networks?x=1')
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/networks?x=1'])
    expect(answer.headers.getSetCookie()[0]).toMatch(
      /^__Host-weft=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; Secure; SameSite=Lax$/,
    )
    expect(await ground.whoIs(session)).toMatchObject({ name: 'alice@example.org', role: 'tenant-member' })
    expect(last()).toMatchObject({
      ...{
        action: 'signIn.saml',
        outcome: 'done',
        provider: idp.name,
        tenantId: ground.tenant.id,
        actor: 'alice@example.org',
      },
      detail: expect.stringContaining('encrypted' in said ? 'Encrypted.' : 'Not encrypted.'),
    })
  })

  test('may begin at the provider and name a page', async () => {
    const idp = await ground.provider()
    const arrived = await ground.post({
      SAMLResponse: await ground.respond(idp),
      RelayState: '/networks/7?tab=ports#x',
    })
    const { id, cookie } = ground.keptBy(arrived)
    const answer = await ground.atTheDoor(id, 'continue', { cookie })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/networks/7?tab=ports#x'])
    expect(await ground.whoIs(ground.cookieOf(answer, /^__Host-weft=/))).toBeDefined()
  })

  test('that begins at the provider is refused where that is not allowed', async () => {
    const idp = await ground.provider({ options: { allowUnsolicited: false } })
    await expectRefused(await ground.post({ SAMLResponse: await ground.respond(idp) }), 403, 'unsolicited')
  })

  test('that is not encrypted is refused where it must be', async () => {
    const idp = await ground.provider({ options: { requireEncrypted: true } })
    await expectRefused((await ground.enter(idp)).answer, 403, 'unencrypted')
    expect((await ground.enter(idp, { encrypted: true })).answer.status).toBe(303)
  })

  test('keeps what the provider knows the session by, and ends it when the provider says', async () => {
    const idp = await ground.provider()
    const { session } = await ground.enter(idp)
    const caller = await ground.sessions.find(session.split('=')[1] ?? '')
    expect(await ground.federation.samlSessions.ofSession(caller?.session ?? '')).toMatchObject({
      ...{ providerId: idp.id, sessionIndex: '_session-1' },
      nameId: { value: 'alice@example.org', spNameQualifier: `${ground.origin}/saml/metadata` },
    })
    expect(caller?.method).toBe('saml')
    expect(caller?.expiresAt_ms).toBeLessThanOrEqual(Date.now() + 28_800_000)
    expect(caller?.authenticatedAt_ms).toBeLessThan(Date.now() - 4000)
  })

  test('ends the session that the browser had before', async () => {
    const idp = await ground.provider()
    const first = (await ground.enter(idp)).session
    const second = (await ground.enter(idp, {}, '', { cookie: first })).session
    expect(await ground.whoIs(first)).toBeUndefined()
    const arrived = await ground.post({ SAMLResponse: await ground.respond(idp) }, { cookie: second })
    expect(await ground.whoIs(second)).toBeDefined()
    const { id, cookie } = ground.keptBy(arrived)
    const answer = await ground.atTheDoor(id, 'continue', { cookie: `${cookie}; ${second}` })
    expect(answer.status).toBe(303)
    expect(await ground.whoIs(second)).toBeUndefined()
    expect(await ground.whoIs(ground.cookieOf(answer, /^__Host-weft=/))).toBeDefined()
  })
})

describe('a response is refused', () => {
  test('that comes again', async () => {
    const idp = await ground.provider()
    const { answer, response, relayState, cookie } = await ground.enter(idp)
    expect(answer.status).toBe(303)
    await expectRefused(
      await ground.post({ SAMLResponse: response, RelayState: relayState }, { cookie }),
      403,
      'replay',
    )
    const unsolicited = await ground.respond(idp)
    expect((await ground.post({ SAMLResponse: unsolicited })).status).toBe(303)
    await expectRefused(await ground.post({ SAMLResponse: unsolicited }), 403, 'replay')
  })

  test('seven times of eight when it is posted eight times at once', async () => {
    const idp = await ground.provider()
    const { requestId, relayState, cookie } = await ground.setOut(idp)
    const response = await ground.respond(idp, { requestId })
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ground.post({ SAMLResponse: response, RelayState: relayState }, { cookie })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 403, 403, 403, 403, 403, 403, 403])
    expect(
      ground.audit.lines
        .slice(-8)
        .map(({ reason }) => reason ?? 'done')
        .sort(),
    ).toEqual(['done', ...Array(7).fill('replay')])
  })

  test('of eight that answer one request at once, seven', async () => {
    const idp = await ground.provider()
    const { requestId, relayState, cookie } = await ground.setOut(idp)
    const responses = await Promise.all(Array.from({ length: 8 }, () => ground.respond(idp, { requestId })))
    const answers = await Promise.all(
      responses.map((response) => ground.post({ SAMLResponse: response, RelayState: relayState }, { cookie })),
    )
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
    const reasons = ground.audit.lines.slice(-8).map(({ reason }) => reason)
    expect(reasons.filter((reason) => reason === 'in-response-to')).toHaveLength(7)
  })

  test('in another browser than the one that set out, and is used up by that', async () => {
    const idp = await ground.provider()
    const one = await ground.setOut(idp)
    const other = await ground.setOut(idp)
    const fields = { SAMLResponse: await ground.respond(idp, { requestId: one.requestId }), RelayState: one.relayState }
    await expectRefused(await ground.post(fields, { cookie: other.cookie }), 403, 'browser')
    await expectRefused(await ground.post(fields, { cookie: one.cookie }), 403, 'replay')
    const bare = await ground.setOut(idp)
    const answer = await ground.post({ SAMLResponse: await ground.respond(idp, { requestId: bare.requestId }) })
    await expectRefused(answer, 403, 'browser')
  })

  test('that answers a request of another provider, or of nobody', async () => {
    const [idp, other] = [await ground.provider(), await ground.provider()]
    const { requestId, cookie } = await ground.setOut(idp)
    const mixed = await ground.post({ SAMLResponse: await ground.respond(other, { requestId }) }, { cookie })
    await expectRefused(mixed, 403, 'issuer')
    const foreign = await ground.post(
      { SAMLResponse: await ground.respond(idp, { requestId: '_of-nobody' }) },
      { cookie },
    )
    await expectRefused(foreign, 403, 'in-response-to')
  })

  test('that names a provider and is signed by another', async () => {
    const [idp, other] = [await ground.provider(), await ground.provider()]
    const forged = await ground.respond({ ...idp, key: other.key })
    await expectRefused(await ground.post({ SAMLResponse: forged }), 403, 'signature-key')
  })

  test('of a provider that nobody knows, that is closed, or whose metadata is too old', async () => {
    const idp = await ground.provider()
    const unknown: Provider = { ...idp, issuer: 'https://nobody.example' }
    await expectRefused(await ground.post({ SAMLResponse: await ground.respond(unknown) }), 403, 'unknown-provider')
    const update = (set: string) =>
      ground.database.engine.query(`UPDATE identity_provider SET ${set} WHERE id = $1`, [idp.id])
    await update(`metadata_valid_until = now() - interval '1 second'`)
    await expectRefused(await ground.post({ SAMLResponse: await ground.respond(idp) }), 403, 'metadata')
    await update(`metadata_valid_until = NULL, state = 'closed', closed_reason = 'operator'`)
    await expectRefused(await ground.post({ SAMLResponse: await ground.respond(idp) }), 403, 'provider-closed')
  })

  test.each([
    ['https://evil.example/'],
    ['//evil.example'],
    ['/\\evil.example'],
    ['/.//evil.example'],
    ['/%2e//evil.example'],
    ['/x\r\nset-cookie: a=b'],
    ['/api/v1/session'],
    ['/saml/login?idp=x'],
    ['javascript:alert(1)'],
    ['/ä'],
  ])('with RelayState %j', async (relayState) => {
    const idp = await ground.provider()
    await expectRefused(
      await ground.post({ SAMLResponse: await ground.respond(idp), RelayState: relayState }),
      400,
      'relay-state',
    )
  })

  test('with a RelayState that did not go with the request', async () => {
    const idp = await ground.provider()
    const { requestId, cookie } = await ground.setOut(idp)
    const fields = { SAMLResponse: await ground.respond(idp, { requestId }), RelayState: '/networks' }
    await expectRefused(await ground.post(fields, { cookie }), 400, 'relay-state')
  })

  test('of somebody who did not sign in anew where they had to', async () => {
    const idp = await ground.provider({ options: { forceAuthn: true } })
    const stale = (xml: string) =>
      xml.replace(/AuthnInstant="[^"]+"/, `AuthnInstant="${new Date(Date.now() - 3_600_000).toISOString()}"`)
    await expectRefused((await ground.enter(idp, { change: stale })).answer, 403, 'authn-statement')
  })

  test('of somebody whom the rules keep out, give nothing, or who is disabled', async () => {
    const nobody = await ground.provider({ rules: [] })
    await expectRefused((await ground.enter(nobody)).answer, 403, 'no-role')
    const barred = await ground.provider({ rules: [member, { when: [], then: { give: 'nothing' } }] })
    await expectRefused((await ground.enter(barred)).answer, 403, 'kept-out')
    const idp = await ground.provider()
    await ground.enter(idp)
    await ground.database.engine.query(`UPDATE account SET state = 'disabled' WHERE provider_id = $1`, [idp.id])
    await expectRefused((await ground.enter(idp)).answer, 403, 'account-disabled')
    expect(last()).toMatchObject({ actor: 'alice@example.org', subject: expect.stringContaining('user/') })
  })

  test('of a tenant’s provider that would make an operator', async () => {
    const idp = await ground.provider({ rules: [operator] })
    await expectRefused((await ground.enter(idp)).answer, 403, 'no-role')
    expect(last()?.detail).toContain('a tenant’s provider cannot give it')
    const ours = await ground.provider({ rules: [operator], tenantId: null })
    expect(await ground.whoIs((await ground.enter(ours)).session)).toMatchObject({ role: 'operator' })
  })

  test('that names people anew each time, unless an attribute names them for good', async () => {
    const transient = (xml: string) => xml.replace('nameid-format:persistent', 'nameid-format:transient')
    const idp = await ground.provider()
    await expectRefused((await ground.enter(idp, { change: transient })).answer, 403, 'name-id')
    const named = await ground.provider({ options: { subjectAttribute: 'mail' } })
    const one = await ground.enter(named, { change: transient, nameId: '_t1' })
    const two = await ground.enter(named, { change: transient, nameId: '_t2' })
    expect([one.answer.status, two.answer.status]).toEqual([303, 303])
    const { rows } = await ground.database.engine.query('SELECT subject FROM account WHERE provider_id = $1', [
      named.id,
    ])
    expect(rows).toEqual([{ subject: 'alice@example.org' }])
    const two_values = await ground.provider({ options: { subjectAttribute: 'groups' } })
    await expectRefused((await ground.enter(two_values)).answer, 403, 'attributes')
  })
})

describe('what is no response', () => {
  test.each([
    ['GET', undefined, 405],
    ['PUT', 'application/x-www-form-urlencoded', 405],
    ['POST', 'application/json', 415],
    ['POST', 'text/plain', 415],
  ])('%s with %s gets %i', async (method, type, status) => {
    const answer = await fetch(`${ground.origin}/saml/acs`, {
      ...{ method, redirect: 'manual', ...(type !== undefined && { body: '{}', headers: { 'content-type': type } }) },
    })
    expect(answer.status).toBe(status)
    if (status === 405) expect(answer.headers.get('allow')).toBe('POST')
    expect(await answer.text()).toContain('You are not signed in')
  })

  test('too large, it is not even read', async () => {
    const answer = await ground.post({ SAMLResponse: 'A'.repeat(600_000) })
    await expectRefused(answer, 413, 'too-large')
  })

  test.each<[string, Record<string, string>, string]>([
    ['nothing', {}, 'binding'],
    ['a request', { SAMLRequest: 'PHg+PC94Pg==' }, 'binding'],
    ['both', { SAMLRequest: 'PHg+PC94Pg==', SAMLResponse: 'PHg+PC94Pg==' }, 'binding'],
    ['no base64', { SAMLResponse: '<Response>' }, 'not-base64'],
    ['no XML', { SAMLResponse: Buffer.from('hello').toString('base64') }, 'not-xml'],
    ['another message', { SAMLResponse: Buffer.from('<a/>').toString('base64') }, 'wrong-root'],
    ['a document type', { SAMLResponse: Buffer.from('<!DOCTYPE a><a/>').toString('base64') }, 'doctype'],
  ])('%s is refused', async (_what, fields, reason) => {
    await expectRefused(await ground.post(fields), 400, reason)
  })

  test('one that is there twice is refused', async () => {
    const idp = await ground.provider()
    const response = encodeURIComponent(await ground.respond(idp))
    const answer = await fetch(`${ground.origin}/saml/acs`, {
      ...{ method: 'POST', redirect: 'manual', body: `SAMLResponse=${response}&SAMLResponse=${response}` },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    await expectRefused(answer, 400, 'binding')
  })

  test('other paths are closed to other sites as before', async () => {
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    for (const path of ['/saml/login', '/saml/metadata', '/saml/acs/', '/api/v1/session']) {
      const answer = await fetch(ground.origin + path, { method: 'POST', redirect: 'manual', headers })
      expect([path, answer.status]).toEqual([path, 403])
    }
  })
})

describe('a test sign-in', () => {
  const begin = async (idp: Provider) => {
    const tester = await ground.accounts.create(
      { tenantId: null },
      {
        ...{ name: `tester-${idp.name}`, displayName: 'Tester', role: 'operator', tenantId: null, passwordHash: '' },
      },
    )
    const name = ground.federation.tests.begin(idp.id, tester.id)
    const answer = await ground.get(`/saml/login?test=${name}`)
    const requestId = new URL(answer.headers.get('location') ?? '').searchParams.get('RelayState') ?? ''
    return { name, requestId, cookie: ground.cookieOf(answer, /^__Host-weft-login/) }
  }

  test('shows what was checked and what the rules make of it, and lets nobody in', async () => {
    const idp = await ground.provider({ state: 'closed', rules: [operator, member] })
    const { name, requestId, cookie } = await begin(idp)
    expect(ground.federation.tests.read(name, idp.id)).toMatchObject({ state: 'waiting' })
    const answer = await ground.post({ SAMLResponse: await ground.respond(idp, { requestId }) }, { cookie })
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, []])
    const outcome = ground.federation.tests.read(name, idp.id)
    expect(outcome).toMatchObject({
      ...{ state: 'passed', reason: null, subject: 'alice@example.org' },
      attributes: { groups: ['network & fabric', 'operators'] },
      granted: { roles: [{ role: 'tenant-member', rule: 1 }], ignored: [{ rule: 0 }] },
    })
    expect(outcome?.steps.every(({ passed }) => passed)).toBe(true)
    expect(outcome?.steps.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['provider', 'signature', 'replay', 'browser']),
    )
    const { rowCount } = await ground.database.engine.query('SELECT 1 FROM account WHERE provider_id = $1', [idp.id])
    expect(rowCount).toBe(0)
    expect(ground.federation.tests.read(name, ground.tenant.id)).toBeUndefined()
  })

  test('says which check failed', async () => {
    const idp = await ground.provider()
    const { name, requestId, cookie } = await begin(idp)
    const wrong = (xml: string) => xml.replace(/<saml:Audience>[^<]+/, '<saml:Audience>https://other.example')
    const answer = await ground.post(
      { SAMLResponse: await ground.respond(idp, { requestId, change: wrong }) },
      { cookie },
    )
    expect(answer.status).toBe(200)
    const outcome = ground.federation.tests.read(name, idp.id)
    expect(outcome).toMatchObject({ state: 'refused', reason: 'audience' })
    expect(outcome?.steps.at(-1)).toMatchObject({ check: 'audience', passed: false })
    expect(last()).toMatchObject({ action: 'signIn.test', outcome: 'refused', reason: 'audience', provider: idp.name })
  })

  test('of a name that nobody began is refused', async () => {
    await expectRefused(await ground.get('/saml/login?test=guessed'), 403, 'unknown-provider')
  })
})

describe('a step-up', () => {
  test('wants the same person, signed in anew, and gives the session another id', async () => {
    const idp = await ground.provider()
    const { session } = await ground.enter(idp)
    const out = await ground.setOut(idp, '&purpose=step-up&returnTo=/settings', { cookie: session })
    const { xml } = (readRedirect(new URL(out.location).search) as { value: { xml: string } }).value
    expect(xml).toContain('ForceAuthn="true"')
    const { requestId, relayState, cookie } = out
    const answer = await ground.post(
      { SAMLResponse: await ground.respond(idp, { requestId }), RelayState: relayState },
      { cookie },
    )
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/settings'])
    const renewed = ground.cookieOf(answer, /^__Host-weft=/)
    expect(renewed).not.toBe(session)
    expect([await ground.whoIs(session), (await ground.whoIs(renewed))?.name]).toEqual([undefined, 'alice@example.org'])
    expect(last()).toMatchObject({ action: 'signIn.stepUp', outcome: 'done' })
  })

  test('is refused to somebody else, and leaves the session as it was', async () => {
    const idp = await ground.provider()
    const { session } = await ground.enter(idp)
    const { requestId, relayState, cookie } = await ground.setOut(idp, '&purpose=step-up', { cookie: session })
    const response = await ground.respond(idp, { requestId, nameId: 'bob' })
    await expectRefused(
      await ground.post({ SAMLResponse: response, RelayState: relayState }, { cookie }),
      403,
      'other-account',
    )
    expect(await ground.whoIs(session)).toBeDefined()
    const elsewhere = await ground.provider()
    const answer = await ground.get(`/saml/login?idp=${elsewhere.name}&purpose=step-up`, { cookie: session })
    await expectRefused(answer, 403, 'other-account')
    await expectRefused(await ground.get(`/saml/login?idp=${idp.name}&purpose=step-up`), 403, 'other-account')
  })
})

describe('the sign-in page', () => {
  const offered = async (query: string) => {
    const answer = await ground.get(`/api/v1/sign-in/providers${query}`)
    return ((await answer.json()) as { items: { name: string; url: string }[] }).items
  }

  test('is told of the providers of a domain, of a tenant, and of the installation', async () => {
    const [idp, ours] = [await ground.provider(), await ground.provider({ tenantId: null })]
    const closed = await ground.provider({ state: 'closed' })
    expect(await offered(`?email=Alice@${idp.name.toUpperCase()}.example`)).toEqual([
      { name: idp.name, displayName: idp.name, protocol: 'saml', url: `/saml/login?idp=${idp.name}` },
    ])
    const names = (await offered('?tenant=red')).map(({ name }) => name)
    expect([names.includes(idp.name), names.includes(ours.name), names.includes(closed.name)]).toEqual([
      true,
      false,
      false,
    ])
    expect((await offered('')).map(({ name }) => name)).toContain(ours.name)
  })

  test('is told nothing else: neither of a tenant without providers nor of one that is not there', async () => {
    expect(await offered('?tenant=nobody')).toEqual([])
    expect(await offered('?email=alice@nowhere.example')).toEqual([])
    expect(await offered(`?email=${encodeURIComponent("a@b' OR true --")}`)).toEqual([])
  })
})
