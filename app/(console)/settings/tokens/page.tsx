import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { preload } from '#components/queries/server.ts'
import { tokenQueries } from '#components/queries/tokens.ts'
import { TokensPage } from '#components/settings/tokens-page.tsx'

export const metadata: Metadata = { title: 'API tokens' }

export default async function Page() {
  const state = await preload((client, u) => [client.prefetchQuery(tokenQueries(u).own())])
  return (
    <HydrationBoundary state={state}>
      <TokensPage />
    </HydrationBoundary>
  )
}
