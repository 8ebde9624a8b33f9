import { startAuthentication } from '@simplewebauthn/browser'
import { useMutation, useQuery } from '@tanstack/react-query'
import { api, utils } from './browser.ts'

/** Providers by an e-mail address, or by a tenant's name. */
export const useFindProviders = () =>
  useMutation({
    mutationFn: (text: string) => api.signIn.providers(text.includes('@') ? { email: text } : { tenant: text }),
  })

/** The providers of the installation's own people. */
export const useOwnProviders = () =>
  useQuery({ ...utils.signIn.providers.queryOptions({ input: {} }), retry: false, refetchOnWindowFocus: false })

type Challenge = Parameters<typeof startAuthentication>[0]['optionsJSON']

/** Has the browser prove with a passkey who somebody is; throws where its person turns away. */
const proveBy = async (begin: () => Promise<unknown>): Promise<Record<string, unknown>> => ({
  ...(await startAuthentication({ optionsJSON: (await begin()) as Challenge })),
})

export const passkeyToSignIn = () => proveBy(() => api.credentials.beginSignIn({}))
export const passkeyToStepUp = () => proveBy(() => api.credentials.beginStepUp())
