import { type Browser, chromium, type Page } from 'playwright-core'

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Debian's Chromium, headless. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS })

/** A fresh page whose script errors and refused resources are collected: a console that complains is broken. */
export async function openPage(
  browser: Browser,
  baseURL: string,
  options: { width?: number; height?: number; theme?: 'light' | 'dark' } = {},
) {
  const context = await browser.newContext({
    baseURL,
    viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
    colorScheme: options.theme ?? 'light',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('response', (response) => {
    if (response.status() >= 400)
      complaints.push(`${response.status()} ${response.request().method()} ${response.url()}`)
  })
  page.on('console', (message) => {
    // A refused request is told by its response, with its address.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  return { page, context, complaints }
}

/** From whom to ask to name and password, unless this browser was there the last time already. */
export async function openLocalAccount(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Use a local account' }).or(page.getByLabel('Name')).first().waitFor()
  if ((await page.getByLabel('Name').count()) === 0)
    await page.getByRole('button', { name: 'Use a local account' }).click()
}

/** Signs in through the form and waits for the overview. */
export async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.goto('/sign-in')
  await openLocalAccount(page)
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
}
