import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { CreateNetwork } from '#components/networks/wizard/wizard.tsx'
import { inventoryQueries } from '#components/queries/inventory.ts'
import { preload } from '#components/queries/server.ts'
import { tenantQueries } from '#components/queries/tenants.ts'

export const metadata: Metadata = { title: 'Create network' }

export default async function NewNetworkPage() {
  const state = await preload((client, u) => [
    client.prefetchQuery(tenantQueries(u).list()),
    client.prefetchQuery(inventoryQueries(u).servers()),
    client.prefetchQuery(inventoryQueries(u).attachments()),
  ])
  return (
    <HydrationBoundary state={state}>
      <CreateNetwork />
    </HydrationBoundary>
  )
}
