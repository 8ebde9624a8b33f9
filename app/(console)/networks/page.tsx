import type { Metadata } from 'next'
import { NetworkTable } from '#components/networks/network-table.tsx'

export const metadata: Metadata = { title: 'Networks' }

/** The layout has read the list already. */
export default function NetworksPage() {
  return <NetworkTable />
}
