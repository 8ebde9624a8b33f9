import { createPrivateKey } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { buildLogoutRequest } from '#server/identity/saml/logout.ts'
import { newId } from '#server/identity/saml/message.ts'
import { signRedirect } from '#server/identity/saml/redirect.ts'
import { consoleAdministration } from '#server/inventory/consoles.ts'
import { EVERYTHING } from '#server/inventory/database.ts'
import { member, type Provider, type SignInGround, startSignIn } from '#test/unit/http/saml/ground.ts'
import { signerOf } from '../../unit/identity/saml/credentials.ts'
import { type Browsing, comeIn, passSimpleSamlForm, startBrowsing } from './browsing.ts'
import { type LassoIdentityProvider, startLasso } from './lasso.ts'
import { type Mellon, startMellon } from './mellon.ts'
import { type IdentityProvider, NAME_ID_FORMATS, startIdentityProvider } from './simplesamlphp.ts'

/**
 * People sign out of everything at once, wherever they begin: at the console, at SimpleSAMLphp, at lasso, or at the
 * console of a VNF, which is mod_auth_mellon.
 */

let weft: SignInGround
let simple: IdentityProvider
let lasso: LassoIdentityProvider
let firewall: Mellon
let bySimple: Provider
let byLasso: Provider

beforeAll(async () => {
  // Peers of a tenant stand on this machine.
  weft = await startSignIn({ WEFT_METADATA_PRIVATE: 'true' })
  const [sp = '', idp = ''] = await Promise.all(
    ['/saml/metadata', '/saml/idp/metadata'].map(async (path) => (await weft.get(path)).text()),
  )
  simple = await startIdentityProvider({ name: 'one', serviceProviders: [sp] })
  lasso = await startLasso({ name: 'lasso', serviceProviders: [sp] })
  firewall = await startMellon({ name: 'fw', nameIdFormat: NAME_ID_FORMATS.persistent, identityProvider: idp })
  bySimple = await weft.provider({ issuer: simple.entityId, metadata: await simple.metadata(), rules: [member] })
  byLasso = await weft.provider({ issuer: lasso.entityId, metadata: await lasso.metadata(), rules: [member] })
  await consoleAdministration(weft.database).create(EVERYTHING, {
    ...{ id: uuidv7(), name: 'firewall', displayName: 'Firewall', tenantId: weft.tenant.id, homeUrl: null },
    ...{ entityId: firewall.entityId, metadata: await firewall.metadata(), release: [], encrypt: false },
  })
})
afterAll(async () => {
  for (const peer of [firewall, simple, lasso]) await peer?.stop()
  await weft?.close()
})
beforeEach(() => simple.configure({}))

const last = () => weft.audit.lines.at(-1)
const isIn = async (browsing: Browsing) => (await browsing.open(`${weft.origin}/api/v1/session`)).status === 200
const isInThere = async (browsing: Browsing) =>
  !(await browsing.open(simple.idpInitiatedUrl(`${weft.origin}/saml/metadata`))).html.includes('name="password"')
const isInConsole = async (browsing: Browsing) =>
  (await browsing.open(firewall.secretUrl, { stopAt: weft.origin })).status === 200

/** Signs alice in through SimpleSAMLphp. */
async function signIn(): Promise<Browsing> {
  const browsing = startBrowsing()
  const form = await browsing.open(`${weft.origin}/saml/login?idp=${bySimple.name}`)
  await browsing.submit(await passSimpleSamlForm(browsing, form, 'alice', 'alicepass'))
  expect(await isIn(browsing)).toBe(true)
  return browsing
}

/** … and goes on to the console of the VNF. */
async function signInToConsole(): Promise<Browsing> {
  const browsing = await signIn()
  await browsing.submit(await browsing.open(firewall.secretUrl))
  expect(await isInConsole(browsing)).toBe(true)
  return browsing
}

async function signInByLasso(): Promise<Browsing> {
  const browsing = startBrowsing()
  const { action, encoded } = await lasso.respond('alice', { serviceProvider: `${weft.origin}/saml/metadata` })
  await comeIn(browsing, await browsing.send(action, { SAMLResponse: encoded }))
  expect(await isIn(browsing)).toBe(true)
  return browsing
}

interface Said {
  readonly next: string
  readonly participants: readonly { readonly name: string; readonly outcome: string }[]
}

