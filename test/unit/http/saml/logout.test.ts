import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { NameId } from '#server/identity/saml/provider.ts'
import { signXml } from '#server/identity/saml/sign.ts'
import { wrapSoap } from '#server/identity/saml/soap.ts'
import { operator, type SignInGround, startSignIn } from './ground.ts'
import { hashOf, startConsole, startProvider } from './logout-peers.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

let ground: SignInGround
beforeAll(async () => {
  // Peers of a tenant stand on this machine.
  ground = await startSignIn({ WEFT_METADATA_PRIVATE: 'true' })
}, 60_000)
afterAll(() => ground?.close())

const peers: { stop(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()))
})
const kept = <T extends { stop(): Promise<void> }>(peer: T): T => {
  peers.push(peer)
  return peer
}
const provider = async (...bindings: ('redirect' | 'soap')[]) => kept(await startProvider(ground, bindings))
const console = async (name: string, ...bindings: ('redirect' | 'soap')[]) =>
  kept(await startConsole(ground, bindings, name))

const last = () => ground.audit.lines.at(-1)
const isIn = async (session: string) => (await ground.whoIs(session)) !== undefined
const locationOf = (answer: Response) => answer.headers.get('location') ?? ''
const nameOf = async (session: string): Promise<NameId> => {
  const known = await ground.federation.samlSessions.ofSession(hashOf(session))
  if (!known) throw new Error('There is no session.')
  return known.nameId
}
const signOut = (session: string, everywhere: boolean) =>
  fetch(`${ground.origin}/api/v1/session/logout`, {
    ...{ method: 'POST', body: JSON.stringify({ everywhere }) },
    headers: { 'content-type': 'application/json', cookie: session },
  }).then(async (answer) => ({
    answer,
    ...((await answer.json()) as { next: string; participants: { kind: string; name: string; outcome: string }[] }),
  }))
const soap = (path: string, body: string, type = 'text/xml') =>
  fetch(ground.origin + path, { method: 'POST', body, headers: { 'content-type': type } })
/** Follows our own redirects until the browser is sent to somebody else, or to a page. */
async function walk(path: string, cookies: string) {
  const answer = await ground.get(path, { cookie: cookies })
  return { answer, location: locationOf(answer), cookie: ground.cookieOf(answer, /^__Host-weft-login=/) }
}

