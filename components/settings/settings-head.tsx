'use client'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { type ReactNode, useState } from 'react'
import { Dialog, Modal, ModalOverlay } from 'react-aria-components'
import { SETTINGS } from '../shell/areas.ts'
import { Icon } from '../ui/icon.tsx'
import { SettingsLinks } from './settings-nav.tsx'

/** On a phone, where nothing fits beside the page: a button with all pages behind it. */
function Pick() {
  const [open, setOpen] = useState(false)
  return (
    <>
      <button type="button" className="setpick only-s" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        Settings
        <Icon name="down" small />
      </button>
      <ModalOverlay className="veil sheet" isOpen={open} onOpenChange={setOpen} isDismissable>
        <Modal className="pane float">
          <Dialog className="dialog" aria-label="Settings">
            <div className="grip" />
            <div className="setsheet">
              <SettingsLinks onGo={() => setOpen(false)} />
            </div>
          </Dialog>
        </Modal>
      </ModalOverlay>
    </>
  )
}

/** Title of a page of the settings, its status and its actions; `title` where it is one object of the page’s list. */
export function SettingsHead({ title, children }: { title?: string; children?: ReactNode }) {
  const path = usePathname()
  const page =
    SETTINGS.find(({ href }) => path === href) ??
    SETTINGS.find(({ href }) => href !== '/settings' && path.startsWith(`${href}/`))
  return (
    <div className="pagehead">
      <Pick />
      {title && page ? (
        <nav className="crumb" aria-label="Path">
          <Link href={page.href}>{page.label}</Link>
        </nav>
      ) : null}
      <h1>{title ?? page?.label ?? 'Settings'}</h1>
      {children ? <div className="row push headacts">{children}</div> : null}
    </div>
  )
}
