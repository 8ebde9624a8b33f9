'use client'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { ThemeProvider } from 'next-themes'
import { type ReactNode, useState } from 'react'
import { problemOf } from '../queries/problem.ts'
import { makeQueryClient } from '../queries/query-client.ts'
import { Toasts } from '../ui/toast.tsx'
import { toOwed, toSignIn } from './to-sign-in.tsx'

/** A query client that leads to the sign-in page when the session has ended, and to what it owes. */
function makeClient() {
  const { queries } = makeQueryClient().getDefaultOptions()
  return new QueryClient({
    defaultOptions: { ...(queries ? { queries } : {}) },
    queryCache: new QueryCache({
      onError: (error) => {
        const { status, code } = problemOf(error)
        if (status === 401 && window.location.pathname !== '/sign-in') toSignIn()
        if (code === 'owed' && window.location.pathname !== '/owed') toOwed()
      },
    }),
  })
}

export function Providers({ nonce, children }: { nonce?: string; children: ReactNode }) {
  const [client] = useState(makeClient)
  return (
    <ThemeProvider
      attribute="data-theme"
      defaultTheme="system"
      enableSystem
      enableColorScheme={false}
      {...(nonce ? { nonce } : {})}
    >
      <QueryClientProvider client={client}>
        {children}
        <Toasts />
      </QueryClientProvider>
    </ThemeProvider>
  )
}
