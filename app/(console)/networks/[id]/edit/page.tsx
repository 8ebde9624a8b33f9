import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { EditNetwork } from '#components/networks/edit-network.tsx'
import { inventoryQueries } from '#components/queries/inventory.ts'
import { networkQueries } from '#components/queries/networks.ts'
import { preload } from '#components/queries/server.ts'

export const metadata: Metadata = { title: 'Edit network' }

export default async function EditNetworkPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  const state = await preload((client, u) => [
    client.prefetchQuery(networkQueries(u).get(id)),
    client.prefetchQuery(networkQueries(u).subnets(id)),
    client.prefetchQuery(networkQueries(u).ports(id)),
    client.prefetchQuery(inventoryQueries(u).servers()),
    client.prefetchQuery(inventoryQueries(u).attachments()),
  ])
  return (
    <HydrationBoundary state={state}>
      <EditNetwork id={id} />
    </HydrationBoundary>
  )
}