/** As the page's button does: the API is told, then the browser goes where it says. Answers where that ends. */
async function signOut(browsing: Browsing, everywhere = true): Promise<Said & { readonly end: URL }> {
  const answer = await fetch(`${weft.origin}/api/v1/session/logout`, {
    ...{ method: 'POST', body: JSON.stringify({ everywhere }) },
    headers: { 'content-type': 'application/json', cookie: browsing.cookieFor(weft.origin) },
  })
  expect(answer.status).toBe(200)
  const said = (await answer.json()) as Said
  return { ...said, end: new URL((await browsing.open(new URL(said.next, weft.origin).href)).url) }
}

const reported = ({ pathname, searchParams }: URL) => ({
  ...{ pathname, ended: searchParams.getAll('ended'), left: searchParams.getAll('left') },
})

describe('signing out at the console', () => {
  test('everywhere ends the session at SimpleSAMLphp, through the browser', async () => {
    const browsing = await signIn()
    const { end } = await signOut(browsing)
    expect(reported(end)).toEqual({ pathname: '/signed-out', ended: [bySimple.displayName], left: [] })
    expect([await isIn(browsing), await isInThere(browsing)]).toEqual([false, false])
  })

  test('here alone leaves SimpleSAMLphp as it is', async () => {
    const browsing = await signIn()
    const { end } = await signOut(browsing, false)
    expect(reported(end)).toEqual({ pathname: '/signed-out', ended: [], left: [] })
    expect([await isIn(browsing), await isInThere(browsing)]).toEqual([false, true])
  })

  test('everywhere ends the session at lasso, by SOAP', async () => {
    const browsing = await signInByLasso()
    const before = (await lasso.received()).length
    const { participants } = await signOut(browsing)
    expect(participants.map(({ outcome }) => outcome)).toEqual(['signed-out'])
    const received = (await lasso.received()).slice(before)
    expect(received).toEqual([{ from: `${weft.origin}/saml/metadata`, nameId: expect.any(String), user: 'alice' }])
  })

  test('everywhere ends the session of the VNF’s console by SOAP, and of the provider behind', async () => {
    const browsing = await signInToConsole()
    const { end, participants } = await signOut(browsing)
    expect(participants.map(({ outcome }) => outcome)).toEqual(['signed-out', 'waiting'])
    expect(reported(end)).toEqual({ pathname: '/signed-out', ended: ['Firewall', bySimple.displayName], left: [] })
    expect([await isIn(browsing), await isInConsole(browsing), await isInThere(browsing)]).toEqual([
      false,
      false,
      false,
    ])
  })

  test('says who was not told when providers and consoles are down', async () => {
    const browsing = await signInToConsole()
    await simple.halt()
    await firewall.halt()
    try {
      const { end } = await signOut(browsing)
      expect(reported(end)).toEqual({ pathname: '/signed-out', ended: [], left: ['Firewall', bySimple.displayName] })
      expect(await isIn(browsing)).toBe(false)
      expect(last()).toMatchObject({ action: 'session.logout', outcome: 'done', reason: 'partial-logout' })
      expect(last()?.detail).toContain('Firewall: not-signed-out (no-answer)')
    } finally {
      await simple.resume()
      await firewall.resume()
    }
  })
})

describe('signing out at SimpleSAMLphp', () => {
  test.each([
    ['in plain', false],
    ['encrypted', true],
  ])('ends the session here, the name %s, and that of the VNF’s console', async (_how, encryptNames) => {
    const browsing = await signInToConsole()
    simple.configure({ encryptNames })
    const bye = `${simple.origin}/?bye`
    expect((await browsing.open(simple.logoutUrl(bye), { stopAt: bye })).url).toBe(bye)
    expect([await isIn(browsing), await isInConsole(browsing), await isInThere(browsing)]).toEqual([
      false,
      false,
      false,
    ])
    expect(weft.audit.lines.find(({ detail }) => detail.includes('asked for it (redirect)'))).toMatchObject({
      ...{ action: 'session.logout', outcome: 'done', provider: bySimple.name, actor: 'alice' },
    })
  })

  test('leaves other people’s sessions alone', async () => {
    const [browsing, other] = [await signIn(), startBrowsing()]
    const form = await other.open(`${weft.origin}/saml/login?idp=${bySimple.name}`)
    await other.submit(await passSimpleSamlForm(other, form, 'bob', 'bobpass'))
    await browsing.open(simple.logoutUrl(`${simple.origin}/?bye`))
    expect([await isIn(browsing), await isIn(other)]).toEqual([false, true])
  })
})

