import type { Metadata } from 'next'
import { ChangeTable } from '#components/changes/change-table.tsx'

export const metadata: Metadata = { title: 'Changes' }

/** The layout has read the list already. */
export default function ChangesPage() {
  return <ChangeTable />
}
