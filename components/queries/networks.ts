import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

const within = (change?: string) => (change === undefined ? {} : { change })

/** What there is to read of networks, subnets and ports; inside a draft when `change` is given. */
export const networkQueries = (u: Utils) => ({
  list: (change?: string) =>
    queryOptions({
      queryKey: u.networks.list.queryKey({ input: { ...within(change) } }),
      queryFn: () => everyPage((page) => u.networks.list.call({ ...page, ...within(change) })),
    }),
  get: (id: string, change?: string) => u.networks.get.queryOptions({ input: { id, ...within(change) } }),
  subnets: (networkId: string, change?: string) =>
    queryOptions({
      queryKey: u.subnets.list.queryKey({ input: { networkId, ...within(change) } }),
      queryFn: () => everyPage((page) => u.subnets.list.call({ ...page, networkId, ...within(change) })),
    }),
  ports: (networkId?: string, change?: string) =>
    queryOptions({
      queryKey: u.ports.list.queryKey({
        input: { ...(networkId === undefined ? {} : { networkId }), ...within(change) },
      }),
      queryFn: () =>
        everyPage((page) =>
          u.ports.list.call({ ...page, ...(networkId === undefined ? {} : { networkId }), ...within(change) }),
        ),
    }),
})
const queries = networkQueries(utils)

export const useNetworks = (enabled = true) => useQuery({ ...queries.list(), enabled })
export const useNetwork = (id: string, change?: string) => useQuery(queries.get(id, change))
export const useSubnets = (networkId: string, change?: string) => useQuery(queries.subnets(networkId, change))
export const usePorts = (networkId?: string, change?: string, enabled = true) =>
  useQuery({ ...queries.ports(networkId, change), enabled })

/** Runs edits of intent one after the other, then forgets what was read before them. */
export function useNetworkEdit<Input, Output>(edit: (input: Input) => Promise<Output>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: edit,
    onSettled: () =>
      Promise.all(
        [utils.networks.key(), utils.subnets.key(), utils.ports.key(), utils.tenants.key(), utils.changes.key()].map(
          (queryKey) => client.invalidateQueries({ queryKey }),
        ),
      ),
  })
}

/** The edits of intent that the wizard and the pages make, each inside a draft. */
export const networkEdits = {
  create: (input: { change: string; tenantId: string; name: string; vni?: number; mtu?: number }) =>
    api.networks.create(input),
  update: (input: { change: string; id: string; revision: number; name?: string; mtu?: number }) => {
    const { revision, ...rest } = input
    return api.networks.update(rest, { context: { revision } })
  },
  remove: ({ revision, ...rest }: { change: string; id: string; revision: number }) =>
    api.networks.remove(rest, { context: { revision } }),
  addSubnet: (input: { change: string; networkId: string; prefix: string; gateway: string | null }) =>
    api.subnets.create(input),
  removeSubnet: ({ revision, ...rest }: { change: string; id: string; revision: number }) =>
    api.subnets.remove(rest, { context: { revision } }),
  addPort: (input: {
    change: string
    networkId: string
    attachmentId: string
    vlan: number | null
    addresses?: string[]
  }) => api.ports.create(input),
  removePort: ({ revision, ...rest }: { change: string; id: string; revision: number }) =>
    api.ports.remove(rest, { context: { revision } }),
}
