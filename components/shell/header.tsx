'use client'
import Link from 'next/link'
import { Mark } from '../ui/icon.tsx'
import { Alerts } from './alerts.tsx'
import { ChangePill } from './change-pill.tsx'
import { Palette } from './palette.tsx'
import { useSession } from './session.tsx'
import { UserMenu } from './user-menu.tsx'

export function Header() {
  const { product } = useSession()
  return (
    <header className="header">
      <Link className="brand only-s" href="/" aria-label={product.name}>
        <Mark />
      </Link>
      <Palette />
      <div className="tools">
        <ChangePill />
        <Alerts />
        <UserMenu />
      </div>
    </header>
  )
}
