import { HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { ChangePage } from '#components/changes/change-page.tsx'
import { changeQueries } from '#components/queries/changes.ts'
import { preload } from '#components/queries/server.ts'

interface Props {
  readonly params: Promise<{ id: string }>
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: (await params).id }
}

export default async function OneChangePage({ params }: Props) {
  const { id } = await params
  const state = await preload((client, u) => [client.prefetchQuery(changeQueries(u).get(id))])
  return (
    <HydrationBoundary state={state}>
      <ChangePage id={id} />
    </HydrationBoundary>
  )
}
