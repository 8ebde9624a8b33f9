import type { Page } from 'playwright-core'

/**
 * Signs in on SimpleSAMLphp's form once the page shows it; the browser then posts the response onwards by itself. Somebody
 * who is signed in there already passes without a form: do not call it then.
 */
export async function signInAtSimpleSaml(page: Page, user: string, password: string): Promise<void> {
  await page.locator('input[name="username"]').fill(user)
  await page.locator('input[name="password"]').fill(password)
  await page.locator('input[name="password"]').press('Enter')
}

/** Signs in on the form of the OpenID Connect provider. */
export async function signInAtOpenId(page: Page, user: string, password: string): Promise<void> {
  await page.getByRole('heading', { name: 'OpenID sign-in' }).waitFor()
  await page.getByLabel('Name').fill(user)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Confirms on the OpenID Connect provider's page that one wants to sign out there. */
export async function confirmOpenIdLogout(page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'OpenID sign-out' }).waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
}

/** Signs in on the form of the provider that runs on lasso. */
export async function signInAtLasso(page: Page, user: string, password: string): Promise<void> {
  await page.getByRole('heading', { name: 'Lasso sign-in' }).waitFor()
  await page.getByLabel('Name').fill(user)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}
