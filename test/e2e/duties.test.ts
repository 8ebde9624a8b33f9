import { Secret, TOTP } from 'otpauth'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '#server/lab/until.ts'
import { launchBrowser, openLocalAccount, openPage } from './browser.ts'
import { quiet, SIZES, THEMES, violations } from './looks.ts'
import { type RunningWeft, startWeft } from './weft.ts'

/** An installation that asks for a second factor: from the first password to the console. */

let weft: RunningWeft
let browser: Browser
/** Passkeys belong to a name. */
let named: string

beforeAll(async () => {
  const environment = { WEFT_SECOND_FACTOR: 'required' }
  weft = await startWeft('owed', { lab: false, settled: false, environment })
  named = weft.address.replace('127.0.0.1', 'localhost')
  browser = await launchBrowser()
}, 240_000)

afterAll(async () => {
  await browser?.close()
  await weft?.stop()
})

/** A security key that its person touches at once. */
async function plugIn(context: BrowserContext, page: Page): Promise<void> {
  const devtools = await context.newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'usb', hasResidentKey: true, hasUserVerification: true },
      ...{ isUserVerified: true, automaticPresenceSimulation: true },
    },
  })
}

const heading = (page: Page, name: string) => page.getByRole('heading', { name }).waitFor()

async function signInAs(page: Page, name: string, password: string, at = '/sign-in'): Promise<void> {
  await page.goto(at)
  await openLocalAccount(page)
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

async function choose(page: Page, given: string, own: string): Promise<void> {
  await page.getByLabel('Password that you were given').fill(given)
  await page.getByLabel('New password', { exact: true }).fill(own)
  await page.getByLabel('New password again').fill(own)
  await page.getByRole('button', { name: 'Change password' }).click()
}

/** What is wrong with a page at each size and in each theme. */
async function faultsOf(page: Page): Promise<string[]> {
  const faults: string[] = []
  for (const colorScheme of THEMES)
    for (const size of SIZES) {
      await page.emulateMedia({ colorScheme })
      await until('the theme', () => page.evaluate(`document.documentElement.dataset.theme === '${colorScheme}'`))
      await page.setViewportSize(size)
      await quiet(page)
      const wide = (await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')) as number
      if (wide > 0) faults.push(`${wide} pixels too wide at ${size.width}`)
      faults.push(...(await violations(page)))
    }
  await page.setViewportSize(SIZES[0])
  return faults
}

describe('what a session owes, in the console', () => {
  test('is settled with an own password and a passkey, on the way to where one wanted to go', async () => {
    const { page, context, complaints } = await openPage(browser, named)
    await plugIn(context, page)
    await signInAs(page, 'admin', weft.firstPassword, '/sign-in?next=/settings/users')
    await heading(page, 'Choose your own password')
    expect(await faultsOf(page)).toEqual([])
    await choose(page, weft.firstPassword, weft.password)
    await heading(page, 'A second factor')
    expect(await faultsOf(page)).toEqual([])
    await page.goto('/networks')
    await heading(page, 'A second factor')
    await page.goto('/owed?next=/settings/users')
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByLabel('Name', { exact: true }).fill('key on my ring')
    await page.getByRole('button', { name: 'Add passkey' }).click()
    await page.getByRole('button', { name: 'Use your passkey' }).click()
    await page.waitForURL(/settings\/users$/)
    await page.getByRole('link', { name: 'admin', exact: true }).waitFor()
    // Nothing was asked of the API that a session that owes something may not ask.
    expect(complaints).toEqual([])

    await page.getByRole('button', { name: 'Create account' }).click()
    await page.getByLabel('Name', { exact: true }).fill('ida')
    await page.getByRole('dialog').getByRole('button', { name: 'Create account' }).click()
    await heading(page, 'First password of ida')
    const password = (await page.locator('.copybox code').first().textContent()) ?? ''
    expect(password).toMatch(/^(\w{4}-){4}\w{4}$/)
    await page.getByText('I have put it where it belongs').click()
    await page.getByRole('button', { name: 'Done' }).click()
    await theirs(password)
    await context.close()
  })
})

/** Another person, who settles it with an authenticator, and has to show a code from then on. */
async function theirs(first: string): Promise<void> {
  const { page, context } = await openPage(browser, named)
  await signInAs(page, 'ida', first)
  await heading(page, 'Choose your own password')
  await choose(page, first, 'seven herons over the marsh')
  await page.getByRole('button', { name: 'Use an authenticator' }).click()
  const secret = ((await page.locator('.copybox code').first().textContent()) ?? '').replaceAll(' ', '')
  expect(await faultsOf(page)).toEqual([])
  await page.getByRole('textbox', { name: 'Code' }).fill(new TOTP({ secret: Secret.fromBase32(secret) }).generate())
  await page.getByRole('button', { name: 'Ask for codes' }).click()
  await heading(page, 'Overview')
  await context.close()
}
