import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { noticeQueries } from '#components/queries/notices.ts'
import { preload } from '#components/queries/server.ts'
import { NoticesPage } from '#components/settings/notices-page.tsx'

export const metadata: Metadata = { title: 'Notices' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(noticeQueries(u).all())])
  return (
    <HydrationBoundary state={state}>
      <NoticesPage />
    </HydrationBoundary>
  )
}
