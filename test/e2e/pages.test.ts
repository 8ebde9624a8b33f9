import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '#server/lab/until.ts'
import { launchBrowser, openPage, signIn } from './browser.ts'
import { type RunningWeft, startWeft } from './weft.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
] as const
const THEMES = ['light', 'dark'] as const

let weft: RunningWeft
let browser: Browser
let routes: string[]

/** The id of the first object of a list. */
async function firstId(noun: string): Promise<string> {
  const answer = JSON.parse(await weft.cli(noun, 'list', '-o', 'json')) as { items?: { id: string }[] }
  const [first] = answer.items ?? (answer as unknown as { id: string }[])
  if (!first) throw new Error(`there is no ${noun}`)
  return first.id
}

beforeAll(async () => {
  weft = await startWeft('pages', { bare: false })
  browser = await launchBrowser()
  await weft.cli('login', 'admin', '--password-file', `.weft/${weft.instance}/admin-password`)
  await until('the first network', async () => (await weft.cli('change', 'list')).includes('committed'), {
    deadline_ms: 30_000,
  })
  const [network, datapath] = [await firstId('network'), await firstId('datapath')]
  routes = [
    ...['/', '/networks', '/networks/new', '/changes', '/changes/C-1', '/datapaths', '/inventory', '/settings'],
    ...['/inventory/nics', '/inventory/attachments', '/inventory/tenants', '/settings/users', '/settings/audit'],
    ...[`/networks/${network}`, `/networks/${network}/edit`, `/datapaths/${datapath}`, '/no-such-page'],
  ]
}, 240_000)

afterAll(async () => {
  await browser?.close()
  await weft?.stop()
})

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** What axe finds against WCAG 2.2 AA, as lines to read. */
async function violations(page: Page): Promise<string[]> {
  // Evaluated by the debugger, so that the page's own policy on scripts stays as it is.
  await page.evaluate(AXE)
  const found = (await page.evaluate(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then((r) => r.violations)`,
  )) as Violation[]
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}

const quiet = (page: Page) => until('the page’s data', async () => (await page.locator('.skeleton').count()) === 0)

describe.each(THEMES)('in the %s theme', (theme) => {
  test.each(SIZES)('every page fits $width pixels and meets WCAG 2.2 AA', async (size) => {
    const { page, context, complaints } = await openPage(browser, weft.address, { ...size, theme })
    await signIn(page, 'admin', weft.password)
    const faults: string[] = []
    for (const route of routes) {
      await page.goto(route, { waitUntil: 'load' })
      await quiet(page)
      const wide = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
      if ((wide as number) > 0) faults.push(`${route} is ${wide} pixels too wide`)
      faults.push(...(await violations(page)).map((line) => `${route}: ${line}`))
    }
    await context.close()
    expect(faults).toEqual([])
    expect(complaints.filter((line) => !line.includes('/no-such-page'))).toEqual([])
  })
})
