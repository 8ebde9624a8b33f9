import { queryOptions, useMutation, useQuery } from '@tanstack/react-query'
import { useAct } from './act.ts'
import { api, utils } from './browser.ts'
import type { Api, Utils } from './orpc.ts'
import { everyPage } from './pages.ts'

export const providerQueries = (u: Utils) => ({
  list: () =>
    queryOptions({
      queryKey: u.identityProviders.list.queryKey({ input: {} }),
      queryFn: () => everyPage((page) => u.identityProviders.list.call(page)),
    }),
  get: (id: string) => u.identityProviders.get.queryOptions({ input: { id } }),
})
const queries = providerQueries(utils)
const key = utils.identityProviders.key()
type Calls = Api['identityProviders']
interface Held {
  readonly id: string
  readonly revision: number
}

export const useProviders = (enabled = true) => useQuery({ ...queries.list(), enabled })
export const useProvider = (id: string) => useQuery(queries.get(id))

export type NewProvider = Parameters<Calls['import']>[0]
export const useImportProvider = () => useAct((input: NewProvider) => api.identityProviders.import(input), key)
export const useAddOidc = () =>
  useAct((input: Parameters<Calls['addOidc']>[0]) => api.identityProviders.addOidc(input), key)
export const useUpdateProvider = () =>
  useAct(
    ({ revision, ...input }: Parameters<Calls['update']>[0] & { revision: number }) =>
      api.identityProviders.update(input, { context: { revision } }),
    key,
  )
export const useProviderState = () =>
  useAct(
    ({ id, revision, state }: Held & { state: 'open' | 'closed' }) =>
      api.identityProviders.setState({ id, state }, { context: { revision } }),
    key,
  )
export const useRemoveProvider = () =>
  useAct(({ id, revision }: Held) => api.identityProviders.remove({ id }, { context: { revision } }), key)
export const useRenewMetadata = () =>
  useAct((input: { id: string; metadata?: string }) => api.identityProviders.renew(input), key)
export const useConfirmMetadata = () =>
  useAct(({ id, revision }: Held) => api.identityProviders.confirm({ id }, { context: { revision } }), key)
export const useDiscardMetadata = () =>
  useAct(({ id, revision }: Held) => api.identityProviders.discard({ id }, { context: { revision } }), key)
export const useTrial = () =>
  useMutation({ mutationFn: (input: Parameters<Calls['trial']>[0]) => api.identityProviders.trial(input) })
export const useBeginTest = () => useMutation({ mutationFn: (id: string) => api.identityProviders.test({ id }) })
const POLL_MS = 1000
/** What a test sign-in has found so far; read again while the provider has not answered. */
export const useTestResult = (id: string, test: string | undefined) =>
  useQuery({
    ...utils.identityProviders.testResult.queryOptions({ input: { id, test: test ?? '' } }),
    enabled: test !== undefined,
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data?.state === 'waiting' || !state.data ? POLL_MS : false),
  })
export const useAllowScim = () => useAct((id: string) => api.identityProviders.allowScim({ id }), key)
export const useEndScim = () => useAct((id: string) => api.identityProviders.endScim({ id }), key)
