import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startConsole } from '#test/unit/http/ground.ts'
import { launchBrowser, openPage } from './browser.ts'

/** The explorer needs no pages of Next: the engine alone serves it. */

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

/** The explorer in a browser; every address that it asks for. */
async function openExplorer(address: string, options: Parameters<typeof openPage>[2] = {}) {
  const opened = await openPage(browser, address, options)
  const asked: string[] = []
  opened.page.on('request', (request) => asked.push(request.url()))
  await opened.page.goto('/docs')
  await opened.page.locator('.opblock').first().waitFor()
  return { ...opened, asked }
}

const operation = (page: Page, path: string, method: string) =>
  page.locator(`.opblock-${method}`).filter({ has: page.locator(`[data-path="${path}"]`) })

describe('the explorer', () => {
  test('shows every procedure, asks nobody else for anything, and complains of nothing', async () => {
    const { origin } = await startConsole()
    const document = (await (await fetch(`${origin}/api/v1/openapi.json`)).json()) as { paths: Record<string, object> }
    const { page, context, asked, complaints } = await openExplorer(origin)
    const procedures = Object.values(document.paths).flatMap((path) => Object.keys(path)).length
    expect(procedures).toBeGreaterThan(80)
    const seen = new Set<string>()
    const readOn = async () => {
      const shown = await page.evaluate(`[...document.querySelectorAll('.opblock')].map(({ id }) => id)`)
      for (const id of shown as string[]) seen.add(id)
      await page.evaluate('scrollBy(0, 300)')
      return seen.size
    }
    // What is far from the window is not there: all of it is seen by scrolling.
    await expect.poll(readOn, { timeout: 20_000, interval: 10 }).toBe(procedures)
    await page.getByPlaceholder('Filter by tag').fill('networks')
    await operation(page, '/networks', 'post').locator('.opblock-summary-control').click()
    await page.getByText('Needs the right network.write').waitFor()
    expect(asked.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:'))).toEqual([])
    expect(complaints).toEqual([])
    await context.close()
  })

  test('tries a procedure as who is signed in, and as nobody else', async () => {
    const { origin, password } = await startConsole()
    const { page, context } = await openExplorer(origin)
    const session = operation(page, '/session', 'get')
    await session.locator('.opblock-summary-control').click()
    await session.getByRole('button', { name: 'Try it out' }).click()
    const answers = session.locator('.live-responses-table .response-col_status')
    await session.getByRole('button', { name: 'Execute' }).click()
    await answers.filter({ hasText: '401' }).waitFor()
    const body = JSON.stringify({ name: 'admin', password })
    const entered = await page.evaluate(`fetch('/api/v1/session', {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(body)},
    }).then(({ status }) => status)`)
    expect(entered).toBe(201)
    await session.getByRole('button', { name: 'Execute' }).click()
    await answers.filter({ hasText: '200' }).waitFor()
    expect(await session.locator('.live-responses-table').textContent()).toContain('"role": "operator"')
    await context.close()
  })

  test('is light and dark as the console, and fits a phone', async () => {
    const { origin } = await startConsole()
    for (const theme of ['light', 'dark'] as const) {
      const { page, context } = await openExplorer(origin, { theme, width: 390, height: 844 })
      const isDark = await page.evaluate(`document.documentElement.classList.contains('dark-mode')`)
      expect(isDark).toBe(theme === 'dark')
      const wide = (await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')) as number
      expect(wide).toBeLessThanOrEqual(0)
      await context.close()
    }
  })

  test('runs no code and reaches no address that is not this console’s, whoever puts it there', async () => {
    const { origin } = await startConsole()
    const { page, context } = await openExplorer(origin)
    const compiled = await page.evaluate(`(() => {
      const script = document.createElement('script')
      script.textContent = 'window.compiled = true'
      document.body.append(script)
      return window.compiled === true
    })()`)
    const reached = await page.evaluate(`fetch('https://proxy.example.org/').then(() => true, () => false)`)
    expect([compiled, reached]).toEqual([false, false])
    await context.close()
  })

  test('leads those without JavaScript to the document', async () => {
    const { origin } = await startConsole()
    const context = await browser.newContext({ baseURL: origin, javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto('/docs')
    await page.getByRole('main').getByRole('link', { name: 'openapi.json' }).click()
    expect(new URL(page.url()).pathname).toBe('/api/v1/openapi.json')
    await context.close()
  })
})
