'use client'
import Link from 'next/link'
import type { ReactNode } from 'react'
import { Button as AriaButton, type ButtonProps } from 'react-aria-components'
import { Icon, type IconName } from './icon.tsx'

export type Look = 'plain' | 'primary' | 'quiet'

interface Common {
  readonly look?: Look
  readonly small?: boolean
  readonly icon?: IconName
  readonly className?: string
}

const classOf = ({ look = 'plain', small, className }: Common) =>
  ['btn', look === 'plain' ? '' : look, small ? 'sm' : '', className ?? ''].filter(Boolean).join(' ')

export function Button({
  look,
  small,
  icon,
  className,
  children,
  ...rest
}: Common & Omit<ButtonProps, 'className' | 'children'> & { children: ReactNode }) {
  return (
    <AriaButton {...rest} className={classOf({ look, small, className } as Common)}>
      {icon ? <Icon name={icon} small /> : null}
      {children}
    </AriaButton>
  )
}

/** A link that looks like a button: it leads somewhere, it does nothing. */
export function ButtonLink({
  look,
  small,
  icon,
  className,
  href,
  children,
}: Common & { href: string; children: ReactNode }) {
  return (
    <Link className={classOf({ look, small, className } as Common)} href={href}>
      {icon ? <Icon name={icon} small /> : null}
      {children}
    </Link>
  )
}

/** A button of an icon alone: its name is spoken and shown as a hint. */
export function IconButton({
  name,
  icon,
  count,
  className,
  ...rest
}: { name: string; icon: IconName; count?: number; className?: string } & Omit<ButtonProps, 'className' | 'children'>) {
  return (
    <AriaButton {...rest} aria-label={name} className={`iconbtn${className ? ` ${className}` : ''}`}>
      <Icon name={icon} />
      {count ? <span className="cnt">{count}</span> : null}
    </AriaButton>
  )
}
