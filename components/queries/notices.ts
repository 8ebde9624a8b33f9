import { queryOptions, useQuery } from '@tanstack/react-query'
import { useAct } from './act.ts'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

/** As many as there are at most. */
const UNREAD = { filter: 'state:eq:unread', limit: 200 }

export const noticeQueries = (u: Utils) => ({
  all: () =>
    queryOptions({
      queryKey: u.notices.list.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.notices.list.call(page)),
    }),
  unread: () =>
    queryOptions({
      queryKey: u.notices.list.queryKey({ input: UNREAD }),
      queryFn: async () => (await u.notices.list.call(UNREAD)).items,
    }),
})

export const useNotices = () => useQuery(noticeQueries(utils).all())
export const useUnreadNotices = () => useQuery(noticeQueries(utils).unread())

/** Marks one as read as it was seen: what was added meanwhile stays. */
export const useReadNotice = () =>
  useAct(
    (seen: { id: string; lastAt: string }) => api.notices.read({ id: seen.id, until: seen.lastAt }),
    utils.notices.key(),
  )

export const useReadAllNotices = () => useAct((until: string) => api.notices.readAll({ until }), utils.notices.key())
