import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { decodeJwt } from 'jose'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from '../../e2e/browser.ts'
import { confirmOpenIdLogout, signInAtLasso, signInAtOpenId, signInAtSimpleSaml } from '../../e2e/peers-browser.ts'
import { startLasso } from './lasso.ts'
import { identityShown, startMellon } from './mellon.ts'
import { startOpenIdProvider } from './oidc.ts'
import { startIdentityProvider } from './simplesamlphp.ts'

/** The forms of the sign-in peers, in Chromium, as the browser tests of the console pass them. */

const running: { stop(): Promise<void> }[] = []
async function keep<Peer extends { stop(): Promise<void> }>(starting: Promise<Peer>): Promise<Peer> {
  const peer = await starting
  running.push(peer)
  return peer
}

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser.close())
afterEach(async () => {
  await Promise.all(running.splice(0).map((peer) => peer.stop()))
})

const fresh = async (): Promise<Page> => (await browser.newContext()).newPage()

test('SimpleSAMLphp’s, and the way onwards to a service provider on another site', async () => {
  const provider = await keep(startIdentityProvider({ name: 'one', address: '127.0.0.11' }))
  const console_ = await keep(startMellon({ name: 'fw', identityProvider: await provider.metadata() }))
  provider.addServiceProvider(await console_.metadata())
  const page = await fresh()

  await page.goto(console_.secretUrl)
  expect(new URL(page.url()).hostname).toBe('127.0.0.11')
  await signInAtSimpleSaml(page, 'alice', 'alicepass')

  await page.getByRole('heading', { name: 'Firewall console' }).waitFor()
  expect(page.url()).toBe(console_.secretUrl)
  expect(identityShown(await page.content())).toMatchObject({ uid: 'alice', IDP: provider.entityId })

  await page.goto(console_.logoutUrl())
  await page.getByRole('heading', { name: 'Signed out' }).waitFor()
})

test('lasso’s', async () => {
  const provider = await keep(startLasso({ name: 'lasso' }))
  const console_ = await keep(startMellon({ name: 'fw', identityProvider: await provider.metadata() }))
  await provider.addServiceProvider(await console_.metadata())
  const page = await fresh()

  await page.goto(provider.idpInitiatedUrl(console_.entityId, console_.secretUrl))
  await signInAtLasso(page, 'bob', 'bobpass')

  await page.getByRole('heading', { name: 'Firewall console' }).waitFor()
  expect(identityShown(await page.content())).toMatchObject({ uid: 'bob', IDP: provider.entityId })
})

test('the OpenID Connect provider’s, which tells the client of a logout', async () => {
  const told: URLSearchParams[] = []
  const client = createServer(async (request, response) => {
    if (request.method === 'POST') told.push(new URLSearchParams(await text(request)))
    response.end('back')
  })
  await new Promise<void>((resolve) => client.listen(0, '127.0.0.1', resolve))
  running.push({ stop: async () => void client.close() })
  const origin = `http://127.0.0.1:${(client.address() as AddressInfo).port}`
  const redirectUri = `${origin}/oidc/callback`
  const provider = await keep(
    startOpenIdProvider({
      name: 'op',
      redirectUris: [redirectUri],
      postLogoutRedirectUris: [`${origin}/`],
      backChannelLogoutUri: `${origin}/oidc/logout`,
    }),
  )
  const { authorization_endpoint, token_endpoint, end_session_endpoint } = (await (
    await fetch(`${provider.issuer}/.well-known/openid-configuration`)
  ).json()) as Record<string, string>
  const verifier = randomBytes(32).toString('base64url')
  const asked = new URLSearchParams({
    client_id: provider.clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid email profile groups',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const page = await fresh()

  await page.goto(`${authorization_endpoint}?${asked}`)
  await signInAtOpenId(page, 'alice', 'alicepass')
  await page.waitForURL(`${redirectUri}?**`)

  const granted = await fetch(token_endpoint as string, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${provider.clientId}:${provider.clientSecret}`)}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: new URL(page.url()).searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
  })
  const { id_token } = (await granted.json()) as { id_token: string }
  expect(decodeJwt(id_token)).toMatchObject({
    iss: provider.issuer,
    sub: 'alice',
    email: 'alice@tenant-a.example',
    name: 'Alice Ödegård <&>',
    groups: ['noc-admins', 'tenant-a'],
  })

  const leaving = new URLSearchParams({ id_token_hint: id_token, post_logout_redirect_uri: `${origin}/` })
  await page.goto(`${end_session_endpoint}?${leaving}`)
  await confirmOpenIdLogout(page)
  await page.waitForURL(`${origin}/`)
  expect(decodeJwt(told[0]?.get('logout_token') ?? '')).toMatchObject({ sub: 'alice', aud: provider.clientId })
})
