'use client'
import type { ReactNode } from 'react'
import { INVENTORY } from '../shell/areas.ts'
import { useSession } from '../shell/session.tsx'
import { PageHead } from '../ui/page-head.tsx'
import { Views } from '../ui/views.tsx'

/** The head that the pages of the inventory share: one tab each for what one may see. */
export function InventoryHead({ children }: { children?: ReactNode }) {
  const { rights } = useSession()
  return (
    <PageHead title="Inventory">
      <Views label="Inventory" views={INVENTORY.filter((page) => rights.includes(page.right))} />
      {children ? <div className="row push">{children}</div> : null}
    </PageHead>
  )
}
