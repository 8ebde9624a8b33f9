import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { MyConsolesPage } from '#components/consoles/my-consoles-page.tsx'
import { consoleQueries } from '#components/queries/consoles.ts'
import { preload } from '#components/queries/server.ts'

export const metadata: Metadata = { title: 'Your consoles' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(consoleQueries(u).mine())])
  return (
    <HydrationBoundary state={state}>
      <MyConsolesPage />
    </HydrationBoundary>
  )
}
