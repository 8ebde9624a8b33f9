import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { keyQueries } from '#components/queries/keys.ts'
import { preload } from '#components/queries/server.ts'
import { KeysPage } from '#components/settings/keys-page.tsx'

export const metadata: Metadata = { title: 'Keys' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(keyQueries(u).list())])
  return (
    <HydrationBoundary state={state}>
      <KeysPage />
    </HydrationBoundary>
  )
}
