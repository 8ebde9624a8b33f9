'use client'
import { useRef, useState } from 'react'
import { Button } from './button.tsx'
import type { FieldFault } from './field.tsx'
import { TextArea } from './text-area.tsx'

interface Props {
  readonly label: string
  readonly value: string
  readonly onValue: (text: string) => void
  readonly placeholder?: string
  readonly accept?: string
  /** Largest file that is read, in bytes. */
  readonly limit: number
  readonly rows?: number
  readonly faults?: readonly FieldFault[]
}

/** Text that is pasted, dropped, or read from a file. */
export function PasteFile({ label, value, onValue, placeholder, accept, limit, rows, faults = [] }: Props) {
  const input = useRef<HTMLInputElement>(null)
  const [name, setName] = useState<string>()
  const [tooLarge, setTooLarge] = useState(false)
  const read = async (file: File | undefined) => {
    if (!file) return
    setTooLarge(file.size > limit)
    if (file.size > limit) return
    setName(file.name)
    onValue(await file.text())
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a file may be dropped on the text, which is reached by its label
    <div
      className="pastefile"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault()
        void read(event.dataTransfer.files[0])
      }}
    >
      <TextArea
        label={label}
        value={value}
        onValue={(text) => {
          setName(undefined)
          onValue(text)
        }}
        {...(placeholder ? { placeholder } : {})}
        {...(rows ? { rows } : {})}
        faults={[
          ...(tooLarge ? [{ message: `The file is larger than ${Math.round(limit / 1024)} KiB.` }] : []),
          ...faults,
        ]}
      />
      <div className="row">
        <input
          ref={input}
          type="file"
          className="sr"
          tabIndex={-1}
          aria-hidden="true"
          {...(accept ? { accept } : {})}
          onChange={(event) => void read(event.target.files?.[0])}
        />
        <Button small onPress={() => input.current?.click()}>
          Choose a file
        </Button>
        <span className="dim small">{name ?? 'or drop one on the text'}</span>
      </div>
    </div>
  )
}
