import Link from 'next/link'
import type { ReactNode } from 'react'

interface Props {
  readonly title: string
  readonly crumbs?: readonly { readonly href?: string; readonly label: string }[]
  readonly children?: ReactNode
}

/** Crumb, title, one status, tabs, actions. */
export function PageHead({ title, crumbs, children }: Props) {
  return (
    <div className="pagehead">
      {crumbs ? (
        <nav className="crumb" aria-label="Path">
          {crumbs.map((crumb) =>
            crumb.href ? (
              <Link key={crumb.label} href={crumb.href}>
                {crumb.label}
              </Link>
            ) : (
              <span key={crumb.label}>{crumb.label}</span>
            ),
          )}
        </nav>
      ) : null}
      <h1>{title}</h1>
      {children}
    </div>
  )
}
