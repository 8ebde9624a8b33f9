import { useMutation } from '@tanstack/react-query'
import { api } from './browser.ts'
import type { Api } from './orpc.ts'

type SignInInput = Parameters<Api['session']['create']>[0]

export const useSignIn = () => useMutation({ mutationFn: (input: SignInInput) => api.session.create(input) })

/** Who is signed in, and what they still owe, as it is now. */
export const useReadSession = () => useMutation({ mutationFn: () => api.session.get() })

/** Signs out here, or also at the provider and the consoles that the session reaches; answers where to go on. */
export const useSignOut = () => useMutation({ mutationFn: (everywhere: boolean) => api.session.logout({ everywhere }) })

export const useChangePassword = () =>
  useMutation({ mutationFn: (input: { current: string; next: string }) => api.session.password(input) })

export const useStepUp = () =>
  useMutation({ mutationFn: (input: Parameters<Api['session']['stepUp']>[0]) => api.session.stepUp(input) })

/** Works at another place from now on: what was read before belongs to the old one. */
export const useChoosePlace = () =>
  useMutation({ mutationFn: (input: { tenantId: string | null; siteId: string | null }) => api.session.place(input) })
