import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { groupQueries } from '#components/queries/groups.ts'
import { preload } from '#components/queries/server.ts'
import { GroupsPage } from '#components/settings/groups-page.tsx'

export const metadata: Metadata = { title: 'Groups' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(groupQueries(u).list())])
  return (
    <HydrationBoundary state={state}>
      <GroupsPage />
    </HydrationBoundary>
  )
}
