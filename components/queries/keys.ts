import { queryOptions, useQuery } from '@tanstack/react-query'
import type { KeySummary } from '#server/contract/keys.ts'
import { useAct } from './act.ts'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

export const keyQueries = (u: Utils) => ({
  list: () =>
    queryOptions({
      queryKey: u.keys.list.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.keys.list.call(page)),
    }),
})

export const useKeys = () => useQuery(keyQueries(utils).list())

export const useRotateKey = () =>
  useAct(
    (input: { purpose: KeySummary['purpose']; step: 'prepare' | 'promote' }) => api.keys.rotate(input),
    utils.keys.key(),
  )
export const useRetireKey = () => useAct((id: string) => api.keys.retire({ id }), utils.keys.key())
