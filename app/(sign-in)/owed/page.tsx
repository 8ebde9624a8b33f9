import type { Metadata } from 'next'
import { redirect } from 'next/navigation'
import { serverApi } from '#components/queries/server.ts'
import { pathWithin } from '#components/sign-in/next.ts'
import { Owed } from '#components/sign-in/owed.tsx'

export const metadata: Metadata = { title: 'Before you go on' }

export default async function OwedPage({ searchParams }: { searchParams: Promise<Record<string, unknown>> }) {
  const next = pathWithin((await searchParams).next)
  const session = await serverApi.session.get().catch(() => null)
  if (!session) redirect(`/sign-in?next=${encodeURIComponent(next)}`)
  if (session.owes.length === 0) redirect(next)
  return <Owed session={session} next={next} />
}
