import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { until } from '#server/lab/until.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** As wide as a desk and as a phone. */
export const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
] as const
export const THEMES = ['light', 'dark'] as const

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** What axe finds against WCAG 2.2 AA, as lines to read. */
export async function violations(page: Page): Promise<string[]> {
  // Evaluated by the debugger, so that the page's own policy on scripts stays as it is.
  await page.evaluate(AXE)
  const found = (await page.evaluate(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then((r) => r.violations)`,
  )) as Violation[]
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}

/** Until the data is there and no colour is on its way to another. */
export async function quiet(page: Page): Promise<void> {
  await until('the page’s data', async () => (await page.locator('.skeleton').count()) === 0)
  await until(
    'the transitions',
    () =>
      page.evaluate(
        `document.getAnimations().every((one) => !(one instanceof CSSTransition) || one.playState !== 'running')`,
      ) as Promise<boolean>,
  )
}
