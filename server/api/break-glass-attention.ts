import type { Alert } from '#server/inventory/alerts.ts'
import { seesAll } from '#server/inventory/database.ts'
import type { AttentionSource } from './attention.ts'
import { time } from './datapaths.ts'

/** How long they are shown. */
const SHOWN_MS = 24 * 3_600_000

const TITLES: Readonly<Record<Alert['kind'], string>> = {
  'break-glass': 'A break-glass account signed in',
  recovery: 'An operator was recovered on the host',
}

/** Break-glass sign-ins and recoveries, for those who watch over the installation. */
export const breakGlassAttention =
  (alerts: (since_ms: number) => Promise<Alert[]>): AttentionSource =>
  async ({ scope, rights }) => {
    if (!seesAll(scope) || !rights.has('audit.read')) return []
    return (await alerts(Date.now() - SHOWN_MS)).map(({ kind, detail, times, last_ms }) => ({
      ...{
        severity: 'bad',
        title: TITLES[kind],
        since: time(last_ms),
        href: '/settings/audit',
        action: 'Look into it',
      },
      words: times === 1 ? detail : `${times} times in 24 hours. ${detail}`,
    }))
  }
