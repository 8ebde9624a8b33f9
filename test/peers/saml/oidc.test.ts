import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ProviderRecord, Rule } from '#server/identity/federation/ports.ts'
import { addOidcProvider } from '#test/unit/http/oidc/ground.ts'
import { member, type SignInGround, startSignIn } from '#test/unit/http/saml/ground.ts'
import { type Browsing, fieldsOf, type Page, startBrowsing } from './browsing.ts'
import { type OpenIdProvider, startOpenIdProvider } from './oidc.ts'

/** People sign in to the console through oidc-provider, with its form, its redirects and its tokens. */

let weft: SignInGround
let peer: OpenIdProvider
let idp: ProviderRecord

const administrator: Rule = {
  when: [{ attribute: 'groups', operator: 'is', value: 'noc-admins' }],
  then: { give: 'role', role: 'tenant-administrator' },
}
const SCOPES = ['email', 'profile', 'groups']

beforeAll(async () => {
  weft = await startSignIn({ WEFT_METADATA_PRIVATE: 'true' })
})
afterAll(() => weft?.close())
beforeEach(async () => {
  peer = await startOpenIdProvider({
    ...{ name: 'op', redirectUris: [`${weft.origin}/oidc/callback`] },
    postLogoutRedirectUris: [`${weft.origin}/sign-out`],
    backChannelLogoutUri: `${weft.origin}/oidc/backchannel-logout`,
  })
  idp = await addOidcProvider(weft, peer, { rules: [administrator, member], options: { scopes: SCOPES } })
})
afterEach(() => peer.stop())

const CALLBACK = () => `${weft.origin}/oidc/callback`
const reason = () => weft.audit.lines.at(-1)?.reason

/** Signs in at the provider where it asks for that. Stops where the browser would come back to the console. */
async function authenticate(browsing: Browsing, page: Page, person: string): Promise<Page> {
  return 'username' in fieldsOf(page.html)
    ? browsing.submit(page, { username: person, password: `${person}pass` }, { stopAt: CALLBACK() })
    : page
}
const setOut = (browsing: Browsing, query = '') =>
  browsing.open(`${weft.origin}/oidc/login?idp=${idp.name}${query}`, { stopAt: CALLBACK() })
/** The address with the provider's answer, not asked yet. */
const answerOf = async (browsing: Browsing, person = 'alice', query = ''): Promise<string> =>
  (await authenticate(browsing, await setOut(browsing, query), person)).url
const signIn = async (browsing: Browsing, person = 'alice', query = '') =>
  browsing.open(await answerOf(browsing, person, query))

const whoIs = async (browsing: Browsing) => {
  const { status, html } = await browsing.open(`${weft.origin}/api/v1/session`)
  return status === 200
    ? (JSON.parse(html) as { account: { name: string; displayName: string; role: string } }).account
    : undefined
}

describe('signing in through oidc-provider', () => {
  test('ends on the page that was asked for', async () => {
    const browsing = startBrowsing()
    const page = await signIn(browsing, 'alice', '&returnTo=/networks')
    expect(page.url).toBe(`${weft.origin}/networks`)
    expect(await whoIs(browsing)).toMatchObject({
      ...{ name: 'alice', displayName: 'Alice Ödegård <&>', role: 'tenant-administrator' },
    })
    expect(weft.audit.lines.at(-1)).toMatchObject({ action: 'signIn.oidc', outcome: 'done', provider: idp.name })
  })

  test('works where the user info alone says more', async () => {
    await peer.stop()
    peer = await startOpenIdProvider({ name: 'brief', redirectUris: [CALLBACK()], claimsInIdToken: false })
    const options = { scopes: SCOPES, userInfo: true }
    idp = await addOidcProvider(weft, peer, { rules: [administrator, member], options })
    const browsing = startBrowsing()
    await signIn(browsing, 'bob')
    expect(await whoIs(browsing)).toMatchObject({ name: 'bob', role: 'tenant-member' })
  })

  test('works at once after the provider changed its key', async () => {
    await signIn(startBrowsing())
    peer.rotateKey()
    const browsing = startBrowsing()
    await signIn(browsing)
    expect(await whoIs(browsing)).toMatchObject({ name: 'alice' })
  })

  test('is refused while the provider is down, and works again after', async () => {
    const browsing = startBrowsing()
    const answer = await answerOf(browsing)
    await peer.halt()
    expect([(await browsing.open(answer)).status, reason()]).toEqual([403, 'unreachable'])
    await peer.resume()
    await signIn(browsing)
    expect(await whoIs(browsing)).toMatchObject({ name: 'alice' })
  })

  test('makes it ask again for a step-up', async () => {
    const browsing = startBrowsing()
    await signIn(browsing)
    // Somebody who is signed in there sees no form, unless the request wants one.
    expect((await setOut(browsing)).url).toContain(CALLBACK())
    const asked = await setOut(browsing, '&purpose=step-up&returnTo=/settings')
    expect(asked.html).toContain('OpenID sign-in')
    const page = await browsing.open((await authenticate(browsing, asked, 'alice')).url)
    expect(page.url).toBe(`${weft.origin}/settings`)
    expect(weft.audit.lines.at(-1)).toMatchObject({ action: 'signIn.stepUp', outcome: 'done' })
  })
})

