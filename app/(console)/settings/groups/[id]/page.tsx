import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { groupQueries } from '#components/queries/groups.ts'
import { preload } from '#components/queries/server.ts'
import { GroupPage } from '#components/settings/group-page.tsx'

export const metadata: Metadata = { title: 'Group' }

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  const state = await preload((client, u) => [client.prefetchQuery(groupQueries(u).list())])
  return (
    <HydrationBoundary state={state}>
      <GroupPage id={id} />
    </HydrationBoundary>
  )
}
