import { queryOptions, useQuery } from '@tanstack/react-query'
import type { Right } from '#server/contract/rights.ts'
import { useAct } from './act.ts'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

export const roleQueries = (u: Utils) => ({
  list: () =>
    queryOptions({
      queryKey: u.roles.list.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.roles.list.call(page)),
    }),
})

export const useRoles = (enabled = true) => useQuery({ ...roleQueries(utils).list(), enabled })

export const useCreateRole = () =>
  useAct(
    (input: { name: string; words: string; tenantId: string | null; rights: Right[] }) => api.roles.create(input),
    utils.roles.key(),
  )
export const useUpdateRole = () =>
  useAct(
    ({ revision, ...input }: { id: string; revision: number; words: string; rights: Right[] }) =>
      api.roles.update(input, { context: { revision } }),
    utils.roles.key(),
  )
export const useRemoveRole = () =>
  useAct(
    ({ id, revision }: { id: string; revision: number }) => api.roles.remove({ id }, { context: { revision } }),
    utils.roles.key(),
  )
