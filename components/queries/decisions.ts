import { useInfiniteQuery } from '@tanstack/react-query'
import { api, utils } from './browser.ts'

/** Why calls were let in or refused, newest first, a window at a time. */
export const useDecisions = (filters: readonly string[]) =>
  useInfiniteQuery({
    queryKey: [...utils.decisions.list.key(), { filters }],
    queryFn: ({ pageParam }) =>
      api.decisions.list({
        limit: 100,
        ...(filters.length > 0 ? { filter: [...filters] } : {}),
        ...(pageParam === null ? {} : { cursor: pageParam }),
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  })
