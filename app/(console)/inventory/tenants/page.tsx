import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { preload } from '#components/queries/server.ts'
import { tenantQueries } from '#components/queries/tenants.ts'
import { TenantTable } from '#components/tenants/tenant-table.tsx'

export const metadata: Metadata = { title: 'Tenants' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(tenantQueries(u).list())])
  return (
    <HydrationBoundary state={state}>
      <TenantTable />
    </HydrationBoundary>
  )
}
