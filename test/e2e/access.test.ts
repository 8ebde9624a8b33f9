import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, apiAt, makePerson, signIn as sessionOf } from './api.ts'
import { launchBrowser, openPage, signIn } from './browser.ts'
import { type RunningWeft, startWeft } from './weft.ts'

const PASSWORD = 'cactus-lantern-orbit-42'
/** What the engine answers when somebody has to prove anew who they are. */
const PROVE_IT = {
  status: 403,
  contentType: 'application/problem+json',
  body: JSON.stringify({
    ...{ type: 'about:blank', title: 'Prove it again', status: 403, detail: 'It was long ago.' },
    ...{ code: 'step-up-required', errors: [] },
  }),
}

let weft: RunningWeft
let browser: Browser
let api: Api
let page: Page

beforeAll(async () => {
  weft = await startWeft('acces')
  browser = await launchBrowser()
  api = apiAt(weft.address, await sessionOf(weft.address, 'admin', weft.password))
  await makePerson(api, weft.address, { name: 'ingrid', displayName: 'Ingrid Solheim', role: 'auditor' }, PASSWORD)
  page = (await openPage(browser, weft.address)).page
  await signIn(page, 'admin', weft.password)
}, 240_000)

afterAll(async () => {
  await browser?.close()
  await weft?.stop()
})

/** Metadata like any provider's: our own, under another name and without the signature that says ours. */
async function providerMetadata(): Promise<string> {
  const own = await (await fetch(`${weft.address}/saml/idp/metadata`)).text()
  return own
    .replace(/<ds:Signature[\s\S]*?<\/ds:Signature>/, '')
    .replace(/entityID="[^"]*"/, 'entityID="https://login.norrdata.example/idp"')
}

describe('access in the console', () => {
  test('a dangerous act asks who it is, and goes on by itself afterwards', async () => {
    await page.goto('/settings/roles')
    let calls = 0
    await page.route('**/api/v1/roles', (route) => {
      if (route.request().method() !== 'POST') return route.continue()
      calls += 1
      return calls === 1 ? route.fulfill(PROVE_IT) : route.continue()
    })
    await page.getByRole('button', { name: 'Make role' }).click()
    await page.getByLabel('Name', { exact: true }).fill('night-watch')
    await page.getByRole('checkbox', { name: /network\.read/ }).check()
    await page.getByRole('dialog').getByRole('button', { name: 'Make role' }).click()
    await page.getByRole('heading', { name: 'Is it still you?' }).waitFor()
    await page.getByLabel('Password', { exact: true }).fill('not the password')
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByText('The password does not fit.').waitFor()
    await page.getByLabel('Password', { exact: true }).fill(weft.password)
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByRole('heading', { name: 'night-watch' }).waitFor()
    expect(calls).toBe(2)
    await page.unroute('**/api/v1/roles')
  })

  test('a token is shown once, and works with its rights alone', async () => {
    await page.goto('/settings/tokens')
    await page.getByRole('button', { name: 'Make token' }).first().click()
    await page.getByLabel('Name', { exact: true }).fill('nightly')
    await page.getByRole('dialog').getByRole('button', { name: 'Make token' }).click()
    const token = (await page.locator('.copybox code').first().textContent()) ?? ''
    const scripted = apiAt(weft.address, token)
    expect((await scripted.ask('GET', '/networks')).status).toBe(200)
    expect((await scripted.ask('GET', '/users')).status).toBe(403)
    await page.keyboard.press('Escape')
    expect(await page.locator('.copybox').count(), 'it does not go away by accident').toBeGreaterThan(0)
    await page.getByText('I have put it where it belongs').click()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('cell', { name: 'nightly', exact: true }).waitFor()
    expect(await page.content()).not.toContain(token)
  })

  test('a provider is added from metadata, its rules are tried, and its people find it', async () => {
    await page.goto('/settings/identity-providers/new')
    await page.getByLabel('SAML metadata').fill(await providerMetadata())
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByLabel('Name', { exact: true }).fill('norrdata')
    await page.getByLabel(/E-mail domains/).fill('norrdata.example')
    await page.getByRole('button', { name: 'Add provider' }).click()
    await page.getByRole('button', { name: 'Add rule' }).click()
    await page.getByLabel('Attribute', { exact: true }).fill('groups')
    await page.getByLabel('Value', { exact: true }).fill('ops')
    await page.getByRole('button', { name: /Role/ }).last().click()
    await page.getByRole('option', { name: 'Auditor' }).click()
    await page.getByLabel('Attributes of somebody').fill('groups = ops')
    await page.getByText('Fits', { exact: true }).waitFor()
    await page.getByLabel('Attributes of somebody').fill('groups = guests')
    await page.getByText(/Gets nothing/).waitFor()
    await page.getByRole('button', { name: 'Save rules' }).click()
    await page.getByText('As they count now').waitFor()
    const stranger = (await openPage(browser, weft.address)).page
    await stranger.goto('/sign-in?next=/networks')
    await stranger.getByLabel('E-mail address or tenant').fill('ingrid@norrdata.example')
    await stranger.getByRole('button', { name: 'Continue', exact: true }).click()
    const link = stranger.getByRole('link', { name: /norrdata/ }).first()
    expect(await link.getAttribute('href')).toBe('/saml/login?idp=norrdata&returnTo=%2Fnetworks')
    await stranger.context().close()
  })

  test('whoever may not act reads which right it needs; whoever signs out is told so', async () => {
    const other = (await openPage(browser, weft.address)).page
    await signIn(other, 'ingrid', PASSWORD)
    await other.goto('/settings/users')
    const why = async () => {
      // From outside onto it, until the page is alive enough to notice.
      await other.mouse.move(0, 0)
      await other.getByRole('button', { name: 'Create account' }).hover()
      await other.getByRole('tooltip').waitFor({ timeout: 1000 })
      return other.getByRole('tooltip').textContent()
    }
    await expect.poll(() => why().catch(String), { timeout: 15_000 }).toContain('user.write')
    await other.getByRole('button', { name: /Ingrid Solheim/ }).click()
    await other.getByRole('menuitem', { name: 'Sign out' }).click()
    await other.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await other.getByRole('link', { name: 'Sign in again' }).click()
    await other.getByLabel('Password', { exact: true }).waitFor()
    await other.context().close()
  })
})
