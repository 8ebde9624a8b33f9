import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { Nics } from '#components/inventory/nics.tsx'
import { inventoryQueries } from '#components/queries/inventory.ts'
import { preload } from '#components/queries/server.ts'

export const metadata: Metadata = { title: 'NICs' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(inventoryQueries(u).nics())])
  return (
    <HydrationBoundary state={state}>
      <Nics />
    </HydrationBoundary>
  )
}
