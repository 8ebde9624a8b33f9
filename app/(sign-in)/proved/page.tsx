import type { Metadata } from 'next'
import { Proved } from '#components/sign-in/proved.tsx'

export const metadata: Metadata = { title: 'Proved' }

export default function ProvedPage() {
  return <Proved />
}
