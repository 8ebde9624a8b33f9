import { startRegistration } from '@simplewebauthn/browser'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useAct } from './act.ts'
import { api, utils } from './browser.ts'
import type { Utils } from './orpc.ts'

export const credentialQueries = (u: Utils) => ({ get: () => u.credentials.get.queryOptions() })

export const useCredentials = (enabled = true) => useQuery({ ...credentialQueries(utils).get(), enabled })

type Registration = Parameters<typeof startRegistration>[0]['optionsJSON']

/** Has the browser make a passkey, and registers it under this name. */
export const useAddPasskey = () =>
  useAct(async (name: string) => {
    const optionsJSON = (await api.credentials.beginPasskey()) as unknown as Registration
    const response = await startRegistration({ optionsJSON })
    return api.credentials.addPasskey({ name, response: { ...response } })
  }, utils.credentials.key())

export const useRemovePasskey = () =>
  useAct((id: string) => api.credentials.removePasskey({ id }), utils.credentials.key())
export const useBeginTotp = () => useMutation({ mutationFn: () => api.credentials.beginTotp() })
export const useConfirmTotp = () =>
  useAct((code: string) => api.credentials.confirmTotp({ code }), utils.credentials.key())
export const useRemoveTotp = () => useAct(() => api.credentials.removeTotp(), utils.credentials.key())
