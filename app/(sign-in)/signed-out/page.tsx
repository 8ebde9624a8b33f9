import type { Metadata } from 'next'
import { SignedOut } from '#components/sign-in/signed-out.tsx'

export const metadata: Metadata = { title: 'Signed out' }

const MOST = 20
/** Names of providers and consoles, as the engine put them into the address. */
const names = (asked: unknown): string[] =>
  (Array.isArray(asked) ? asked : [asked])
    .filter((name): name is string => typeof name === 'string' && name.length > 0 && name.length <= 100)
    .slice(0, MOST)

export default async function SignedOutPage({ searchParams }: { searchParams: Promise<Record<string, unknown>> }) {
  const { ended, left } = await searchParams
  return <SignedOut ended={names(ended)} left={names(left)} />
}
