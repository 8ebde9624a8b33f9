import { useInfiniteQuery } from '@tanstack/react-query'
import { api, utils } from './browser.ts'

/** Audit records, newest first, a window at a time. */
export const useAudit = (filters: readonly string[]) =>
  useInfiniteQuery({
    queryKey: [...utils.audit.list.key(), { filters }],
    queryFn: ({ pageParam }) =>
      api.audit.list({
        limit: 100,
        ...(filters.length > 0 ? { filter: [...filters] } : {}),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  })
