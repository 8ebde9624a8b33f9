import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { ProviderPage } from '#components/providers/provider-page.tsx'
import { providerQueries } from '#components/queries/providers.ts'
import { preload } from '#components/queries/server.ts'

export const metadata: Metadata = { title: 'Identity provider' }

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  const state = await preload((client, u) => [client.prefetchQuery(providerQueries(u).get(id))])
  return (
    <HydrationBoundary state={state}>
      <ProviderPage id={id} />
    </HydrationBoundary>
  )
}
