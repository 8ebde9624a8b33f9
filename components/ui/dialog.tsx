'use client'
import type { ReactNode } from 'react'
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { IconButton } from './button.tsx'

interface Props {
  readonly title: string
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly children: ReactNode
  readonly foot?: ReactNode
  readonly wide?: boolean
  readonly role?: 'dialog' | 'alertdialog'
}

/** A dialog over the page: title, content, and the ways out at its foot. */
export function Dialog({ title, isOpen, onClose, children, foot, wide, role = 'dialog' }: Props) {
  return (
    <ModalOverlay className="veil" isOpen={isOpen} onOpenChange={(open) => open || onClose()} isDismissable>
      <Modal className={`modal float${wide ? ' wide' : ''}`}>
        <AriaDialog role={role} className="dialog">
          <header>
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            <IconButton name="Close" icon="close" className="push" onPress={onClose} />
          </header>
          <div className="dialog-in">{children}</div>
          {foot ? <footer>{foot}</footer> : null}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  )
}
