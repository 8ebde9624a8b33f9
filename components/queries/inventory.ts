import { queryOptions, useQuery } from '@tanstack/react-query'
import { utils } from './browser.ts'
import type { Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

export const inventoryQueries = (u: Utils) => ({
  servers: () =>
    queryOptions({
      queryKey: u.inventory.servers.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.inventory.servers.call(page)),
    }),
  nics: () =>
    queryOptions({
      queryKey: u.inventory.nics.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.inventory.nics.call(page)),
    }),
  attachments: () =>
    queryOptions({
      queryKey: u.inventory.attachments.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.inventory.attachments.call(page)),
    }),
})
const queries = inventoryQueries(utils)

export const useServers = (enabled = true) => useQuery({ ...queries.servers(), enabled })
export const useNics = () => useQuery(queries.nics())
export const useAttachments = (enabled = true) => useQuery({ ...queries.attachments(), enabled })

export const useSites = (enabled = true) =>
  useQuery({
    queryKey: utils.inventory.sites.queryKey({ input: {} }),
    queryFn: () => everyPage((page) => utils.inventory.sites.call(page)),
    enabled,
  })
