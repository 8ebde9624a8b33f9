import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { Servers } from '#components/inventory/servers.tsx'
import { inventoryQueries } from '#components/queries/inventory.ts'
import { preload } from '#components/queries/server.ts'

export const metadata: Metadata = { title: 'Servers' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(inventoryQueries(u).servers())])
  return (
    <HydrationBoundary state={state}>
      <Servers />
    </HydrationBoundary>
  )
}
