import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { ConsolesPage } from '#components/consoles/consoles-page.tsx'
import { consoleQueries } from '#components/queries/consoles.ts'
import { preload } from '#components/queries/server.ts'

export const metadata: Metadata = { title: 'VNF consoles' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(consoleQueries(u).list())])
  return (
    <HydrationBoundary state={state}>
      <ConsolesPage />
    </HydrationBoundary>
  )
}
