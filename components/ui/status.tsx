import type { ReactNode } from 'react'
import { Icon, type IconName } from './icon.tsx'

export type Tone = 'ok' | 'warn' | 'bad' | 'moving' | 'idle'

interface Props {
  readonly tone: Tone
  readonly icon?: IconName
  readonly children: ReactNode
  /** In tables: only the icon keeps its colour. */
  readonly calm?: boolean
  /** Once per page head. */
  readonly pill?: boolean
  readonly small?: boolean
  readonly spin?: boolean
}

/** A status: always an icon of its own shape and a word. */
export function Status({ tone, icon, children, calm, pill, small, spin }: Props) {
  const classes = ['st', tone, calm && 'calm', pill && 'pill', small && 'small'].filter(Boolean).join(' ')
  return (
    <span className={classes}>
      <Icon name={spin ? 'spin' : (icon ?? tone)} small className={spin ? 'spin' : ''} />
      {children}
    </span>
  )
}
