import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { DatapathTable } from '#components/datapaths/datapath-table.tsx'
import { datapathQueries } from '#components/queries/datapaths.ts'
import { preload } from '#components/queries/server.ts'

export const metadata: Metadata = { title: 'Datapaths' }

export default async function DatapathsPage() {
  const state = await preload((client, u) => [client.prefetchQuery(datapathQueries(u).list())])
  return (
    <HydrationBoundary state={state}>
      <DatapathTable />
    </HydrationBoundary>
  )
}
