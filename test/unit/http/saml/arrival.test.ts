import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Arrival } from '#server/contract/federation.ts'
import { buildLogoutRequest } from '#server/identity/saml/logout.ts'
import { newId } from '#server/identity/saml/message.ts'
import { NAME_ID } from '#server/identity/saml/names.ts'
import { signXml } from '#server/identity/saml/sign.ts'
import { wrapSoap } from '#server/identity/saml/soap.ts'
import { signerOf } from '../../identity/saml/credentials.ts'
import { addOidcProvider } from '../oidc/ground.ts'
import { startFakeProvider } from '../oidc/provider.ts'
import { member, operator, type Provider, type SignInGround, startSignIn } from './ground.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

/** Nobody gets a session for something that began elsewhere, before they have said here that they want one. */

let ground: SignInGround
beforeAll(async () => {
  ground = await startSignIn({ WEFT_METADATA_PRIVATE: 'true' })
}, 60_000)
afterAll(() => ground?.close())

const last = () => ground.audit.lines.at(-1)
const sessionOf = (answer: Response) => ground.cookieOf(answer, /^__Host-weft=/)

/** Somebody whom a provider sent by itself. */
async function arrive(idp: Provider, relayState = '/networks', headers: Record<string, string> = {}) {
  const answer = await ground.post({ SAMLResponse: await ground.respond(idp), RelayState: relayState }, headers)
  return { answer, ...ground.keptBy(answer) }
}
const look = async (id: string, cookie: string) => {
  const answer = await ground.get(`/api/v1/sign-in/arrival?id=${id}`, { cookie })
  return answer.ok ? ((await answer.json()) as Arrival) : answer.status
}
const expectRefused = (answer: Response, reason: string) =>
  expect([answer.status, sessionOf(answer), last()?.reason]).toEqual([403, '', reason])
const set = (id: string, change: string, value: unknown) =>
  ground.database.engine.query(`UPDATE identity_provider SET ${change} = $2 WHERE id = $1`, [id, value])

describe('who began at the provider', () => {
  test('gets no session, but a page that says who wants to come in', async () => {
    const idp = await ground.provider()
    const { answer, id, cookie } = await arrive(idp)
    expect([answer.status, sessionOf(answer), id.length]).toEqual([303, '', 43])
    expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-weft-login=.*SameSite=None$/)])
    expect(await look(id, cookie)).toMatchObject({
      ...{ provider: idp.name, name: 'alice@example.org', present: null, returnTo: '/networks' },
    })
    expect(last()).toMatchObject({ action: 'signIn.arrival', outcome: 'done', actor: 'alice@example.org' })
    const { rows } = await ground.database.engine.query('SELECT hash FROM arrival')
    expect(JSON.stringify(rows)).not.toContain(id)
  })

  test('comes in once they say so, in this browser, and is in the list of the provider’s sessions', async () => {
    const idp = await ground.provider()
    const { id, cookie } = await arrive(idp)
    const answer = await ground.atTheDoor(id, 'continue', { cookie })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/networks'])
    expect(await ground.whoIs(sessionOf(answer))).toMatchObject({ name: 'alice@example.org', role: 'tenant-member' })
    expect(last()).toMatchObject({ action: 'signIn.saml', outcome: 'done', actor: 'alice@example.org' })
    const caller = await ground.sessions.find(sessionOf(answer).split('=')[1] ?? '')
    expect(await ground.federation.samlSessions.ofSession(caller?.session ?? '')).toMatchObject({
      ...{ providerId: idp.id, sessionIndex: '_session-1' },
    })
    expect(caller?.authenticatedAt_ms).toBeLessThan(Date.now() - 4000)
  })

  test('is told whose session would end, and ends it only by going on', async () => {
    const idp = await ground.provider()
    const other = await ground.provider()
    const { session } = await ground.enter(other)
    const { id, cookie } = await arrive(idp)
    const both = `${cookie}; ${session}`
    expect(await look(id, both)).toMatchObject({ present: { name: 'alice@example.org', same: false } })
    expect(await ground.whoIs(session)).toBeDefined()
    await ground.atTheDoor(id, 'continue', { cookie: both })
    expect(await ground.whoIs(session)).toBeUndefined()
  })

  test('who was signed in already hears that it is their own session', async () => {
    const idp = await ground.provider()
    const { session } = await ground.enter(idp)
    const { id, cookie } = await arrive(idp)
    expect(await look(id, `${cookie}; ${session}`)).toMatchObject({ present: { same: true } })
  })

  test('and says that it is not them gets nothing, leaves a line, and the session that is there goes on', async () => {
    const [idp, other] = [await ground.provider(), await ground.provider()]
    const { session } = await ground.enter(other)
    const { id, cookie } = await arrive(idp)
    const answer = await ground.atTheDoor(id, 'not-me', { cookie: `${cookie}; ${session}` })
    expect([answer.status, answer.headers.get('location'), sessionOf(answer)]).toEqual([
      ...[303, '/sign-in?next=%2Fnetworks', ''],
    ])
    expect(last()).toMatchObject({ action: 'signIn.arrival', outcome: 'refused', reason: 'not-me', provider: idp.name })
    expect(await ground.whoIs(session)).toBeDefined()
    expectRefused(await ground.atTheDoor(id, 'continue', { cookie }), 'arrival')
  })
})

