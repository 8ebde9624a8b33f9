'use client'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { useEffect, useRef } from 'react'

export interface View {
  readonly href: string
  readonly label: string
  readonly count?: number
}

/** The pages of one area, as tabs that are links. */
export function Views({ label, views, push }: { label: string; views: readonly View[]; push?: boolean }) {
  const path = usePathname()
  const nav = useRef<HTMLElement>(null)
  // Where the tabs do not fit, the one that is open is among those that can be seen.
  useEffect(() => {
    const bar = nav.current
    const open = bar?.querySelector<HTMLElement>(`a[href="${CSS.escape(path)}"]`)
    if (bar && open) bar.scrollLeft = open.offsetLeft - bar.offsetLeft - (bar.clientWidth - open.offsetWidth) / 2
  }, [path])
  return (
    <nav ref={nav} className={`views${push ? ' push' : ''}`} aria-label={label}>
      {views.map((view) => (
        <Link key={view.href} href={view.href} aria-current={path === view.href ? 'page' : undefined}>
          {view.label}
          {view.count === undefined ? null : <span className="dim">{view.count.toLocaleString('en')}</span>}
        </Link>
      ))}
    </nav>
  )
}
