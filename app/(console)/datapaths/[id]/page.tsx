import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { DatapathPage } from '#components/datapaths/datapath-page.tsx'
import { datapathQueries } from '#components/queries/datapaths.ts'
import { preload } from '#components/queries/server.ts'

export const metadata: Metadata = { title: 'Datapath' }

export default async function OneDatapathPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  const state = await preload((client, u) => [
    client.prefetchQuery(datapathQueries(u).get(id)),
    client.prefetchQuery(datapathQueries(u).tables(id)),
    client.prefetchQuery(datapathQueries(u).entries(id, null)),
  ])
  return (
    <HydrationBoundary state={state}>
      <DatapathPage id={id} />
    </HydrationBoundary>
  )
}