describe('signing out here', () => {
  test('ends this session alone when that is all that is wanted', async () => {
    const idp = await provider('soap')
    const { session } = await ground.enter(idp.provider)
    const { answer, next, participants } = await signOut(session, false)
    expect([answer.status, next, participants]).toEqual([200, '/signed-out', []])
    expect(answer.headers.getSetCookie()[0]).toContain('Max-Age=0')
    expect([await isIn(session), idp.soap.told]).toEqual([false, []])
    expect(last()).toMatchObject({ action: 'session.logout', outcome: 'done', detail: 'Here alone.' })
  })

  test('tells those who can be told by SOAP at once', async () => {
    const [idp, firewall] = [await provider('soap'), await console('Firewall', 'redirect', 'soap')]
    const { session } = await ground.enter(idp.provider)
    const [name, known] = [await firewall.enter(session), await nameOf(session)]
    const { next, participants } = await signOut(session, true)
    expect(participants).toEqual([
      { kind: 'console', name: 'Firewall', outcome: 'signed-out' },
      { kind: 'provider', name: idp.provider.displayName, outcome: 'signed-out' },
    ])
    expect(next).toBe(
      `/signed-out?${new URLSearchParams([
        ['ended', 'Firewall'],
        ['ended', idp.provider.displayName],
      ])}`,
    )
    expect([firewall.soap.told, idp.soap.told]).toEqual([[name], [known]])
    expect(await isIn(session)).toBe(false)
  })

  test('takes the browser along to the others, one after the other', async () => {
    const [idp, firewall] = [await provider('redirect', 'soap'), await console('Firewall', 'redirect')]
    const { session } = await ground.enter(idp.provider)
    await firewall.enter(session, '_index')
    const { next, participants } = await signOut(session, true)
    expect(participants.map(({ outcome }) => outcome)).toEqual(['waiting', 'waiting'])
    expect(await isIn(session)).toBe(false)

    const first = await walk(next, '')
    expect(first.answer.status).toBe(303)
    const toConsole = await firewall.received(first.location)
    expect(toConsole.request.sessionIndexes).toEqual(['_index'])
    const second = await walk(await firewall.answers(toConsole.request.id, toConsole.relayState), first.cookie)
    const toProvider = await idp.received(second.location)
    expect(toProvider.request.nameId.value).toBe('alice@example.org')
    const third = await walk(await idp.answers(toProvider.request.id, toProvider.relayState, 'partial'), second.cookie)

    const named = [
      ['ended', 'Firewall'],
      ['left', idp.provider.displayName],
    ]
    expect(third.location).toBe(`/signed-out?${new URLSearchParams(named)}`)
    expect(last()).toMatchObject({ action: 'session.logout', outcome: 'done', reason: 'partial-logout' })
  })

  test('goes on without one who does not answer', async () => {
    const [idp, firewall] = [await provider('redirect'), await console('Firewall', 'redirect')]
    const { session } = await ground.enter(idp.provider)
    await firewall.enter(session)
    const { next } = await signOut(session, true)
    const first = await walk(next, '')
    await firewall.received(first.location)
    const again = await walk(next, first.cookie)
    const toProvider = await idp.received(again.location)
    const end = await walk(await idp.answers(toProvider.request.id, toProvider.relayState), first.cookie)
    const named = [
      ['left', 'Firewall'],
      ['ended', idp.provider.displayName],
    ]
    expect(end.location).toBe(`/signed-out?${new URLSearchParams(named)}`)
  })

  test('goes through the browser that began alone, and takes an answer once', async () => {
    const idp = await provider('redirect')
    const { session } = await ground.enter(idp.provider)
    const { next } = await signOut(session, true)
    const first = await walk(next, '')
    expect((await walk(next, '')).location).toBe('/signed-out')
    const { request, relayState } = await idp.received(first.location)
    const path = await idp.answers(request.id, relayState)
    const other = await walk(path, '')
    expect([other.answer.status, last()?.reason]).toEqual([403, 'browser'])
    const wrong = await walk(await idp.answers(request.id, 'elsewhere'), first.cookie)
    expect([wrong.answer.status, last()?.reason]).toEqual([400, 'relay-state'])
    const twice = await Promise.all([walk(path, first.cookie), walk(path, first.cookie)])
    expect(twice.map(({ answer }) => answer.status).sort()).toEqual([303, 403])
    expect((await walk(path, first.cookie)).answer.status).toBe(403)
    expect(last()?.reason).toBe('in-response-to')
  })

  test.each([
    ['is down', 'down', 'no-answer'],
    ['says no', 'responder', 'status'],
    ['answers unsigned', 'unsigned', 'unsigned'],
    ['says nothing in time', 'silent', 'no-answer'],
  ] as const)('succeeds here when a console %s, and says so', async (_what, how, reason) => {
    const [idp, firewall] = [await provider('soap'), await console('Firewall', 'soap')]
    const { session } = await ground.enter(idp.provider)
    await firewall.enter(session)
    if (how === 'down') await firewall.stop()
    else firewall.soap.outcome = how
    const { answer, participants } = await signOut(session, true)
    expect([answer.status, participants.map(({ outcome }) => outcome)]).toEqual([200, ['not-signed-out', 'signed-out']])
    expect(last()?.detail).toContain(`Firewall: not-signed-out (${reason})`)
    expect(await isIn(session)).toBe(false)
  })

  test('leaves a redirect out where nobody listens', async () => {
    const { session } = await ground.enter((await provider('soap')).provider)
    const firewall = await console('Firewall', 'redirect')
    await firewall.enter(session)
    const { next } = await signOut(session, true)
    await ground.database.engine.query(
      `UPDATE service_provider SET metadata = replace(metadata, $1, 'http://127.0.0.1:9') WHERE id = $2`,
      [`Location="${firewall.entityId}`.slice(10), firewall.id],
    )
    expect((await walk(next, '')).location).toContain('left=Firewall')
  })
})

