import { queryOptions, useQuery } from '@tanstack/react-query'
import type { Right } from '#server/contract/rights.ts'
import { useAct } from './act.ts'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

export const tokenQueries = (u: Utils) => ({
  own: () =>
    queryOptions({
      queryKey: u.tokens.own.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.tokens.own.call(page)),
    }),
  all: () =>
    queryOptions({
      queryKey: u.tokens.all.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.tokens.all.call(page)),
    }),
})

export const useOwnTokens = (enabled = true) => useQuery({ ...tokenQueries(utils).own(), enabled })
export const useAllTokens = (enabled = true) => useQuery({ ...tokenQueries(utils).all(), enabled })

export const useCreateToken = () =>
  useAct(
    (input: { name: string; rights: Right[]; tenantId: string | null; days: number }) => api.tokens.create(input),
    utils.tokens.key(),
  )
export const useEndToken = (of: 'own' | 'all') =>
  useAct((id: string) => (of === 'own' ? api.tokens.end({ id }) : api.tokens.endAny({ id })), utils.tokens.key())
