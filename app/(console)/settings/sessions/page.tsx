import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { preload } from '#components/queries/server.ts'
import { sessionQueries } from '#components/queries/sessions.ts'
import { SessionsPage } from '#components/settings/sessions-page.tsx'

export const metadata: Metadata = { title: 'Sessions' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(sessionQueries(u).own())])
  return (
    <HydrationBoundary state={state}>
      <SessionsPage />
    </HydrationBoundary>
  )
}
