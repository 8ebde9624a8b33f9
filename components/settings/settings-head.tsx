'use client'
import type { ReactNode } from 'react'
import { SETTINGS } from '../shell/areas.ts'
import { useSession } from '../shell/session.tsx'
import { PageHead } from '../ui/page-head.tsx'
import { Views } from '../ui/views.tsx'

export function SettingsHead({ children }: { children?: ReactNode }) {
  const { rights } = useSession()
  return (
    <PageHead title="Settings">
      <Views label="Settings" views={SETTINGS.filter((page) => !page.right || rights.includes(page.right))} />
      {children ? <div className="row push">{children}</div> : null}
    </PageHead>
  )
}
