import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Role } from '#server/contract/rights.ts'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

export const userQueries = (u: Utils) => ({
  list: () =>
    queryOptions({
      queryKey: u.users.list.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.users.list.call(page)),
    }),
  get: (id: string) => u.users.get.queryOptions({ input: { id } }),
})

export const useUsers = () => useQuery(userQueries(utils).list())

export const useUser = (id: string) => useQuery(userQueries(utils).get(id))

function useUserMutation<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient()
  return useMutation({ mutationFn, onSuccess: () => client.invalidateQueries({ queryKey: utils.users.key() }) })
}

export interface UserInput {
  readonly name: string
  readonly displayName?: string
  readonly role: Role
  readonly tenantId: string | null
}

export const useCreateUser = () => useUserMutation((input: UserInput) => api.users.create(input))
export const useNewPassword = () => useUserMutation((id: string) => api.users.newPassword({ id }))
export const useRemoveUser = () => useUserMutation((id: string) => api.users.remove({ id }))

/** A role that somebody is given, or a group: everywhere, in a tenant, or at a site. */
export interface NewBinding {
  readonly id: string
  readonly role: string
  readonly tenantId: string | null
  readonly siteId: string | null
  readonly from: string[]
  readonly hours: string | null
}

export const useGive = () => useUserMutation((input: NewBinding) => api.bindings.give(input))
export const useTake = () => useUserMutation((input: { id: string; binding: string }) => api.bindings.take(input))
export const useUpdateUser = () =>
  useUserMutation(
    ({
      revision,
      ...input
    }: {
      id: string
      revision: number
      displayName?: string
      email?: string | null
      state?: 'active' | 'disabled'
      breakGlass?: boolean
    }) => api.users.update(input, { context: { revision } }),
  )
