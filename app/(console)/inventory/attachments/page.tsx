import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { Attachments } from '#components/inventory/attachments.tsx'
import { inventoryQueries } from '#components/queries/inventory.ts'
import { preload } from '#components/queries/server.ts'

export const metadata: Metadata = { title: 'Attachments' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(inventoryQueries(u).attachments())])
  return (
    <HydrationBoundary state={state}>
      <Attachments />
    </HydrationBoundary>
  )
}
