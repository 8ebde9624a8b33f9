'use client'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { useState } from 'react'
import { Dialog, Modal, ModalOverlay } from 'react-aria-components'
import { Icon, type IconName } from '../ui/icon.tsx'
import { areasFor, INVENTORY, isInside } from './areas.ts'
import { useSession } from './session.tsx'

const PAGE_ICONS: Readonly<Record<string, IconName>> = {
  NICs: 'chip',
  Datapaths: 'switch',
  Attachments: 'port',
  Tenants: 'person',
}

/** On a phone: four areas and More, which opens a sheet with all. */
export function TabBar() {
  const { rights } = useSession()
  const path = usePathname()
  const [open, setOpen] = useState(false)
  const areas = areasFor(rights)
  const pages = [
    ...INVENTORY.filter((page) => page.href !== '/inventory' && rights.includes(page.right)).map((page) => ({
      ...page,
      icon: PAGE_ICONS[page.label] ?? 'port',
    })),
  ]
  return (
    <>
      <nav className="tabbar" aria-label="Areas on a phone">
        {areas.slice(0, 4).map((area) => (
          <Link key={area.href} href={area.href} aria-current={isInside(area, path) ? 'page' : undefined}>
            <Icon name={area.icon} />
            {area.label}
          </Link>
        ))}
        <button type="button" aria-haspopup="dialog" onClick={() => setOpen(true)}>
          <Icon name="menu" />
          More
        </button>
      </nav>
      <ModalOverlay className="veil sheet" isOpen={open} onOpenChange={setOpen} isDismissable>
        <Modal className="pane float">
          <Dialog className="dialog" aria-label="All areas">
            <div className="grip" />
            <nav aria-label="All areas">
              {[...areas, ...pages].map((page) => (
                <Link key={page.href} href={page.href} onClick={() => setOpen(false)}>
                  <Icon name={page.icon} />
                  {page.label}
                </Link>
              ))}
            </nav>
          </Dialog>
        </Modal>
      </ModalOverlay>
    </>
  )
}
