import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LassoIdentityProvider, startLasso } from '#test/peers/saml/lasso.ts'
import { type Mellon, startMellon } from '#test/peers/saml/mellon.ts'
import { NAME_ID_FORMATS } from '#test/peers/saml/simplesamlphp.ts'
import { until } from './api.ts'
import { signInAtLasso, signInAtSimpleSaml } from './peers-browser.ts'
import { startTwoProviders, type TwoProviders } from './two-providers.ts'

/**
 * With a browser: people reach the console of a VNF (mod_auth_mellon) through Weft, and Weft through SimpleSAMLphp or lasso;
 * wherever they sign out, they are signed out of everything.
 */

let house: TwoProviders
let firewall: Mellon
let lasso: LassoIdentityProvider

beforeAll(async () => {
  house = await startTwoProviders('slo')
  const { address } = house.weft
  const text = async (path: string) => (await fetch(`${address}${path}`)).text()
  const identityProvider = await text('/saml/idp/metadata')
  firewall = await startMellon({ name: 'slofw', nameIdFormat: NAME_ID_FORMATS.persistent, identityProvider })
  await house.weft.cli(
    ...['console', 'register', 'firewall', '--display-name', 'Firewall', '--home-url', firewall.secretUrl],
    ...['--metadata', await house.fileOf('firewall.xml', await firewall.metadata()), '--release', 'email'],
  )
  lasso = await startLasso({ name: 'slolasso', serviceProviders: [await text('/saml/metadata')] })
  // Lasso names people anew each time unless it is asked for names that last.
  const format = `nameIdFormat=${NAME_ID_FORMATS.persistent}`
  await house.importProvider('red', await lasso.metadata(), 'lasso-idp', '--options', format)
}, 240_000)
afterAll(async () => {
  for (const peer of [firewall, lasso]) await peer?.stop()
  await house?.stop()
})

async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Alice|alice/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click()
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
}

/** Whether SimpleSAMLphp still knows the person: then it asks for no password. */
async function isKnownUpstream(page: Page): Promise<boolean> {
  await page.goto('/saml/login?idp=red-idp')
  await page.waitForLoadState()
  return (await page.locator('input[name="password"]').count()) === 0
}

/** Opens the console of the firewall; answers where that ends. */
const openFirewall = async (page: Page) => {
  await page.goto(firewall.secretUrl)
  await page.waitForURL((url) => url.href === firewall.secretUrl || url.pathname.startsWith('/sign-in'))
  return page.url() === firewall.secretUrl
}

// Bob: mod_auth_mellon 0.18 ends one session of a name, whichever it finds first, so alice has one at a time.
test('the console of a VNF signs people in through Weft, which asks SimpleSAMLphp', async () => {
  const { page } = await house.person()
  await page.goto(firewall.secretUrl)
  await page.waitForURL(/\/sign-in/)
  await page.getByLabel('E-mail address or tenant').fill('bob@red.example')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('link', { name: 'Continue to red-idp' }).click()
  await signInAtSimpleSaml(page, 'bob', 'bobpass')
  await page.waitForURL(firewall.secretUrl)
  const shown = await page.content()
  expect(shown).toContain('bob@tenant-b.example')
  // Only what was released: neither the name nor the groups that SimpleSAMLphp told Weft.
  expect(shown).not.toContain('noc-readonly')
})

describe('signing out', () => {
  test('at Weft ends the session at SimpleSAMLphp and, by SOAP, at the firewall', async () => {
    const { page, enter, whoIs } = await house.person()
    await enter('alice')
    expect(await openFirewall(page)).toBe(true)
    await page.goto('/')
    await signOut(page)
    const ends = await page.locator('.ends li').allInnerTexts()
    expect(ends.map((line) => line.replace(/\s+/g, ' ')).sort()).toEqual(['Signed out Firewall', 'Signed out red-idp'])
    expect(await whoIs()).toBeUndefined()
    expect(await openFirewall(page)).toBe(false)
    expect(await isKnownUpstream(page)).toBe(false)
  })

  test('at SimpleSAMLphp ends the session here', async () => {
    const { page, enter, whoIs } = await house.person()
    await enter('alice')
    await page.goto(house.red.logoutUrl())
    await until('the session ends', async () => (await whoIs()) === undefined)
    await page.goto('/networks')
    await page.waitForURL(/\/sign-in/)
  })

  test('at the firewall ends all of it', async () => {
    const { page, enter, whoIs } = await house.person()
    await enter('alice')
    expect(await openFirewall(page)).toBe(true)
    await page.goto(firewall.logoutUrl())
    await until('the session ends', async () => (await whoIs()) === undefined)
    expect(await isKnownUpstream(page)).toBe(false)
  })

  test('at lasso ends the session here by SOAP, with the browser doing nothing', async () => {
    const { page, whoIs } = await house.person()
    await page.goto('/saml/login?idp=lasso-idp')
    await signInAtLasso(page, 'alice', 'alicepass')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    expect((await whoIs())?.name).toContain('alice')
    const told = await lasso.logOut('alice', `${house.weft.address}/saml/metadata`)
    expect(told).toMatchObject({ status: 200 })
    expect(told.error).toBeUndefined()
    expect(await whoIs()).toBeUndefined()
  })
})
