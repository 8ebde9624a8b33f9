import type { Metadata } from 'next'
import { serverApi } from '#components/queries/server.ts'
import { Arrival } from '#components/sign-in/arrival.tsx'

export const metadata: Metadata = { title: 'Sign in' }

export default async function ArrivalPage({ searchParams }: { searchParams: Promise<Record<string, unknown>> }) {
  const { id } = await searchParams
  const name = typeof id === 'string' && /^[\w-]{43}$/.test(id) ? id : ''
  const arrival = name === '' ? null : await serverApi.signIn.arrival({ id: name }).catch(() => null)
  return <Arrival id={name} arrival={arrival} />
}
