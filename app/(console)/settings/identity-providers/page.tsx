import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { ProvidersPage } from '#components/providers/providers-page.tsx'
import { providerQueries } from '#components/queries/providers.ts'
import { preload } from '#components/queries/server.ts'

export const metadata: Metadata = { title: 'Identity providers' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(providerQueries(u).list())])
  return (
    <HydrationBoundary state={state}>
      <ProvidersPage />
    </HydrationBoundary>
  )
}
