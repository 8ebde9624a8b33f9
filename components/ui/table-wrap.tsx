import type { ReactNode } from 'react'
import './table/table.css'

/** A frame in which a wide table scrolls by itself; it takes the focus, so that arrow keys can scroll it. With
 * `rows`, a phone shows each row as a two-line item, by its cells’ `p-` classes (table/table.css). */
export const TableWrap = ({ children, rows }: { children: ReactNode; rows?: boolean }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
  <div className={`tablewrap${rows ? ' twoline' : ''}`} tabIndex={0}>
    {children}
  </div>
)
