import type { Metadata } from 'next'
import { cookies } from 'next/headers'
import { redirect } from 'next/navigation'
import { serverApi } from '#components/queries/server.ts'
import { LAST_USED, readLastUsed } from '#components/sign-in/last-used.ts'
import { owedAt, pathWithin } from '#components/sign-in/next.ts'
import { SignIn } from '#components/sign-in/sign-in.tsx'

export const metadata: Metadata = { title: 'Sign in' }

const nameOf = (text: unknown): string | null =>
  typeof text === 'string' && /^[a-z0-9-]{1,63}$/.test(text) ? text : null
const reference = (text: unknown): string | null =>
  typeof text === 'string' && /^[\w.-]{1,64}$/.test(text) ? text : null

export default async function SignInPage({ searchParams }: { searchParams: Promise<Record<string, unknown>> }) {
  const asked = await searchParams
  const next = pathWithin(asked.next ?? asked.returnTo)
  const session = await serverApi.session.get().catch(() => null)
  // A console may want to know who is there now, whoever is signed in.
  if (session && asked.again !== '1') redirect(session.owes.length > 0 ? owedAt(next) : next)
  const last = readLastUsed((await cookies()).get(LAST_USED)?.value)
  return <SignIn next={next} last={last} tenant={nameOf(asked.tenant)} refused={reference(asked.error)} />
}
