'use client'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { settingsFor } from '../shell/areas.ts'
import { useSession } from '../shell/session.tsx'
import { Icon } from '../ui/icon.tsx'

const GROUPS = ['You', 'Access', 'Evidence'] as const

/** The pages of the settings by group, as far as one may open them. */
export function SettingsLinks({ onGo }: { onGo?: () => void }) {
  const { rights } = useSession()
  const path = usePathname()
  const pages = settingsFor(rights)
  return GROUPS.map((group) => {
    const inside = pages.filter((page) => page.group === group)
    if (inside.length === 0) return null
    return (
      <div key={group} className="setgroup">
        <div className="grp">{group}</div>
        {inside.map(({ href, label, icon }) => {
          const isOpen = path === href || (href !== '/settings' && path.startsWith(`${href}/`))
          return (
            <Link key={href} href={href} aria-current={isOpen ? 'page' : undefined} onClick={() => onGo?.()}>
              <Icon name={icon} small />
              {label}
            </Link>
          )
        })}
      </div>
    )
  })
}

/** The same beside the page, where there is room. */
export const SettingsNav = () => (
  <nav className="setnav not-s" aria-label="Settings">
    <SettingsLinks />
  </nav>
)
