import type { ReactNode } from 'react'
import { SettingsNav } from '#components/settings/settings-nav.tsx'
import '#components/settings/settings.css'

export default function SettingsLayout({ children }: { children: ReactNode }) {
  return (
    <div className="settings">
      <SettingsNav />
      <div className="main">{children}</div>
    </div>
  )
}
