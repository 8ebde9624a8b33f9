import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { NetworkPage } from '#components/networks/network-page.tsx'
import { networkQueries } from '#components/queries/networks.ts'
import { preload } from '#components/queries/server.ts'

export const metadata: Metadata = { title: 'Network' }

export default async function OneNetworkPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  const state = await preload((client, u) => [
    client.prefetchQuery(networkQueries(u).get(id)),
    client.prefetchQuery(networkQueries(u).subnets(id)),
    client.prefetchQuery(networkQueries(u).ports(id)),
  ])
  return (
    <HydrationBoundary state={state}>
      <NetworkPage id={id} />
    </HydrationBoundary>
  )
}
