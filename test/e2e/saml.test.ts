import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditRecord } from '#server/contract/audit.ts'
import { signIn } from './browser.ts'
import { signInAtSimpleSaml } from './peers-browser.ts'
import { startTwoProviders, type TwoProviders } from './two-providers.ts'

/** People of two tenants sign in with a browser, each through their own provider, which a script set up. */

let house: TwoProviders
beforeAll(async () => {
  house = await startTwoProviders('saml')
}, 240_000)
afterAll(() => house?.stop())
beforeEach(() => house.red.configure({}))

const lastSignIns = async () =>
  (await house.admin.get<{ items: AuditRecord[] }>('/audit', { filter: 'action:eq:signIn.saml', limit: 5 })).items

/** The sign-in page leads to the provider of an address. */
async function toProvider(page: Page, address: string, provider: string): Promise<void> {
  await page.getByLabel('E-mail address or tenant').fill(address)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('link', { name: `Continue to ${provider}` }).click()
}

describe('a person of red', () => {
  test('signs in from the console’s own page, found by their address', async () => {
    const { page, whoIs, complaints } = await house.person()
    await page.goto('/networks')
    await page.waitForURL(/\/sign-in/)
    await toProvider(page, 'alice@red.example', 'red-idp')
    await signInAtSimpleSaml(page, 'alice', 'alicepass')
    await page.waitForURL(`${house.weft.address}/networks`)
    await page.getByRole('heading', { name: 'Networks' }).waitFor()
    const account = await whoIs()
    expect(account).toMatchObject({ name: 'alice', displayName: 'Alice Ödegård <&>', tenantName: 'red' })
    // What the last rule says, a tenant's provider cannot give.
    expect(account?.role).toBe('tenant-administrator')
    expect(complaints.filter((line) => !line.includes('401'))).toEqual([])
  })

  test('signs in from the provider once they say here that it is them, and lands on the page that it names', async () => {
    const { page, whoIs, complaints } = await house.person()
    await page.goto(house.red.idpInitiatedUrl(`${house.weft.address}/saml/metadata`, '/settings'))
    await signInAtSimpleSaml(page, 'bob', 'bobpass')
    await page.getByRole('heading', { name: /wants to sign in to Weft/ }).waitFor()
    expect(await whoIs()).toBeUndefined()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.waitForURL(`${house.weft.address}/settings`)
    expect(complaints.filter((line) => !line.includes('401'))).toEqual([])
    expect(await whoIs()).toMatchObject({ name: 'bob', role: 'tenant-member' })
  })

  test('who is signed in already is told whose session would end, and keeps it by saying that it is not them', async () => {
    const { page, enter, whoIs } = await house.person()
    await enter('alice')
    await page.goto(house.blue.idpInitiatedUrl(`${house.weft.address}/saml/metadata`, '/networks'))
    await signInAtSimpleSaml(page, 'bob', 'bobpass')
    await page.getByText('Alice Ödegård <&> is signed in here').waitFor()
    await page.getByRole('button', { name: 'Not me' }).click()
    await page.waitForURL(`${house.weft.address}/networks`)
    expect((await whoIs())?.name).toBe('alice')
  })

  test('signs in with an encrypted assertion', async () => {
    house.red.configure({ encryptAssertions: true })
    const { page, whoIs } = await house.person()
    await page.goto('/saml/login?idp=red-idp&returnTo=/changes')
    await signInAtSimpleSaml(page, 'alice', 'alicepass')
    await page.waitForURL(`${house.weft.address}/changes`)
    expect((await whoIs())?.name).toBe('alice')
  })

  test('who posts an answer again is told nothing, and gets no session', async () => {
    const { page, enter, whoIs } = await house.person()
    let posted = ''
    page.on('request', (request) => {
      if (request.url().endsWith('/saml/acs')) posted = request.postData() ?? ''
    })
    await enter('alice')
    expect((await whoIs())?.name).toBe('alice')
    const again = await fetch(`${house.weft.address}/saml/acs`, {
      ...{ method: 'POST', body: posted, redirect: 'manual' },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect([400, 403]).toContain(again.status)
    expect(again.headers.getSetCookie().filter((cookie) => /^__Host-weft-saml=./.test(cookie))).toEqual([])
    expect((await lastSignIns())[0]).toMatchObject({ outcome: 'refused', reason: expect.any(String) })
  })
})

test('people of two tenants are kept apart, each by their own provider', async () => {
  const [red, blue] = [await house.person(), await house.person()]
  await red.enter('alice', 'red')
  await blue.enter('alice', 'blue')
  const [inRed, inBlue] = [await red.whoIs(), await blue.whoIs()]
  expect([inRed?.tenantName, inBlue?.tenantName]).toEqual(['red', 'blue'])
  expect(inRed?.id).not.toBe(inBlue?.id)
  const seen = await red.context.request.get(`${house.weft.address}/api/v1/identity-providers`)
  expect(((await seen.json()) as { items: { name: string }[] }).items.map(({ name }) => name)).toEqual(['red-idp'])
})

test('a provider that is closed lets nobody in, and the other goes on', async () => {
  await house.weft.cli('identity-provider', 'set-state', 'blue-idp', 'closed')
  const { page, enter, whoIs } = await house.person()
  const refused = await page.goto('/saml/login?idp=blue-idp')
  expect(refused?.status()).toBeGreaterThanOrEqual(400)
  await enter('bob', 'red')
  expect((await whoIs())?.name).toBe('bob')
  await house.weft.cli('identity-provider', 'set-state', 'blue-idp', 'open')
})

describe('who sets a provider up', () => {
  test('tries a sign-in, and reads step by step what was checked and what the rules give', async () => {
    const { page, context } = await house.person()
    const { items } = await house.admin.get<{ items: { id: string }[] }>('/identity-providers', {
      filter: 'name:eq:red-idp',
    })
    await signIn(page, 'admin', house.weft.password)
    await page.goto(`/settings/identity-providers/${items[0]?.id}`)
    const opened = context.waitForEvent('page')
    await page.getByRole('button', { name: 'Begin', exact: true }).click()
    const trial = await opened
    await signInAtSimpleSaml(trial, 'bob', 'bobpass')
    const card = page.locator('section', { has: page.getByRole('heading', { name: 'Test sign-in' }) })
    for (const step of ['signature', 'audience', 'recipient']) await card.getByText(step).first().waitFor()
    await card
      .getByText(/tenant member/i)
      .first()
      .waitFor()
    // It was only tried: the browser is still the administrator's.
    expect(await page.evaluate(async () => (await (await fetch('/api/v1/session')).json()).account.name)).toBe('admin')
  })

  test('brings a new signing key, while people stay signed in and others go on signing in', async () => {
    const { whoIs, enter } = await house.person()
    await enter('alice')
    const metadata = async () => (await fetch(`${house.weft.address}/saml/metadata`)).text()
    for (const purpose of ['saml-signing', 'saml-encryption']) {
      const before = await metadata()
      await house.weft.cli('key', 'rotate', purpose, '--step', 'prepare')
      const announced = await metadata()
      expect(announced.match(/<ds:X509Certificate>/g)?.length).toBeGreaterThan(
        before.match(/<ds:X509Certificate>/g)?.length ?? 0,
      )
      for (const peer of [house.red, house.blue]) await peer.addServiceProvider(announced)
      await house.weft.cli('key', 'rotate', purpose, '--step', 'promote')
    }
    expect((await whoIs())?.name).toBe('alice')
    house.red.configure({ encryptAssertions: true })
    const other = await house.person()
    await other.enter('bob')
    expect((await other.whoIs())?.name).toBe('bob')
  })
})