test('lasso ends our session by SOAP, and takes our answer', async () => {
  const browsing = await signInByLasso()
  const { status, error } = await lasso.logOut('alice', `${weft.origin}/saml/metadata`)
  expect({ status, error }).toEqual({ status: 200, error: undefined })
  expect(await isIn(browsing)).toBe(false)
  expect(last()).toMatchObject({ action: 'session.logout', outcome: 'done', provider: byLasso.name })
})

test('lasso is told that it is done when there was nothing left to end', async () => {
  const browsing = await signInByLasso()
  await signOut(browsing, false)
  const { status, error } = await lasso.logOut('alice', `${weft.origin}/saml/metadata`)
  expect({ status, error }).toEqual({ status: 200, error: undefined })
})

test('signing out at the VNF’s console ends the session here and at SimpleSAMLphp', async () => {
  const browsing = await signInToConsole()
  const page = await browsing.open(firewall.logoutUrl())
  expect(page.url).toBe(`${firewall.origin}/`)
  expect([await isIn(browsing), await isInConsole(browsing), await isInThere(browsing)]).toEqual([false, false, false])
})

describe('a genuine logout request is refused, and ends no session,', () => {
  /** SimpleSAMLphp's own request, stopped on its way to us. */
  async function caught(): Promise<{ browsing: Browsing; url: string }> {
    const browsing = await signIn()
    const { url } = await browsing.open(simple.logoutUrl(), { stopAt: `${weft.origin}/saml/slo` })
    return { browsing, url }
  }
  const refused = async (browsing: Browsing, url: string, status: number, reason: string) => {
    const page = await browsing.open(url)
    expect([page.status, last()?.outcome, last()?.reason]).toEqual([status, 'refused', reason])
    expect(await isIn(browsing)).toBe(true)
  }

  test('without its signature, in another order, changed; then taken as it is, and refused again', async () => {
    const { browsing, url } = await caught()
    const [base, query = ''] = url.split('?')
    const parts = query.split('&')
    const swapped = [parts[1], parts[0], ...parts.slice(2)].join('&')
    await refused(browsing, url.replace(/&SigAlg=.*/, ''), 403, 'unsigned')
    await refused(browsing, `${base}?${swapped}`, 400, 'query-order')
    await refused(browsing, url.replace(/RelayState=[^&]*/, 'RelayState=elsewhere'), 403, 'signature-invalid')
    const taken = await browsing.open(url, { stopAt: simple.origin })
    expect([taken.url.startsWith(simple.singleLogoutUrl), await isIn(browsing)]).toEqual([true, false])
    const another = await signIn()
    await refused(another, url, 403, 'replay')
  })

  test('when its name has a foreign qualifier', async () => {
    const browsing = await signIn()
    const { rows } = await weft.database.engine.query<{ name: string }>(
      `SELECT m.name_id AS name FROM saml_session m JOIN session s ON s.hash = m.session_hash WHERE m.provider_id = $1
       ORDER BY s.created_at DESC LIMIT 1`,
      [bySimple.id],
    )
    const xml = buildLogoutRequest({
      ...{ id: newId(), issuer: simple.entityId, destination: `${weft.origin}/saml/slo`, issueInstant_ms: Date.now() },
      nameId: {
        ...{ value: rows[0]?.name ?? '', format: NAME_ID_FORMATS.persistent },
        ...{ nameQualifier: 'https://elsewhere.example.org', spNameQualifier: `${weft.origin}/saml/metadata` },
      },
      ...{ sessionIndexes: [], notOnOrAfter_ms: Date.now() + 60_000 },
    })
    const signer = signerOf({ privateKey: createPrivateKey(simple.signingKey()), certificate: simple.certificate() })
    const url = await signRedirect(`${weft.origin}/saml/slo`, { SAMLRequest: xml }, undefined, signer)
    await browsing.open(url, { stopAt: simple.origin })
    expect([last()?.outcome, last()?.reason, await isIn(browsing)]).toEqual(['refused', 'name-id', true])
  })
})
