'use client'
import type { ReactNode } from 'react'
import { ErrorBanner } from './banner.tsx'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'

interface Props {
  readonly title: string
  readonly act: string
  readonly keep?: string
  readonly isPending: boolean
  readonly error: unknown
  readonly onAct: () => void
  readonly onClose: () => void
  readonly children: ReactNode
}

/** Asks before something that cannot be taken back: what will follow, and two ways out. */
export function Confirm({ title, act, keep = 'Keep', isPending, error, onAct, onClose, children }: Props) {
  return (
    <Dialog
      title={title}
      role="alertdialog"
      isOpen
      onClose={onClose}
      foot={
        <>
          <Button look="quiet" onPress={onClose}>
            {keep}
          </Button>
          <Button look="primary" isDisabled={isPending} onPress={onAct}>
            {act}
          </Button>
        </>
      }
    >
      {children}
      <ErrorBanner error={error} />
    </Dialog>
  )
}
