import { useMutation } from '@tanstack/react-query'
import { api } from './browser.ts'

export const useSignIn = () =>
  useMutation({ mutationFn: (input: { name: string; password: string }) => api.session.create(input) })

export const useSignOut = () => useMutation({ mutationFn: () => api.session.remove() })

export const useChangePassword = () =>
  useMutation({ mutationFn: (input: { current: string; next: string }) => api.session.password(input) })
