import { randomBytes } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashPassword } from '#server/identity/password.ts'
import { parseMetadata } from '#server/identity/saml/metadata.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { tenantStore } from '#server/inventory/tenants.ts'
import { consoleGround, consoleMetadata, PERSISTENT, type TestConsole, type Wanted } from './console-ground.ts'
import { operator, type SignInGround, startSignIn } from './ground.ts'

const PASSWORD = 'a password for tests'
let ground: SignInGround
let ours: ReturnType<typeof consoleGround>
let blue: string
beforeAll(async () => {
  ground = await startSignIn()
  ours = consoleGround(ground)
  blue = (await tenantStore(ground.database).create(EVERYTHING, { name: 'blue', quotas: { networks: 1, ports: 1 } })).id
})
afterAll(() => ground.close())

/** Somebody with an account here, and a session. */
async function person(role = 'tenant-member', tenantId: string | null = ground.tenant.id) {
  const name = `p-${randomBytes(4).toString('hex')}`
  const account = await ground.accounts.create(EVERYTHING, {
    ...{ name, displayName: `Person ${name}`, role, tenantId: role.startsWith('tenant-') ? tenantId : null },
    passwordHash: 'x',
  })
  const from = { address: '127.0.0.1', agent: 'test' }
  const begin = async () => `__Host-weft=${(await ground.sessions.begin(account, from)).id}`
  return { account, begin, browser: ours.browser(await begin()) }
}

/** The answer that a console gets when somebody is there. */
async function ask(of: TestConsole, browser: ReturnType<typeof ours.browser>, wanted: Wanted = {}) {
  const { id, path } = await ours.redirect(of, wanted)
  return { id, answer: await browser.go(path) }
}

const codesFor = async (of: TestConsole, browser: ReturnType<typeof ours.browser>, wanted: Wanted = {}) =>
  (await ours.posted((await ask(of, browser, wanted)).answer)).codes

/** The request that an address carries. */
const inflated = ({ searchParams }: URL) =>
  inflateRawSync(Buffer.from(searchParams.get('SAMLRequest') ?? '', 'base64')).toString()

const last = () => ground.audit.lines.at(-1)

test('the metadata are signed, and say where requests go and that they are to be signed', async () => {
  const answer = await ground.get('/saml/idp/metadata')
  const xml = await answer.text()
  expect(answer.headers.get('content-type')).toBe('application/samlmetadata+xml')
  const pinned = parseMetadata(xml, Date.now(), { role: 'idp', pinnedCertificates: [ground.own.certificate] })
  expect(pinned).toMatchObject({ ok: true, value: { verified: true, entityId: ours.entityId } })
  const { idp } = pinned.ok ? pinned.value : {}
  expect(idp?.singleSignOn.map(({ location }) => location)).toEqual([ours.ssoUrl, ours.ssoUrl])
  expect(idp?.wantAuthnRequestsSigned).toBe(true)
  const tampered = xml.replaceAll(ours.ssoUrl, 'https://elsewhere.example.org/sso')
  expect(parseMetadata(tampered, Date.now(), { pinnedCertificates: [ground.own.certificate] })).toMatchObject({
    ok: false,
    reason: 'signature-invalid',
  })
})

