'use client'
import { type ReactNode, useState } from 'react'
import { Button } from './button.tsx'
import { Checkbox } from './checkbox.tsx'
import { CopyLine } from './copy.tsx'
import { Dialog } from './dialog.tsx'

interface Props {
  readonly title: string
  readonly lines: readonly { readonly label: string; readonly text: string }[]
  readonly words: ReactNode
  readonly onClose: () => void
}

/** A secret that is shown this once: it goes away only when its person says that they have it. */
export function SecretOnce({ title, lines, words, onClose }: Props) {
  const [kept, setKept] = useState(false)
  return (
    <Dialog
      title={title}
      isOpen
      wide
      onClose={() => kept && onClose()}
      foot={
        <Button look="primary" isDisabled={!kept} onPress={onClose}>
          Done
        </Button>
      }
    >
      <p>{words}</p>
      {lines.map(({ label, text }) => (
        <CopyLine key={label} label={label} text={text} />
      ))}
      <Checkbox isSelected={kept} onChange={setKept}>
        I have put it where it belongs
      </Checkbox>
    </Dialog>
  )
}
