import type { Metadata } from 'next'
import { redirect } from 'next/navigation'
import { serverApi } from '#components/queries/server.ts'
import { SignIn } from '#components/sign-in/sign-in.tsx'

export const metadata: Metadata = { title: 'Sign in' }

/** Only paths of this console lead on; anything else could lead a person away from it. */
const safe = (next: unknown): string => (typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/')

export default async function SignInPage({ searchParams }: { searchParams: Promise<Record<string, unknown>> }) {
  const next = safe((await searchParams).next)
  const session = await serverApi.session.get().catch(() => null)
  if (session) redirect(next)
  return <SignIn next={next} />
}
