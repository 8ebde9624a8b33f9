import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiAt } from './api.ts'
import { launchBrowser, openLocalAccount, openPage, signIn } from './browser.ts'
import { type RunningWeft, startWeft } from './weft.ts'

let weft: RunningWeft
let browser: Browser
beforeAll(async () => {
  weft = await startWeft('ntc', { lab: false })
  browser = await launchBrowser()
  // Its person has been here with this browser, and knows what happened until now.
  const { page, context } = await openPage(browser, weft.address)
  await signIn(page, 'admin', weft.password)
  await context.close()
  await weft.cli('notice', 'read-all')
})
afterAll(async () => {
  await browser?.close()
  await weft?.stop()
})

const unread = async () => {
  const { items } = JSON.parse(await weft.cli('notice', 'list', '--filter', 'state:eq:unread', '-o', 'json'))
  return (items as { title: string }[]).map(({ title }) => title)
}

test('somebody whose password was tried sees so after sign-in, looks into it, and has read it', async () => {
  const { page, context, complaints } = await openPage(browser, weft.address)
  await page.goto('/sign-in')
  await openLocalAccount(page)
  await page.getByLabel('Name').fill('admin')
  for (const guess of ['winter-2026', 'winter-2027', 'winter-2028']) {
    await page.getByLabel('Password', { exact: true }).fill(guess)
    const answered = page.waitForResponse((one) => one.url().endsWith('/api/v1/session'))
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    expect((await answered).status()).toBe(401)
  }
  const refusals = complaints.splice(0)
  expect(refusals).toHaveLength(3)
  await signIn(page, 'admin', weft.password)
  const panel = page.getByRole('status').filter({ hasText: '3 tries to sign in as you failed' })
  await panel.getByText('By password. From 127.0.0.1.').waitFor()
  await page.getByRole('button', { name: '1 unread notice' }).waitFor()
  await panel.getByRole('link', { name: 'Read the notice' }).click()
  await page.getByRole('heading', { name: 'Notices' }).waitFor()
  await page.getByText('Was one of these not you?').waitFor()
  expect(await page.getByRole('link', { name: 'Change your password' }).getAttribute('href')).toBe(
    '/settings#h-password',
  )
  await page.getByRole('button', { name: 'Mark as read: 3 tries to sign in as you failed' }).click()
  await page.getByText('Was one of these not you?').waitFor({ state: 'hidden' })
  await page.getByText('3 tries to sign in as you failed').waitFor()
  expect(await page.getByRole('button', { name: 'unread notice' }).count()).toBe(0)

  // What happens meanwhile is told at once, on whatever page they are: here a sign-in from somewhere new.
  const listening = page.waitForResponse((one) => one.url().endsWith('/events'))
  await page.goto('/settings/sessions')
  await listening
  const elsewhere = { body: { name: 'admin', password: weft.password }, headers: { 'user-agent': 'curl/8.5.0' } }
  expect((await apiAt(weft.address).ask('POST', '/session', elsewhere)).status).toBe(201)
  const news = page.getByRole('status').filter({ hasText: 'You signed in from somewhere new' })
  await news.getByText('With curl, by password. From 127.0.0.1.').waitFor()
  expect(await unread()).toEqual(['You signed in from somewhere new'])
  await news.getByRole('button', { name: 'Mark as read' }).click()
  await news.waitFor({ state: 'hidden' })
  expect(await unread()).toEqual([])
  expect(complaints).toEqual([])
  await context.close()
})

test('whoever is told does not miss a new password', async () => {
  await weft.cli('notice', 'read-all')
  const { page, context, complaints } = await openPage(browser, weft.address)
  await signIn(page, 'admin', weft.password)
  await page.goto('/settings')
  await page.getByLabel('Current password').fill(weft.password)
  await page.getByLabel('New password', { exact: true }).fill('seventeen herons at dusk')
  await page.getByLabel('New password again').fill('seventeen herons at dusk')
  await page.getByRole('button', { name: 'Change password' }).click()
  const panel = page.getByRole('status').filter({ hasText: 'Your password was changed' })
  await panel.getByText('Your other sessions ended.').waitFor()
  await panel.getByRole('button', { name: 'Later' }).click()
  await panel.waitFor({ state: 'hidden' })
  await page.getByRole('button', { name: '1 unread notice' }).waitFor()
  expect(complaints).toEqual([])
  await context.close()
})
