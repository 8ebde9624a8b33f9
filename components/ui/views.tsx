'use client'
import Link from 'next/link'
import { usePathname } from 'next/navigation'

export interface View {
  readonly href: string
  readonly label: string
  readonly count?: number
}

/** The pages of one area, as tabs that are links. */
export function Views({ label, views, push }: { label: string; views: readonly View[]; push?: boolean }) {
  const path = usePathname()
  return (
    <nav className={`views${push ? ' push' : ''}`} aria-label={label}>
      {views.map((view) => (
        <Link key={view.href} href={view.href} aria-current={path === view.href ? 'page' : undefined}>
          {view.label}
          {view.count === undefined ? null : <span className="dim">{view.count.toLocaleString('en')}</span>}
        </Link>
      ))}
    </nav>
  )
}
