import { queryOptions, useQuery } from '@tanstack/react-query'
import { useAct } from './act.ts'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'
import { everyPage } from './pages.ts'
import type { NewBinding } from './users.ts'

export const groupQueries = (u: Utils) => ({
  list: () =>
    queryOptions({
      queryKey: u.groups.list.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.groups.list.call(page)),
    }),
})

export const useGroups = () => useQuery(groupQueries(utils).list())

export const useMembers = (id: string) =>
  useQuery({
    queryKey: utils.groups.members.queryKey({ input: { id } }),
    queryFn: () => everyPage((page) => api.groups.members({ ...page, id })),
  })

const keys = [utils.groups.key(), utils.users.key()] as const

export const useCreateGroup = () =>
  useAct((input: { name: string; tenantId: string | null }) => api.groups.create(input), ...keys)
export const useRemoveGroup = () =>
  useAct(
    ({ id, revision }: { id: string; revision: number }) => api.groups.remove({ id }, { context: { revision } }),
    ...keys,
  )
export const useAddMember = () => useAct((input: { id: string; userId: string }) => api.groups.add(input), ...keys)
export const useDropMember = () => useAct((input: { id: string; userId: string }) => api.groups.drop(input), ...keys)
export const useGiveGroup = () => useAct((input: NewBinding) => api.groups.give(input), ...keys)
export const useTakeFromGroup = () =>
  useAct((input: { id: string; binding: string }) => api.groups.take(input), ...keys)