describe('a session that is ended in the list of sessions', () => {
  const end = async (session: string, path: string) => {
    const headers = { cookie: session }
    const answer = await fetch(`${ground.origin}/api/v1${path}`, { method: 'DELETE', headers })
    return answer.status
  }
  const idOf = async (session: string) => {
    const { rows } = await ground.database.engine.query('SELECT id FROM session WHERE hash = $1', [hashOf(session)])
    return (rows[0] as { id: string }).id
  }

  test('by an operator is over, its consoles are told, and so is its person', async () => {
    const [idp, firewall] = [await provider('soap'), await console('Firewall', 'redirect', 'soap')]
    const { session } = await ground.enter(idp.provider)
    const name = await firewall.enter(session)
    const operators = await ground.provider({ tenantId: null, rules: [operator] })
    const { session: theirs } = await ground.enter(operators)
    const before = ground.told.length
    expect(await end(theirs, `/all-sessions/${await idOf(session)}`)).toBe(204)
    expect([firewall.soap.told, await isIn(session), await isIn(theirs)]).toEqual([[name], false, true])
    expect(ground.told.slice(before)).toMatchObject([{ kind: 'session.ended', by: 'alice@example.org' }])
    const line = (action: string) => ground.audit.lines.findLast((one) => one.action === action)
    expect(line('sessions.endAny')).toMatchObject({ outcome: 'done', subject: expect.stringMatching(/^user\//) })
    expect(line('session.logout')).toMatchObject({ outcome: 'done', detail: expect.stringContaining('Firewall') })
  })

  test('by its person is over, and its consoles are told', async () => {
    const [idp, firewall] = [await provider('soap'), await console('Firewall', 'redirect', 'soap')]
    const [{ session }, here] = [await ground.enter(idp.provider), await ground.enter(idp.provider)]
    const name = await firewall.enter(session)
    const before = ground.told.length
    expect(await end(here.session, `/sessions/${await idOf(session)}`)).toBe(204)
    expect([firewall.soap.told, await isIn(session), ground.told.length]).toEqual([[name], false, before])
  })

  test('with all others of its person is over, and its consoles are told', async () => {
    const [idp, firewall] = [await provider('soap'), await console('Firewall', 'redirect', 'soap')]
    const [{ session }, here] = [await ground.enter(idp.provider), await ground.enter(idp.provider)]
    const name = await firewall.enter(session)
    expect(await end(here.session, '/sessions')).toBe(204)
    expect([firewall.soap.told, await isIn(session), await isIn(here.session)]).toEqual([[name], false, true])
  })

  test.each([
    ['disabled', 'PATCH', { state: 'disabled' }, 200],
    ['removed', 'DELETE', undefined, 204],
  ])('is over where an operator has %s its person, and its consoles are told', async (_what, method, body, status) => {
    const [idp, firewall] = [await provider('soap'), await console('Firewall', 'redirect', 'soap')]
    const { session } = await ground.enter(idp.provider)
    const name = await firewall.enter(session)
    const operators = await ground.provider({ tenantId: null, rules: [operator] })
    const { session: theirs } = await ground.enter(operators)
    const { rows } = await ground.database.engine.query(
      'SELECT a.id, a.revision FROM session s JOIN account a ON a.id = s.account_id WHERE s.hash = $1',
      [hashOf(session)],
    )
    const [{ id, revision }] = rows as [{ id: string; revision: number }]
    const answer = await fetch(`${ground.origin}/api/v1/users/${id}`, {
      ...{ method, ...(body && { body: JSON.stringify(body) }) },
      headers: { cookie: theirs, 'if-match': `"${revision}"`, ...(body && { 'content-type': 'application/json' }) },
    })
    expect(answer.status).toBe(status)
    expect([firewall.soap.told, await isIn(session)]).toEqual([[name], false])
  })

  test('stays where another tenant’s administrator tries it', async () => {
    const [idp, firewall] = [await provider('soap'), await console('Firewall', 'redirect', 'soap')]
    const { session } = await ground.enter(idp.provider)
    await firewall.enter(session)
    const { rows } = await ground.database.engine.query(
      `INSERT INTO tenant (id, name, display_name, thread, quota_networks, quota_ports)
       VALUES (gen_random_uuid(), 'blue', 'blue', 1, 1, 1) ON CONFLICT (name) DO UPDATE SET thread = 1 RETURNING id`,
    )
    const tenantId = (rows[0] as { id: string }).id
    const administrator = { when: [], then: { give: 'role', role: 'tenant-administrator', tenant: tenantId } } as const
    const other = await ground.provider({ tenantId, rules: [administrator] })
    const { session: theirs } = await ground.enter(other)
    expect(await end(theirs, `/all-sessions/${await idOf(session)}`)).toBe(404)
    expect([firewall.soap.told, await isIn(session)]).toEqual([[], true])
  })
})

describe('a logout that the provider asks for', () => {
  test('by redirect ends the session, tells its consoles, and is answered', async () => {
    const [idp, firewall, balancer] = [
      await provider('redirect'),
      await console('Firewall', 'soap'),
      await console('Balancer', 'redirect'),
    ]
    const { session } = await ground.enter(idp.provider)
    const name = await firewall.enter(session)
    await balancer.enter(session)
    const { id, path } = await idp.asks(await nameOf(session), {}, 'their state')
    const first = await walk(path, session)
    expect(first.answer.headers.getSetCookie().some((line) => /^__Host-weft=; .*Max-Age=0/.test(line))).toBe(true)
    expect([await isIn(session), firewall.soap.told]).toEqual([false, [name]])
    const { request, relayState } = await balancer.received(first.location)
    const end = await walk(await balancer.answers(request.id, relayState), first.cookie)
    expect(idp.answered(end.location, id)).toEqual({
      outcome: 'success',
      relayState: 'their state',
      at: `${idp.entityId}/slo-done`,
    })
    expect(ground.audit.lines.filter(({ action }) => action === 'session.logout').at(-2)).toMatchObject({
      ...{ outcome: 'done', provider: idp.provider.name, actor: 'alice@example.org' },
      detail: expect.stringContaining('1 sessions ended'),
    })
  })

  test('by SOAP ends the session, and says that it is partial where a browser would be needed', async () => {
    const [idp, firewall, balancer] = [
      await provider('soap'),
      await console('Firewall', 'soap'),
      await console('Balancer', 'redirect'),
    ]
    const one = await ground.enter(idp.provider)
    await firewall.enter(one.session)
    const asked = await idp.asksBySoap(await nameOf(one.session))
    const whole = await soap('/saml/slo/soap', asked.body)
    expect([whole.status, idp.answeredBySoap(await whole.text(), asked.id)]).toEqual([200, 'success'])
    expect([await isIn(one.session), firewall.soap.told.length]).toEqual([false, 1])

    // Signed in anew: what was there before the logout does not come back.
    const later = (xml: string) => xml.replace(/AuthnInstant="[^"]+"/, `AuthnInstant="${new Date().toISOString()}"`)
    const two = await ground.enter(idp.provider, { change: later })
    await balancer.enter(two.session)
    const again = await idp.asksBySoap(await nameOf(two.session))
    const part = await soap('/saml/slo/soap', again.body)
    expect(idp.answeredBySoap(await part.text(), again.id)).toBe('partial')
    expect(last()?.detail).toContain('Balancer: not-signed-out (no-browser)')
    expect(await isIn(two.session)).toBe(false)
  })

  test('ends the sessions that it names, or all of the name', async () => {
    const idp = await provider('soap')
    const index = (value: string) => ({
      change: (xml: string) => xml.replace(/SessionIndex="[^"]*"/, `SessionIndex="${value}"`),
    })
    const sessions: string[] = []
    for (const value of ['one', 'two', 'three']) sessions.push((await ground.enter(idp.provider, index(value))).session)
    const other = await ground.enter(idp.provider, { nameId: 'bob@example.org' })
    const name = await nameOf(sessions[0] ?? '')
    const now = () => Promise.all([...sessions, other.session].map(isIn))
    await soap('/saml/slo/soap', (await idp.asksBySoap(name, { sessionIndexes: ['two', 'four'] })).body)
    expect(await now()).toEqual([true, false, true, true])
    await soap('/saml/slo/soap', (await idp.asksBySoap(name)).body)
    expect(await now()).toEqual([false, false, false, true])
  })

  test('succeeds when there is no such session any more', async () => {
    const idp = await provider('redirect', 'soap')
    const nobody = { value: 'nobody', format: 'urn:x', nameQualifier: '', spNameQualifier: '' }
    const { id, body } = await idp.asksBySoap(nobody)
    expect(idp.answeredBySoap(await (await soap('/saml/slo/soap', body)).text(), id)).toBe('success')
    const asked = await idp.asks(nobody)
    expect(idp.answered((await walk(asked.path, '')).location, asked.id).outcome).toBe('success')
  })
})

describe('a logout that a console asks for', () => {
  test('by redirect ends the session, tells other consoles and the provider, and is answered', async () => {
    const [idp, firewall, balancer] = [
      await provider('redirect'),
      await console('Firewall', 'redirect'),
      await console('Balancer', 'soap'),
    ]
    const { session } = await ground.enter(idp.provider)
    const name = await firewall.enter(session, '_one')
    await balancer.enter(session)
    const { id, path } = await firewall.asks(name, { sessionIndexes: ['_one'] }, 'state')
    const first = await walk(path, session)
    expect([await isIn(session), balancer.soap.told.length]).toEqual([false, 1])
    const { request, relayState } = await idp.received(first.location)
    const end = await walk(await idp.answers(request.id, relayState), first.cookie)
    expect(firewall.answered(end.location, id)).toMatchObject({ outcome: 'success', relayState: 'state' })
  })

  test('by SOAP tells the provider by SOAP, too', async () => {
    const [idp, firewall] = [await provider('redirect', 'soap'), await console('Firewall', 'soap')]
    const { session } = await ground.enter(idp.provider)
    const { id, body } = await firewall.asksBySoap(await firewall.enter(session))
    const answer = await soap('/saml/idp/slo/soap', body)
    expect([firewall.answeredBySoap(await answer.text(), id), idp.soap.told.length]).toEqual(['success', 1])
    expect(firewall.soap.told).toEqual([])
    expect(await isIn(session)).toBe(false)
  })

  test('does not end what another console signed in to', async () => {
    const [idp, firewall, balancer] = [
      await provider('soap'),
      await console('Firewall', 'soap'),
      await console('Balancer', 'soap'),
    ]
    const { session } = await ground.enter(idp.provider)
    const name = await firewall.enter(session)
    await soap('/saml/idp/slo/soap', (await balancer.asksBySoap(name)).body)
    expect(await isIn(session)).toBe(true)
  })
})

test('a logout may come as a form that another site posts', async () => {
  const [idp, firewall] = [await provider('soap'), await console('Firewall', 'redirect')]
  const { session } = await ground.enter(idp.provider)
  const { id, xml } = firewall.build(await firewall.enter(session), firewall.ours.sloUrl)
  const body = new URLSearchParams({
    SAMLRequest: Buffer.from(await signXml(xml, id, firewall.signer)).toString('base64'),
    RelayState: 'state',
  })
  const headers = { origin: firewall.entityId, 'sec-fetch-site': 'cross-site' }
  const answer = await fetch(`${ground.origin}/saml/idp/slo`, { method: 'POST', redirect: 'manual', body, headers })
  expect(firewall.answered(locationOf(answer), id)).toMatchObject({ outcome: 'success', relayState: 'state' })
  expect([await isIn(session), idp.soap.told.length]).toEqual([false, 1])
})

test('a logout that comes to no end is written down when it is over', async () => {
  const [idp, firewall] = [await provider('redirect'), await console('Firewall', 'redirect')]
  const { session } = await ground.enter(idp.provider)
  await firewall.enter(session)
  await walk((await signOut(session, true)).next, '')
  await ground.database.engine.query('UPDATE logout_run SET expires_at = now()')
  expect(await ground.federation.logout.expire()).toBeGreaterThan(0)
  const line = ground.audit.lines.findLast(({ detail }) => detail.startsWith('Firewall: not-signed-out (no-answer)'))
  expect(line).toMatchObject({ ...{ action: 'session.logout', actor: 'alice@example.org' }, reason: 'partial-logout' })
})

test('consoles are told of a session that is ended without its person', async () => {
  const [idp, firewall] = [await provider('soap'), await console('Firewall', 'soap')]
  const { session } = await ground.enter(idp.provider)
  const name = await firewall.enter(session)
  await ground.federation.logout.end(hashOf(session))
  expect([await isIn(session), firewall.soap.told, idp.soap.told]).toEqual([false, [name], []])
})

describe('refused, and no session ended:', () => {
  const refusedBySoap = async (
    body: string,
    session: string,
    status: number,
    reason: string,
    path = '/saml/slo/soap',
  ) => {
    const answer = await soap(path, body)
    const text = await answer.text()
    expect([answer.status, last()?.reason, last()?.outcome]).toEqual([status, reason, 'refused'])
    expect(text).toContain('The message was refused.')
    expect(await isIn(session)).toBe(true)
  }
  const refused = async (path: string, session: string, status: number, reason: string) => {
    const { answer } = await walk(path, session)
    expect([answer.status, last()?.reason, last()?.outcome]).toEqual([status, reason, 'refused'])
    expect(await answer.text()).toContain('Signing out did not work')
    expect(await isIn(session)).toBe(true)
  }
  const ready = async () => {
    const idp = await provider('redirect', 'soap')
    const { session } = await ground.enter(idp.provider)
    return { idp, session, name: await nameOf(session) }
  }

  test('an unsigned request', async () => {
    const { idp, session, name } = await ready()
    const { path } = await idp.asks(name)
    await refused(path.replace(/&SigAlg=.*/, ''), session, 403, 'unsigned')
    const { xml } = idp.build(name, idp.ours.sloSoapUrl)
    await refusedBySoap(wrapSoap(xml), session, 403, 'unsigned')
  })

  test('a query in another order, or changed', async () => {
    const { idp, session, name } = await ready()
    const { path } = await idp.asks(name, {}, 'state')
    const [base, query = ''] = path.split('?')
    const parts = query.split('&')
    await refused(`${base}?${[...parts.slice(1), parts[0]].join('&')}`, session, 400, 'query-order')
    await refused(path.replace('RelayState=state', 'RelayState=other'), session, 403, 'signature-invalid')
    await refused(path.replace('SAMLRequest=', 'SAMLRequest=x&SAMLRequest='), session, 400, 'duplicate-parameter')
  })

  test('a request that was here before', async () => {
    const { idp, session, name } = await ready()
    const gone = await ground.enter(idp.provider)
    const known = { sessionIndexes: ['_none'] }
    const byBrowser = await idp.asks(name, known)
    expect((await walk(byBrowser.path, gone.session)).answer.status).toBe(303)
    await refused(byBrowser.path, session, 403, 'replay')
    const { body } = await idp.asksBySoap(name, known)
    const answers = await Promise.all(Array.from({ length: 8 }, () => soap('/saml/slo/soap', body)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(403)])
    await refusedBySoap(body, session, 403, 'replay')
  })

  test('a name with a foreign qualifier or format', async () => {
    const { idp, session, name } = await ready()
    for (const foreign of [
      { ...name, nameQualifier: 'https://elsewhere.example.org' },
      { ...name, spNameQualifier: 'https://elsewhere.example.org' },
      { ...name, format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' },
    ]) {
      const { id, body } = await idp.asksBySoap(foreign)
      const answer = await soap('/saml/slo/soap', body)
      expect(idp.answeredBySoap(await answer.text(), id)).toBe('requester')
      expect([last()?.reason, last()?.outcome, await isIn(session)]).toEqual(['name-id', 'refused', true])
    }
  })

  test('another provider’s request, or one in another’s name', async () => {
    const { idp, session, name } = await ready()
    const other = await provider('redirect', 'soap')
    const { body } = await other.asksBySoap(name)
    expect((await soap('/saml/slo/soap', body)).status).toBe(200)
    expect(await isIn(session)).toBe(true)
    const { path } = await other.asks(name, { issuer: idp.entityId })
    await refused(path, session, 403, 'signature-invalid')
    const stranger = await other.asks(name, { issuer: 'https://nobody.example.org' })
    await refused(stranger.path, session, 403, 'unknown-provider')
  })

  test('what was sent to somebody else, or too late', async () => {
    const { idp, session, name } = await ready()
    const [elsewhere, late] = [
      { destination: 'https://elsewhere.example.org/slo' },
      { notOnOrAfter_ms: Date.now() - 120_000 },
    ]
    await refused((await idp.asks(name, elsewhere)).path, session, 403, 'destination')
    await refused((await idp.asks(name, late)).path, session, 403, 'expired')
    await refusedBySoap((await idp.asksBySoap(name, late)).body, session, 403, 'expired')
    const { path } = await idp.asks(name)
    await refused(path.replace('/saml/slo', '/saml/idp/slo'), session, 403, 'unknown-provider')
  })

  test('what is no message at all', async () => {
    const { session } = await ready()
    await refused('/saml/slo', session, 400, 'binding')
    await refusedBySoap('<x/>', session, 400, 'wrong-root')
    await refusedBySoap('', session, 400, 'not-xml')
    await refusedBySoap(`<!DOCTYPE x><x/>`, session, 400, 'doctype')
    await refusedBySoap('x'.repeat(700_000), session, 413, 'too-large')
    const answer = await soap('/saml/slo/soap', '{}', 'application/json')
    expect([answer.status, last()?.reason]).toEqual([415, 'binding'])
    expect((await ground.get('/saml/slo/soap')).status).toBe(405)
  })
})

test('whoever sends what is refused is not listened to any more after a while', async () => {
  const own = await startSignIn({ WEFT_FEDERATED_TRIES_PER_ADDRESS: '3' })
  try {
    const send = (path: string) =>
      fetch(own.origin + path, { method: 'POST', body: '<x/>', headers: { 'content-type': 'text/xml' } })
    const statuses: number[] = []
    for (const path of ['/saml/slo/soap', '/saml/idp/slo/soap', '/saml/slo/soap', '/saml/slo/soap'])
      statuses.push((await send(path)).status)
    expect(statuses).toEqual([400, 400, 400, 429])
    expect((await own.get('/saml/slo')).status).toBe(429)
    expect(own.audit.lines).toHaveLength(4)
    expect(own.audit.lines.at(-1)).toMatchObject({ action: 'limit.reached', reason: 'logout' })
  } finally {
    await own.close()
  }
})
