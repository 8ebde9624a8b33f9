import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { preload } from '#components/queries/server.ts'
import { userQueries } from '#components/queries/users.ts'
import { UserPage } from '#components/settings/user-page.tsx'

export const metadata: Metadata = { title: 'Person' }

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  const state = await preload((client, u) => [client.prefetchQuery(userQueries(u).get(id))])
  return (
    <HydrationBoundary state={state}>
      <UserPage id={id} />
    </HydrationBoundary>
  )
}
