import type { ReactNode } from 'react'
import { Icon, type IconName } from './icon.tsx'

/** An empty place that teaches: what belongs here, and the first step. */
export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon: IconName
  title: string
  children: ReactNode
  action?: ReactNode
}) {
  return (
    <div className="empty">
      <span className="dim">
        <Icon name={icon} />
      </span>
      <b>{title}</b>
      <p>{children}</p>
      {action ? <div className="row">{action}</div> : null}
    </div>
  )
}
