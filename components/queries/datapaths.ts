import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

/** Counters of a page that shows them are read this often. */
export const COUNTER_MS = 3000

export const datapathQueries = (u: Utils) => ({
  list: () =>
    queryOptions({
      queryKey: u.datapaths.list.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.datapaths.list.call(page)),
    }),
  get: (id: string) => u.datapaths.get.queryOptions({ input: { id } }),
  tables: (id: string) => u.datapaths.tables.queryOptions({ input: { id } }),
  entries: (id: string, table: number | null, cursor?: string) =>
    u.datapaths.entries.queryOptions({
      input: { id, limit: 100, ...(table === null ? {} : { table }), ...(cursor === undefined ? {} : { cursor }) },
    }),
  ports: (id: string) => u.datapaths.ports.queryOptions({ input: { id } }),
  drift: (id: string) => u.datapaths.drift.queryOptions({ input: { id } }),
  why: (id: string, key: string) => u.datapaths.why.queryOptions({ input: { id, key } }),
})
const queries = datapathQueries(utils)
const live = { refetchInterval: COUNTER_MS, placeholderData: <T>(previous: T) => previous }

export const useDatapaths = (enabled = true) => useQuery({ ...queries.list(), enabled })
export const useDatapath = (id: string) => useQuery({ ...queries.get(id), refetchInterval: COUNTER_MS })
export const useTables = (id: string) => useQuery({ ...queries.tables(id), refetchInterval: COUNTER_MS })
export const useEntries = (id: string, table: number | null, cursor?: string) =>
  useQuery({ ...queries.entries(id, table, cursor), ...live })
export const useDatapathPorts = (id: string, enabled: boolean) =>
  useQuery({ ...queries.ports(id), refetchInterval: COUNTER_MS, enabled })
export const useDrift = (id: string, enabled: boolean) => useQuery({ ...queries.drift(id), enabled })
export const useWhy = (id: string, key: string) => useQuery(queries.why(id, key))

function useDatapathMutation<Output>(mutationFn: (id: string) => Promise<Output>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn,
    onSettled: () =>
      Promise.all([utils.datapaths.key(), utils.tasks.key()].map((queryKey) => client.invalidateQueries({ queryKey }))),
  })
}

export const useReadBack = () => useDatapathMutation((id) => api.datapaths.read({ id }))
export const useRepair = () => useDatapathMutation((id) => api.datapaths.repair({ id }))
