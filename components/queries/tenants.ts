import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

export const tenantQueries = (u: Utils) => ({
  list: () =>
    queryOptions({
      queryKey: u.tenants.list.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.tenants.list.call(page)),
    }),
})

export const useTenants = (enabled = true) => useQuery({ ...tenantQueries(utils).list(), enabled })

function useTenantMutation<Input, Output>(mutationFn: (input: Input) => Promise<Output>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn,
    onSuccess: () => client.invalidateQueries({ queryKey: utils.tenants.key() }),
  })
}

export interface TenantInput {
  readonly name: string
  readonly displayName?: string
  readonly quotas?: { networks: number; ports: number }
}

export const useCreateTenant = () => useTenantMutation((input: TenantInput) => api.tenants.create(input))

export const useUpdateTenant = () =>
  useTenantMutation(
    ({ revision, ...input }: { id: string; revision: number; displayName?: string; quotas?: TenantInput['quotas'] }) =>
      api.tenants.update(input, { context: { revision } }),
  )

export const useRemoveTenant = () =>
  useTenantMutation(({ id, revision }: { id: string; revision: number }) =>
    api.tenants.remove({ id }, { context: { revision } }),
  )
