import { queryOptions, useQuery } from '@tanstack/react-query'
import { useAct } from './act.ts'
import { api, utils } from './browser.ts'
import type { Api, Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

export const consoleQueries = (u: Utils) => ({
  list: () =>
    queryOptions({
      queryKey: u.consoles.list.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.consoles.list.call(page)),
    }),
  mine: () => u.consoles.mine.queryOptions(),
})

export const useConsoles = () => useQuery(consoleQueries(utils).list())
export const useMyConsoles = () => useQuery(consoleQueries(utils).mine())

export const useRegisterConsole = () =>
  useAct((input: Parameters<Api['consoles']['register']>[0]) => api.consoles.register(input), utils.consoles.key())
export const useUpdateConsole = () =>
  useAct(
    ({ revision, ...input }: Parameters<Api['consoles']['update']>[0] & { revision: number }) =>
      api.consoles.update(input, { context: { revision } }),
    utils.consoles.key(),
  )
export const useRemoveConsole = () =>
  useAct(
    ({ id, revision }: { id: string; revision: number }) => api.consoles.remove({ id }, { context: { revision } }),
    utils.consoles.key(),
  )
