import { useQuery } from '@tanstack/react-query'
import { utils } from './browser.ts'
import type { Utils } from './orpc.ts'

export const overviewQueries = (u: Utils) => ({ get: () => u.overview.get.queryOptions() })

/** `interval_ms` of the page that shows live figures; the header reads it when events say so. */
export const useOverview = (enabled: boolean, interval_ms?: number) =>
  useQuery({ ...overviewQueries(utils).get(), enabled, ...(interval_ms ? { refetchInterval: interval_ms } : {}) })