describe('a console that asks for somebody who is signed in', () => {
  test('is told a name of its own and nothing else', async () => {
    const [of, { browser, account }] = [await ours.register(), await person()]
    const { id, answer } = await ask(of, browser)
    const identity = await ours.accepted(of, answer.clone() as Response, id)
    expect(identity).toMatchObject({ attributes: {}, signed: ['response', 'assertion'], encrypted: false })
    expect(identity.nameId).toMatchObject({ nameQualifier: ours.entityId, spNameQualifier: of.entityId })
    for (const word of [account.id, account.name, account.displayName])
      expect(identity.nameId.value).not.toContain(word)
    expect(identity.authenticatingAuthorities).toEqual([])
    expect(identity.sessionNotOnOrAfter_ms).toBeGreaterThan(Date.now())
    const { relayState, action } = await ours.posted(answer)
    expect([relayState, action]).toEqual(['where it was', of.acsUrl])
    expect(last()).toMatchObject({ action: 'signIn.console', outcome: 'done', actor: account.name })
  })

  test('knows the same person by the same name, which no other console knows', async () => {
    const [one, two, { browser, begin }] = [await ours.register(), await ours.register(), await person()]
    const nameOf = async (of: TestConsole, by: typeof browser) => {
      const { id, answer } = await ask(of, by)
      return (await ours.accepted(of, answer, id)).nameId.value
    }
    const first = await nameOf(one, browser)
    expect(await nameOf(two, browser)).not.toBe(first)
    expect(await nameOf(one, ours.browser(await begin()))).toBe(first)
    expect(await nameOf(one, (await person()).browser)).not.toBe(first)
  })

  test('gets the same session index each time, which another session has not', async () => {
    const [of, { browser, begin }] = [await ours.register(), await person()]
    const indexOf = async (by: typeof browser) => {
      const { id, answer } = await ask(of, by)
      return (await ours.accepted(of, answer, id)).sessionIndex
    }
    const first = await indexOf(browser)
    expect(await indexOf(browser)).toBe(first)
    expect(await indexOf(ours.browser(await begin()))).not.toBe(first)
  })

  test('is told what was chosen for it, of its own tenant alone', async () => {
    const release = ['name', 'displayName', 'roles', 'groups', 'tenant'] as const
    const of = await ours.register({ release, tenantId: ground.tenant.id })
    const { account, browser } = await person()
    await ground.database.engine.query(
      `WITH made AS (INSERT INTO user_group (id, name, tenant_id) VALUES (gen_random_uuid(), 'noc', $1),
         (gen_random_uuid(), 'secret', $2) RETURNING id)
       INSERT INTO group_member (group_id, account_id) SELECT id, $3 FROM made`,
      [ground.tenant.id, blue, account.id],
    )
    await ground.database.engine.query(
      `INSERT INTO role_binding (id, account_id, builtin, tenant_id) VALUES (gen_random_uuid(), $1, 'tenant-administrator', $2)`,
      [account.id, blue],
    )
    const { id, answer } = await ask(of, browser)
    expect((await ours.accepted(of, answer, id)).attributes).toEqual({
      ...{ name: [account.name], displayName: [account.displayName], roles: ['tenant-member'] },
      ...{ groups: ['noc'], tenant: ['red'] },
    })
  })

  test('gets it encrypted where that is chosen', async () => {
    const [of, { browser }] = [await ours.register({ encrypt: true }), await person()]
    const { id, answer } = await ask(of, browser)
    expect(await ours.accepted(of, answer, id)).toMatchObject({ encrypted: true })
  })

  test('gets its page posted to that one origin, by a script or by hand', async () => {
    const [of, { browser }] = [await ours.register({ displayName: '<b>Fire & wall' }), await person()]
    const { answer } = await ask(of, browser)
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toContain(`form-action ${new URL(of.acsUrl).origin};`)
    expect(policy).toContain("default-src 'none'")
    const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1]
    const { html } = await ours.posted(answer)
    expect(html).toContain(`<script nonce="${nonce}">`)
    expect(html).toContain('<button type="submit">Go on to &#60;b&#62;Fire &#38; wall</button>')
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  test('by POST is answered after a step that brings the session along', async () => {
    const [of, { browser }] = [await ours.register(), await person()]
    // As a browser does across sites: what is SameSite=Lax stays at home.
    const { id, answer } = await ours.postRequest(of)
    expect(answer.status).toBe(303)
    browser.keep(answer)
    expect(await ours.accepted(of, await browser.go(answer.headers.get('location') ?? ''), id)).toBeTruthy()
  })

  test('is answered once', async () => {
    const [of, { browser }] = [await ours.register(), await person()]
    const { path } = await ours.redirect(of)
    const next = (await browser.step(path)).headers.get('location') ?? ''
    const answers = await Promise.all(Array.from({ length: 6 }, () => browser.step(next)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 403, 403, 403, 403, 403])
  })
})

describe('a request is refused', () => {
  const refusal = async (path: string, browser = ours.browser()) => {
    const answer = await browser.go(path)
    return [answer.status, last()?.reason, answer.headers.get('location')]
  }

  test('when it comes a second time', async () => {
    const [of, { browser }] = [await ours.register(), await person()]
    const { path } = await ours.redirect(of)
    expect((await browser.go(path)).status).toBe(200)
    expect(await refusal(path, browser)).toEqual([403, 'replay', null])
  })

  test('when it is not signed, or by another key', async () => {
    const of = await ours.register()
    const { path } = await ours.redirect(of)
    const bare = path.replace(/&SigAlg=.*/, '')
    expect(await refusal(bare)).toEqual([403, 'unsigned', null])
    const other = await ours.register()
    expect(await refusal((await ours.redirect(of, {}, '', other.key)).path)).toEqual([403, 'signature-invalid', null])
    expect(await refusal(path.replace(/RelayState=[^&]*/, 'RelayState=else'))).toEqual([403, 'signature-invalid', null])
    const { xml } = ours.requestOf(of)
    const posted = await fetch(ours.ssoUrl, {
      ...{ method: 'POST', redirect: 'manual' },
      body: new URLSearchParams({ SAMLRequest: Buffer.from(xml).toString('base64') }),
    })
    expect([posted.status, last()?.reason]).toEqual([403, 'unsigned'])
  })

  test('when the answer would go where the metadata do not say', async () => {
    const of = await ours.register()
    for (const acsUrl of ['https://elsewhere.example.org/acs', `${of.acsUrl}/`, `${of.acsUrl}?x=1`])
      expect(await refusal((await ours.redirect(of, { acsUrl })).path)).toEqual([403, 'endpoint', null])
  })

  test('when nobody knows the console, or it is closed, or its metadata have expired', async () => {
    const of = await ours.register()
    const stranger = { ...of, entityId: 'https://stranger.example.org' }
    expect(await refusal((await ours.redirect(stranger)).path)).toEqual([403, 'unknown-provider', null])
    await ours.store.update(EVERYTHING, of.id, 1, { state: 'closed' })
    expect(await refusal((await ours.redirect(of)).path)).toEqual([403, 'provider-closed', null])
    const old = await ours.register()
    const metadata = old.metadata.replace(' entityID=', ' validUntil="2020-01-01T00:00:00Z" entityID=')
    await ours.store.update(EVERYTHING, old.id, 1, { metadata })
    expect(await refusal((await ours.redirect(old)).path)).toEqual([403, 'expired', null])
  })

  test('when another browser goes on with it', async () => {
    const [of, { browser, begin }] = [await ours.register(), await person()]
    const next = (await browser.step((await ours.redirect(of)).path)).headers.get('location') ?? ''
    expect(await refusal(next, ours.browser(await begin()))).toEqual([403, 'browser', null])
    expect((await browser.step(next)).status).toBe(200)
  })

  test('in words that say nothing of the reason', async () => {
    const answer = await ground.get('/saml/idp/sso?SAMLRequest=x')
    const html = await answer.text()
    expect(answer.status).toBe(400)
    expect(html).toContain('Signing in did not work')
    expect(html).not.toContain(last()?.reason ?? 'nothing')
  })

  test('by any other method', async () => {
    for (const method of ['PUT', 'DELETE', 'HEAD'])
      expect((await fetch(ours.ssoUrl, { method })).status, method).toBe(405)
  })
})

describe('a console is told by status', () => {
  test('that nobody is there, where nobody may be asked', async () => {
    const of = await ours.register()
    expect(await codesFor(of, ours.browser(), { attributes: ' IsPassive="true"' })).toEqual(['Responder', 'NoPassive'])
    expect(last()).toMatchObject({ action: 'signIn.console', outcome: 'refused', reason: 'passive' })
    const { browser } = await person()
    expect(await codesFor(of, browser, { attributes: ' IsPassive="true"' })).toEqual(['Success'])
    expect(await codesFor(of, browser, { attributes: ' IsPassive="true" ForceAuthn="true"' })).toEqual([
      'Responder',
      'NoPassive',
    ])
  })

  test('that names of that format are not given, or none may be made', async () => {
    const [of, { browser }] = [await ours.register(), await person()]
    const transient = PERSISTENT.replace(':persistent', ':transient')
    expect(await codesFor(of, browser, { inner: transient })).toEqual(['Requester', 'InvalidNameIDPolicy'])
    const forbidden = PERSISTENT.replace(' AllowCreate="true"', '')
    expect(await codesFor(of, browser, { inner: forbidden })).toEqual(['Requester', 'InvalidNameIDPolicy'])
    expect(await codesFor(of, browser)).toEqual(['Success'])
    expect(await codesFor(of, browser, { inner: forbidden })).toEqual(['Success'])
  })

  test('that no provider may be asked, or none of those that it names is here', async () => {
    const [of, { browser }] = [await ours.register(), await person()]
    const scoping = (inner: string, attributes = '') => ({
      inner: `${PERSISTENT}<samlp:Scoping${attributes}>${inner}</samlp:Scoping>`,
    })
    const none = scoping('', ' ProxyCount="0"')
    expect(await codesFor(of, ours.browser(), none)).toEqual(['Responder', 'ProxyCountExceeded'])
    expect(await codesFor(of, browser, none)).toEqual(['Success'])
    const list = (entity: string) => scoping(`<samlp:IDPList><samlp:IDPEntry ProviderID="${entity}"/></samlp:IDPList>`)
    expect(await codesFor(of, browser, list('https://nobody.example.org'))).toEqual(['Responder', 'NoAvailableIDP'])
    expect(await codesFor(of, browser, list(ours.entityId))).toEqual(['Success'])
  })

  test('that it is another tenant’s people who came', async () => {
    const of = await ours.register({ tenantId: blue })
    const { browser, account } = await person()
    expect(await codesFor(of, browser)).toEqual(['Responder', 'RequestDenied'])
    expect(last()).toMatchObject({ reason: 'no-access', actor: account.name })
    expect(await codesFor(of, (await person('tenant-member', blue)).browser)).toEqual(['Success'])
    expect(await codesFor(of, (await person('operator')).browser)).toEqual(['Success'])
  })

  test('that somebody else is signed in than it asks for', async () => {
    const [of, { browser }] = [await ours.register(), await person()]
    const { id, answer } = await ask(of, browser)
    const { value } = (await ours.accepted(of, answer, id)).nameId
    const subject = (name: string) => ({
      inner: `<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">${name}</saml:NameID></saml:Subject>${PERSISTENT}`,
    })
    expect(await codesFor(of, browser, subject(value))).toEqual(['Success'])
    expect(await codesFor(of, browser, subject('_somebody'))).toEqual(['Responder', 'UnknownPrincipal'])
  })
})

describe('whoever is not signed in', () => {
  const pathIn = (answer: Response) => new URL(answer.headers.get('location') ?? '', ground.origin)

  test('goes to the sign-in page, and from there back', async () => {
    const [of, { begin }] = [await ours.register(), await person()]
    const browser = ours.browser()
    const { id, path } = await ours.redirect(of)
    const page = pathIn(await browser.go(path))
    expect([page.pathname, page.searchParams.get('again')]).toEqual(['/sign-in', null])
    const next = page.searchParams.get('next') ?? ''
    const back = await ground.get(next, { cookie: `${browser.cookie()}; ${await begin()}` })
    expect(await ours.accepted(of, back, id)).toBeTruthy()
  })

  test('goes to the only provider of the console’s tenant, which is asked on behalf of the console', async () => {
    const only = await ground.provider({ tenantId: blue })
    const of = await ours.register({ tenantId: blue })
    const browser = ours.browser()
    const { id, path } = await ours.redirect(of, {
      attributes: ' ForceAuthn="true"',
      inner: `${PERSISTENT}<samlp:Scoping ProxyCount="3"><samlp:RequesterID>https://behind.example.org</samlp:RequesterID></samlp:Scoping>`,
    })
    const away = pathIn(await browser.go(path))
    expect(away.href).toContain(`${only.issuer}/sso?`)
    const asked = inflated(away)
    expect(asked).toContain('ForceAuthn="true"')
    expect(asked).toMatch(
      /<samlp:Scoping ProxyCount="2">.*https:\/\/behind\.example\.org.*<samlp:RequesterID>https:\/\/fw-/,
    )
    const requestId = away.searchParams.get('RelayState') ?? ''
    const response = await ground.respond(only, { requestId })
    const back = browser.keep(
      await ground.post({ SAMLResponse: response, RelayState: requestId }, { cookie: browser.cookie() }),
    )
    const identity = await ours.accepted(of, await browser.go(back.headers.get('location') ?? ''), id)
    expect(identity.authenticatingAuthorities).toEqual([only.issuer])
    expect(identity.authnContext).toContain('PasswordProtectedTransport')
    expect(last()).toMatchObject({ action: 'signIn.console', outcome: 'done' })
    // Once signed in, the next console is opened without a word.
    const next = await ours.register({ tenantId: blue })
    expect(await codesFor(next, browser)).toEqual(['Success'])
  })

  test('whom the provider refuses is not let in, and the console is told', async () => {
    const green = await tenantStore(ground.database).create(EVERYTHING, {
      name: 'green',
      quotas: { networks: 1, ports: 1 },
    })
    const only = await ground.provider({ tenantId: green.id })
    const of = await ours.register({ tenantId: green.id })
    const browser = ours.browser()
    const away = pathIn(await browser.go((await ours.redirect(of)).path))
    const requestId = away.searchParams.get('RelayState') ?? ''
    const response = await ground.respond(only, {
      requestId,
      change: (xml) => xml.replace('status:Success', 'status:Responder'),
    })
    const back = browser.keep(
      await ground.post({ SAMLResponse: response, RelayState: requestId }, { cookie: browser.cookie() }),
    )
    const { codes } = await ours.posted(await browser.go(back.headers.get('location') ?? ''))
    expect(codes).toEqual(['Responder', 'AuthnFailed'])
  })

  test('is sent to sign in anew, again and again, but not for ever', async () => {
    const of = await ours.register()
    const { browser } = await person()
    const { path } = await ours.redirect(of, { attributes: ' ForceAuthn="true"' })
    const next = (await browser.step(path)).headers.get('location') ?? ''
    for (let time = 0; time < 5; time++) expect(pathIn(await browser.step(next)).searchParams.get('again')).toBe('1')
    expect((await ours.posted(await browser.step(next))).codes).toEqual(['Responder', 'AuthnFailed'])
  })

  test('on the way to a console may choose a provider, which is asked what the console wants', async () => {
    const [idp, of] = [await ground.provider(), await ours.register()]
    const browser = ours.browser()
    const { id, path } = await ours.redirect(of, { attributes: ' ForceAuthn="true"' })
    const next = pathIn(await browser.go(path)).searchParams.get('next') ?? ''
    const away = pathIn(await browser.step(`/saml/login?idp=${idp.name}&returnTo=${encodeURIComponent(next)}`))
    expect(inflated(away)).toContain(`<samlp:RequesterID>${of.entityId}`)
    const requestId = away.searchParams.get('RelayState') ?? ''
    const answer = { SAMLResponse: await ground.respond(idp, { requestId }), RelayState: requestId }
    const back = browser.keep(await ground.post(answer, { cookie: browser.cookie() }))
    expect(back.headers.get('location')).toBe(next)
    expect(await ours.accepted(of, await browser.go(next), id)).toBeTruthy()
  })
})

describe('a provider upstream', () => {
  test('that allows nobody to pass its word on is obeyed, and one that allows some is passed on with less', async () => {
    const idp = await ground.provider({ tenantId: null, rules: [operator] })
    const of = await ours.register()
    const restricted = (count: number) => (xml: string) =>
      xml.replace('</saml:AudienceRestriction>', `</saml:AudienceRestriction><saml:ProxyRestriction Count="${count}"/>`)
    const enter = async (count: number) =>
      ours.browser((await ground.enter(idp, { change: restricted(count) })).session)
    expect(await codesFor(of, await enter(0))).toEqual(['Responder', 'ProxyCountExceeded'])
    const { id, answer } = await ask(of, await enter(2))
    expect((await ours.accepted(of, answer, id)).proxyCount).toBe(1)
  })

  test('is asked again where its person has to prove it in another way, and told so where they cannot', async () => {
    const idp = await ground.provider({ tenantId: null, rules: [operator] })
    const of = await ours.register()
    const browser = ours.browser((await ground.enter(idp)).session)
    const wanted = {
      inner: `${PERSISTENT}<samlp:RequestedAuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`,
    }
    const { answer } = await ask(of, browser, wanted)
    const away = new URL(answer.headers.get('location') ?? '')
    expect(away.href).toContain(`${idp.issuer}/sso`)
    expect(inflated(away)).toContain('ac:classes:Smartcard')
    const requestId = away.searchParams.get('RelayState') ?? ''
    const fields = { SAMLResponse: await ground.respond(idp, { requestId }), RelayState: requestId }
    const back = browser.keep(await ground.post(fields, { cookie: browser.cookie() }))
    const { codes } = await ours.posted(await browser.go(back.headers.get('location') ?? ''))
    expect(codes).toEqual(['Responder', 'NoAuthnContext'])
  })
})

describe('from the page of links', () => {
  test('somebody opens a console, which is told where it begins', async () => {
    const of = await ours.register({ homeUrl: 'https://firewall.example.org/start' })
    const { browser } = await person()
    const answer = await browser.go(`/saml/idp/launch?console=${of.id}`)
    const identity = await ours.accepted(of, answer.clone() as Response, undefined)
    expect(identity.nameId.spNameQualifier).toBe(of.entityId)
    const { relayState, xml } = await ours.posted(answer)
    expect(relayState).toBe('https://firewall.example.org/start')
    expect(xml).not.toContain('InResponseTo')
  })

  test('what is no console, or closed, is not opened', async () => {
    const { browser } = await person()
    for (const id of ['', 'x', '0190a0a0-0000-7000-8000-000000000001'])
      expect((await browser.step(`/saml/idp/launch?console=${id}`)).status).toBe(403)
    const of = await ours.register({ tenantId: blue })
    expect((await ours.posted(await browser.go(`/saml/idp/launch?console=${of.id}`))).codes).toEqual([
      'Responder',
      'RequestDenied',
    ])
  })
})

test('what one was signed in to stays with the session that takes the place of another', async () => {
  const idp = await ground.provider({ tenantId: null, rules: [operator] })
  const of = await ours.register()
  const first = await ground.enter(idp)
  const { id, answer } = await ask(of, ours.browser(first.session))
  const { sessionIndex } = await ours.accepted(of, answer, id)
  const second = await ground.enter(idp, {}, '', { cookie: first.session })
  const again = await ask(of, ours.browser(second.session))
  expect((await ours.accepted(of, again.answer, again.id)).sessionIndex).toBe(sessionIndex)
})

test('what one was signed in to stays when one signs in anew with a local account', async () => {
  const [of, passwordHash] = [await ours.register(), await hashPassword(PASSWORD)]
  const name = `l-${randomBytes(4).toString('hex')}`
  const made = { name, displayName: name, role: 'operator', tenantId: null, passwordHash }
  await ground.accounts.create(EVERYTHING, made)
  const enter = async (cookie = '') => {
    const answer = await fetch(`${ground.origin}/api/v1/session`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json', cookie } },
      body: JSON.stringify({ name, password: PASSWORD }),
    })
    return ground.cookieOf(answer, /^__Host-weft=/)
  }
  const indexIn = async (session: string) => {
    const { id, answer } = await ask(of, ours.browser(session))
    return (await ours.accepted(of, answer, id)).sessionIndex
  }
  const first = await enter()
  const index = await indexIn(first)
  const second = await enter(first)
  expect([await indexIn(second), await ground.whoIs(first)]).toEqual([index, undefined])
  expect(await indexIn(await enter())).not.toBe(index)
})

test('whoever still owes something settles that first, and is vouched for afterwards', async () => {
  const [of, { browser, account }] = [await ours.register(), await person()]
  const hash = account.passwordHash ?? ''
  await ground.accounts.setPassword(account.id, hash, Date.now() + 60_000)
  const { answer } = await ask(of, browser)
  const location = answer.headers.get('location') ?? ''
  expect([answer.status, location]).toEqual([303, expect.stringMatching(/^\/owed\?next=%2Fsaml%2Fidp%2F/)])
  await ground.accounts.setPassword(account.id, hash)
  const next = new URL(location, ground.origin).searchParams.get('next') ?? ''
  expect((await ours.posted(await browser.go(next))).action).toBe(`${of.entityId}/acs`)
})

test('metadata that describe another address count once they are kept', async () => {
  const [of, { browser }] = [await ours.register(), await person()]
  const acsUrl = `${of.entityId}/elsewhere`
  await ours.store.update(EVERYTHING, of.id, 1, { metadata: consoleMetadata(of.entityId, of.key, acsUrl) })
  expect((await ours.posted((await ask(of, browser)).answer)).action).toBe(acsUrl)
})