describe('a genuine answer is refused', () => {
  test('when it comes a second time', async () => {
    const browsing = startBrowsing()
    const answer = await answerOf(browsing)
    await browsing.open(answer)
    expect([(await browsing.open(answer)).status, reason()]).toEqual([403, 'state'])
  })

  test('when another browser brings it', async () => {
    const answer = await answerOf(startBrowsing())
    const other = startBrowsing()
    expect([(await other.open(answer)).status, reason(), await whoIs(other)]).toEqual([403, 'browser', undefined])
  })

  test('when its state is of another request', async () => {
    const browsing = startBrowsing()
    const [one, two] = [new URL(await answerOf(browsing)), new URL(await answerOf(browsing))]
    one.searchParams.set('state', two.searchParams.get('state') ?? '')
    // PKCE: the code was made for another challenge.
    expect([(await browsing.open(one.href)).status, reason()]).toEqual([403, 'token-response'])
  })

  test('when its code was used by another request', async () => {
    const browsing = startBrowsing()
    const [one, two] = [new URL(await answerOf(browsing)), new URL(await answerOf(browsing))]
    await browsing.open(one.href)
    two.searchParams.set('code', one.searchParams.get('code') ?? '')
    expect([(await browsing.open(two.href)).status, reason()]).toEqual([403, 'token-response'])
  })

  test('when it is for another nonce', async () => {
    const browsing = startBrowsing()
    const begun = await browsing.open(`${weft.origin}/oidc/login?idp=${idp.name}`, { stopAt: peer.issuer })
    const asked = new URL(begun.url)
    asked.searchParams.set('nonce', 'another')
    const page = await authenticate(browsing, await browsing.open(asked.href, { stopAt: CALLBACK() }), 'alice')
    expect([(await browsing.open(page.url)).status, reason()]).toEqual([403, 'nonce'])
  })

  test('when its person declined', async () => {
    const browsing = startBrowsing()
    const begun = await browsing.open(`${weft.origin}/oidc/login?idp=${idp.name}`, { stopAt: peer.issuer })
    const asked = new URL(begun.url)
    // It may not show its form, and nobody is signed in.
    asked.searchParams.set('prompt', 'none')
    const page = await browsing.open(asked.href, { stopAt: CALLBACK() })
    expect([(await browsing.open(page.url)).status, reason()]).toEqual([403, 'provider-error'])
  })

  test('seven times, when eight bring it at once', async () => {
    const browsing = startBrowsing()
    const answer = await answerOf(browsing)
    const pages = await Promise.all(Array.from({ length: 8 }, () => browsing.open(answer)))
    expect(pages.filter(({ status }) => status === 403)).toHaveLength(7)
    expect(await whoIs(browsing)).toMatchObject({ name: 'alice' })
  })
})

describe('logout', () => {
  test('at the provider ends the session here', async () => {
    const browsing = startBrowsing()
    await signIn(browsing)
    const other = startBrowsing()
    await signIn(other, 'bob')
    const page = await browsing.open(`${peer.issuer}/session/end`)
    await browsing.submit(page)
    await expect.poll(() => whoIs(browsing)).toBeUndefined()
    expect(await whoIs(other)).toMatchObject({ name: 'bob' })
    expect(weft.audit.lines.at(-1)).toMatchObject({ action: 'signIn.providerLogout', outcome: 'done' })
  })

  test('here goes on to the provider, which takes its person back', async () => {
    const browsing = startBrowsing()
    await signIn(browsing)
    const said = await fetch(`${weft.origin}/api/v1/session/logout`, {
      ...{ method: 'POST', body: '{"everywhere":true}' },
      headers: { 'content-type': 'application/json', cookie: browsing.cookieFor(weft.origin) },
    })
    const { next, participants } = (await said.json()) as { next: string; participants: { outcome: string }[] }
    expect(participants.map(({ outcome }) => outcome)).toEqual(['waiting'])
    expect(await whoIs(browsing)).toBeUndefined()
    const page = await browsing.submit(await browsing.open(weft.origin + next))
    expect(page.url).toBe(`${weft.origin}/signed-out?${new URLSearchParams({ ended: idp.displayName })}`)
    // Signed out there: it asks who it is.
    expect((await setOut(browsing)).html).toContain('OpenID sign-in')
  })
})
