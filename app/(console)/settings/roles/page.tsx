import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { roleQueries } from '#components/queries/roles.ts'
import { preload } from '#components/queries/server.ts'
import { RolesPage } from '#components/settings/roles-page.tsx'

export const metadata: Metadata = { title: 'Roles' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(roleQueries(u).list())])
  return (
    <HydrationBoundary state={state}>
      <RolesPage />
    </HydrationBoundary>
  )
}
