import type { Metadata } from 'next'
import { AddProvider } from '#components/providers/add-provider.tsx'

export const metadata: Metadata = { title: 'Add an identity provider' }

export default function Page() {
  return <AddProvider />
}
