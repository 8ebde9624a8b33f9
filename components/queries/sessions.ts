import { queryOptions, useQuery } from '@tanstack/react-query'
import { useAct } from './act.ts'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

export const sessionQueries = (u: Utils) => ({
  own: () =>
    queryOptions({
      queryKey: u.sessions.own.queryKey({ input: undefined }),
      queryFn: async () => (await u.sessions.own.call()).items,
    }),
  all: () =>
    queryOptions({
      queryKey: u.sessions.all.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.sessions.all.call(page)),
    }),
})

export const useOwnSessions = (enabled = true) => useQuery({ ...sessionQueries(utils).own(), enabled })
export const useAllSessions = (enabled = true) => useQuery({ ...sessionQueries(utils).all(), enabled })

/** Ends all of one's own sessions but the one that asks. */
export const useEndOtherSessions = () => useAct(() => api.sessions.endOthers(), utils.sessions.key())

/** Ends one of one's own sessions, or anybody's. */
export const useEndSession = (of: 'own' | 'all') =>
  useAct(
    (id: string) => (of === 'own' ? api.sessions.endOwn({ id }) : api.sessions.endAny({ id })),
    utils.sessions.key(),
  )