describe('an arrival is refused', () => {
  test('a second time', async () => {
    const { id, cookie } = await arrive(await ground.provider())
    expect((await ground.atTheDoor(id, 'continue', { cookie })).status).toBe(303)
    expectRefused(await ground.atTheDoor(id, 'continue', { cookie }), 'arrival')
    expect(await look(id, cookie)).toBe(404)
  })

  test('seven times of eight when it is answered eight times at once', async () => {
    const { id, cookie } = await arrive(await ground.provider())
    const answers = await Promise.all(Array.from({ length: 8 }, () => ground.atTheDoor(id, 'continue', { cookie })))
    expect(answers.filter((answer) => sessionOf(answer) !== '')).toHaveLength(1)
  })

  test('in another browser, without one, and by an id that nobody gave', async () => {
    const idp = await ground.provider()
    const [one, other] = [await arrive(idp), await arrive(idp)]
    for (const cookie of [other.cookie, '']) {
      expect(await look(one.id, cookie)).toBe(404)
      expectRefused(await ground.atTheDoor(one.id, 'continue', { cookie }), 'browser')
    }
    for (const id of ['', 'guessed', 'A'.repeat(43)])
      expectRefused(await ground.atTheDoor(id, 'continue', { cookie: one.cookie }), 'arrival')
    expect((await ground.atTheDoor(one.id, 'continue', { cookie: one.cookie })).status).toBe(303)
  })

  test('that a page of another site posts, before anything is looked at', async () => {
    const { id, cookie } = await arrive(await ground.provider())
    const foreign: Record<string, string>[] = [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]
    for (const headers of foreign)
      expect((await ground.atTheDoor(id, 'continue', { cookie, ...headers })).status).toBe(403)
    expect((await ground.atTheDoor(id, 'continue', { cookie })).status).toBe(303)
  })

  test('once it is too old', async () => {
    const { id, cookie } = await arrive(await ground.provider())
    await ground.database.engine.query(`UPDATE arrival SET expires_at = now() - interval '1 second'`)
    expect(await look(id, cookie)).toBe(404)
    expectRefused(await ground.atTheDoor(id, 'continue', { cookie }), 'arrival')
    await ground.federation.requests.prune(Date.now())
    const { rowCount } = await ground.database.engine.query('SELECT 1 FROM arrival')
    expect(rowCount).toBe(0)
  })

  test.each<[string, (idp: Provider) => Promise<unknown>, string]>([
    ['closed', ({ id }) => set(id, 'state', 'closed'), 'provider-closed'],
    ['not to begin sign-ins any more', ({ id }) => set(id, 'options', '{"allowUnsolicited":false}'), 'unsolicited'],
    ['left without rules', ({ id }) => set(id, 'rules', '[]'), 'no-role'],
    [
      'given a rule that keeps them out',
      ({ id }) => set(id, 'rules', JSON.stringify([member, { when: [], then: { give: 'nothing' } }])),
      'kept-out',
    ],
    [
      'there no more for that account',
      ({ id }) => ground.database.engine.query(`UPDATE account SET state = 'disabled' WHERE provider_id = $1`, [id]),
      'account-disabled',
    ],
  ])('where the provider was %s meanwhile', async (_what, change, reason) => {
    const idp = await ground.provider()
    const { id, cookie } = await arrive(idp)
    await change(idp)
    expectRefused(await ground.atTheDoor(id, 'continue', { cookie }), reason)
    expect(last()).toMatchObject({ action: 'signIn.saml', outcome: 'refused', provider: idp.name })
  })

  test('that proved less than the installation asks for, before anybody is kept at the door', async () => {
    const strict = await startSignIn({ WEFT_SECOND_FACTOR: 'required' })
    onTestFinished(() => strict.close())
    const idp = await strict.provider()
    const answer = await strict.post({ SAMLResponse: await strict.respond(idp) })
    expect([answer.status, strict.audit.lines.at(-1)?.reason]).toEqual([403, 'second-factor'])
    const declared = await strict.provider({ options: { secondFactor: 'required' } })
    const arrived = strict.keptBy(await strict.post({ SAMLResponse: await strict.respond(declared) }))
    await strict.database.engine.query(`UPDATE identity_provider SET options = '{}' WHERE id = $1`, [declared.id])
    const late = await strict.atTheDoor(arrived.id, 'continue', { cookie: arrived.cookie })
    expect([late.status, strict.audit.lines.at(-1)?.reason]).toEqual([403, 'second-factor'])
  })

  test('never with the rights of before: those that the rules give now count', async () => {
    const idp = await ground.provider({ tenantId: null, rules: [operator] })
    const { id, cookie } = await arrive(idp)
    await set(idp.id, 'rules', JSON.stringify([{ when: [], then: { give: 'role', role: 'auditor' } }]))
    const answer = await ground.atTheDoor(id, 'continue', { cookie })
    expect(await ground.whoIs(sessionOf(answer))).toMatchObject({ role: 'auditor' })
  })
})

