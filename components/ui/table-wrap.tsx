import type { ReactNode } from 'react'

/** A frame in which a wide table scrolls by itself; it takes the focus, so that arrow keys can scroll it. */
export const TableWrap = ({ children }: { children: ReactNode }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
  <div className="tablewrap" tabIndex={0}>
    {children}
  </div>
)
