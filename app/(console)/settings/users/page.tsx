import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { preload } from '#components/queries/server.ts'
import { userQueries } from '#components/queries/users.ts'
import { UsersPage } from '#components/settings/users-page.tsx'

export const metadata: Metadata = { title: 'People' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(userQueries(u).list())])
  return (
    <HydrationBoundary state={state}>
      <UsersPage />
    </HydrationBoundary>
  )
}
