'use client'
import type { ReactNode } from 'react'
import { Tooltip as AriaTooltip } from 'react-aria-components'

/** A few words beside what has the pointer or the focus. */
export const Tooltip = ({ children }: { children: ReactNode }) => (
  <AriaTooltip className="float tip" offset={6}>
    {children}
  </AriaTooltip>
)
