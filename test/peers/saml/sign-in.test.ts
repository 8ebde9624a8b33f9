import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { member, type Provider, type SignInGround, startSignIn } from '#test/unit/http/saml/ground.ts'
import { type Browsing, comeIn, type Page, passSimpleSamlForm, postedMessage, startBrowsing } from './browsing.ts'
import { type IdentityProvider, startIdentityProvider } from './simplesamlphp.ts'

/** People sign in to the console through two SimpleSAMLphp providers, with forms, redirects and cookies as a browser has them. */

let weft: SignInGround
let one: IdentityProvider
let two: IdentityProvider
let first: Provider
let second: Provider

const administrator = {
  when: [{ attribute: 'groups', operator: 'is' as const, value: 'noc-admins' }],
  then: { give: 'role' as const, role: 'tenant-administrator' },
}

beforeAll(async () => {
  weft = await startSignIn()
  const metadata = await (await weft.get('/saml/metadata')).text()
  one = await startIdentityProvider({ name: 'one', serviceProviders: [metadata] })
  two = await startIdentityProvider({ name: 'two', serviceProviders: [metadata] })
  const add = async (peer: IdentityProvider) =>
    weft.provider({ issuer: peer.entityId, metadata: await peer.metadata(), rules: [administrator, member] })
  first = await add(one)
  second = await add(two)
})
afterAll(async () => {
  for (const peer of [one, two]) await peer?.stop()
  await weft?.close()
})
beforeEach(() => one.configure({}))

/** The page with the provider's answer, before it is posted. */
const answerOf = async (browsing: Browsing, idp: Provider, person = 'alice', query = ''): Promise<Page> =>
  passSimpleSamlForm(
    browsing,
    await browsing.open(`${weft.origin}/saml/login?idp=${idp.name}${query}`),
    person,
    `${person}pass`,
  )

const whoIs = async (browsing: Browsing) => {
  const { status, html } = await browsing.open(`${weft.origin}/api/v1/session`)
  return status === 200
    ? (JSON.parse(html) as { account: { name: string; displayName: string; role: string } }).account
    : undefined
}

describe('signing in through SimpleSAMLphp', () => {
  test('that began at the console ends on the page that was asked for', async () => {
    const browsing = startBrowsing()
    const page = await browsing.submit(await answerOf(browsing, first, 'alice', '&returnTo=/networks'))
    expect(page.url).toBe(`${weft.origin}/networks`)
    expect(await whoIs(browsing)).toMatchObject({
      ...{ name: 'alice', displayName: 'Alice Ödegård <&>', role: 'tenant-administrator' },
    })
    expect(weft.audit.lines.at(-1)).toMatchObject({ action: 'signIn.saml', outcome: 'done', provider: first.name })
  })

  test('that began at the provider ends on the page that it names', async () => {
    const browsing = startBrowsing()
    const form = await browsing.open(one.idpInitiatedUrl(`${weft.origin}/saml/metadata`, '/datapaths/7?tab=ports'))
    const arrived = await browsing.submit(await passSimpleSamlForm(browsing, form, 'bob', 'bobpass'))
    expect(await whoIs(browsing)).toBeUndefined()
    const page = await comeIn(browsing, arrived)
    expect(page.url).toBe(`${weft.origin}/datapaths/7?tab=ports`)
    expect(await whoIs(browsing)).toMatchObject({ name: 'bob', role: 'tenant-member' })
  })

  test.each([
    ['encrypted and signed twice', { encryptAssertions: true }],
    ['signed as an assertion alone', { signResponse: false }],
    ['signed as a response alone', { signAssertion: false }],
    ['with SHA-512', { signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512' }],
  ])('works %s', async (_how, options) => {
    one.configure(options)
    const browsing = startBrowsing()
    await browsing.submit(await answerOf(browsing, first))
    expect(await whoIs(browsing)).toMatchObject({ name: 'alice' })
  })

  test('brings back the same account each time, and another from another provider', async () => {
    for (const idp of [first, first, second]) {
      const browsing = startBrowsing()
      await browsing.submit(await answerOf(browsing, idp))
      expect(await whoIs(browsing)).toMatchObject({ name: 'alice' })
    }
    const { rows } = await weft.database.engine.query(
      `SELECT provider_id, count(*)::int FROM account WHERE name = 'alice' GROUP BY provider_id`,
    )
    expect(new Map(rows.map(({ provider_id, count }) => [provider_id, count]))).toEqual(
      new Map([
        [first.id, 1],
        [second.id, 1],
      ]),
    )
  })
})

describe('a genuine answer is refused', () => {
  const reason = () => weft.audit.lines.at(-1)?.reason

  test('when it comes a second time', async () => {
    const browsing = startBrowsing()
    const page = await answerOf(browsing, first)
    await browsing.submit(page)
    const again = await browsing.submit(page)
    expect([again.status, reason()]).toEqual([403, 'replay'])
  })

  test('when another browser brings it', async () => {
    const page = await answerOf(startBrowsing(), first)
    const other = startBrowsing()
    const answer = await other.submit(page)
    expect([answer.status, reason(), await whoIs(other)]).toEqual([403, 'browser', undefined])
  })

  test('when it answers what another provider was asked', async () => {
    const browsing = startBrowsing()
    const asked = await answerOf(browsing, second)
    const { relayState = '' } = postedMessage(asked)
    const page = await answerOf(browsing, first)
    const answer = await browsing.submit(page, { RelayState: relayState })
    expect([answer.status, reason()]).toEqual([400, 'relay-state'])
  })

  test('when the key is one that nobody was told of', async () => {
    await two.rotateKey()
    const browsing = startBrowsing()
    const answer = await browsing.submit(await answerOf(browsing, second))
    expect([answer.status, reason()]).toEqual([403, 'signature-key'])
  })
})

test('a step-up makes SimpleSAMLphp ask again', async () => {
  const browsing = startBrowsing()
  await browsing.submit(await answerOf(browsing, first))
  const before = (await whoIs(browsing))?.name
  // Somebody who is signed in there sees no form, unless the request wants one.
  const silent = await browsing.open(`${weft.origin}/saml/login?idp=${first.name}`)
  expect(silent.html).toContain('SAMLResponse')
  const asked = await browsing.open(`${weft.origin}/saml/login?idp=${first.name}&purpose=step-up&returnTo=/settings`)
  expect(asked.html).not.toContain('SAMLResponse')
  const page = await browsing.submit(await passSimpleSamlForm(browsing, asked, 'alice', 'alicepass'))
  expect([page.url, (await whoIs(browsing))?.name]).toEqual([`${weft.origin}/settings`, before])
  expect(weft.audit.lines.at(-1)).toMatchObject({ action: 'signIn.stepUp', outcome: 'done' })
})
