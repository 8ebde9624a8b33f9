import type { BreakGlassUse } from '#server/inventory/alerts.ts'
import { seesAll } from '#server/inventory/database.ts'
import { time } from './datapaths.ts'
import type { Notices } from './notices.ts'

/** How long a sign-in with a break-glass account is shown. */
const SHOWN_MS = 24 * 3_600_000

/** Sign-ins with break-glass accounts, for those who watch over the installation. */
export const breakGlassNotices =
  (uses: (since_ms: number) => Promise<BreakGlassUse[]>): Notices =>
  async ({ scope, rights }) => {
    if (!seesAll(scope) || !rights.has('audit.read')) return []
    return (await uses(Date.now() - SHOWN_MS)).map(({ name, address, times, last_ms }) => ({
      severity: 'bad',
      title: `${name} signed in with a break-glass account`,
      words: times === 1 ? `From ${address}.` : `${times} times in 24 hours, last from ${address}.`,
      since: time(last_ms),
      href: '/settings/audit',
      action: 'Look into it',
    }))
  }