describe('who was sent by a page of another site', () => {
  const elsewhere = { 'sec-fetch-site': 'cross-site' }

  test('to a SAML provider that knows them is asked first', async () => {
    const idp = await ground.provider({ options: { allowUnsolicited: false } })
    const { answer } = await ground.enter(idp, {}, '&returnTo=/changes', elsewhere)
    const { id, cookie } = ground.keptBy(answer)
    expect(sessionOf(answer)).toBe('')
    const entered = await ground.atTheDoor(id, 'continue', { cookie })
    expect([entered.status, entered.headers.get('location')]).toEqual([303, '/changes'])
    expect(await ground.whoIs(sessionOf(entered))).toBeDefined()
  })

  test('and was signed in here as the same person is not', async () => {
    const [idp, other] = [await ground.provider(), await ground.provider()]
    const { session } = await ground.enter(idp)
    const again = await ground.enter(idp, {}, '', { cookie: session, ...elsewhere })
    expect(await ground.whoIs(again.session)).toBeDefined()
    const changed = await ground.enter(other, {}, '', { cookie: again.session, ...elsewhere })
    expect(changed.session).toBe('')
    expect(await ground.whoIs(again.session)).toBeDefined()
  })

  test('to an OpenID Connect provider is asked first, and is gone from the door when it ends their session', async () => {
    const fake = await startFakeProvider()
    const idp = await addOidcProvider(ground, fake)
    const send = async () => {
      const out = await ground.get(`/oidc/login?idp=${idp.name}&returnTo=/changes`, elsewhere)
      const query = fake.authorize(out.headers.get('location') ?? '', { sid: 's-1' })
      const answer = await ground.get(`/oidc/callback?${query}`, { cookie: ground.cookieOf(out, /^__Host-weft-login/) })
      expect(sessionOf(answer)).toBe('')
      return ground.keptBy(answer)
    }
    const one = await send()
    const entered = await ground.atTheDoor(one.id, 'continue', { cookie: one.cookie })
    expect(await ground.whoIs(sessionOf(entered))).toMatchObject({ name: 'alice' })
    const caller = await ground.sessions.find(sessionOf(entered).split('=')[1] ?? '')
    expect(await ground.federation.oidc.logout.endSessionUrl(caller?.session ?? '')).toContain('id_token_hint=ey')
    const two = await send()
    const told = await fetch(`${ground.origin}/oidc/backchannel-logout`, {
      ...{ method: 'POST', body: new URLSearchParams({ logout_token: await fake.logoutToken({ sid: 's-1' }) }) },
    })
    expect(told.status).toBe(200)
    expectRefused(await ground.atTheDoor(two.id, 'continue', { cookie: two.cookie }), 'arrival')
    await fake.halt()
  })
})

describe('what the provider logged out meanwhile', () => {
  const logOut = async (idp: Provider, sessionIndexes: readonly string[]) => {
    const [id, destination] = [newId(), `${ground.origin}/saml/slo/soap`]
    const nameId = {
      ...{ value: 'alice@example.org', format: NAME_ID.persistent },
      ...{ nameQualifier: idp.issuer, spNameQualifier: `${ground.origin}/saml/metadata` },
    }
    const xml = buildLogoutRequest({
      ...{ id, issuer: idp.issuer, destination, issueInstant_ms: Date.now(), nameId, sessionIndexes },
      notOnOrAfter_ms: Date.now() + 60_000,
    })
    const answer = await fetch(destination, {
      ...{ method: 'POST', body: wrapSoap(await signXml(xml, id, signerOf(idp.key))) },
      headers: { 'content-type': 'text/xml' },
    })
    expect(answer.status).toBe(200)
  }

  test('does not come in by an assertion of that session that was on its way', async () => {
    const idp = await ground.provider()
    await logOut(idp, ['_session-1'])
    expectRefused((await ground.enter(idp)).answer, 'logged-out')
    const another = (xml: string) => xml.replace('"_session-1"', '"_session-2"')
    expect((await ground.enter(idp, { change: another })).session).not.toBe('')
  })

  test('without an index is all that began before, and nothing that began since', async () => {
    const idp = await ground.provider()
    await logOut(idp, [])
    expectRefused((await ground.enter(idp)).answer, 'logged-out')
    const later = (xml: string) =>
      xml.replace(/AuthnInstant="[^"]+"/, `AuthnInstant="${new Date(Date.now() + 2000).toISOString()}"`)
    expect((await ground.enter(idp, { change: later })).session).not.toBe('')
  })

  test('does not come in from the door either, nor is it somebody else’s', async () => {
    const [idp, other] = [await ground.provider(), await ground.provider()]
    const [one, two] = [await arrive(idp), await arrive(other)]
    await logOut(idp, ['_session-1'])
    expectRefused(await ground.atTheDoor(one.id, 'continue', { cookie: one.cookie }), 'logged-out')
    expect((await ground.atTheDoor(two.id, 'continue', { cookie: two.cookie })).status).toBe(303)
  })
})
