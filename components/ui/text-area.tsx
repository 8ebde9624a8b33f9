'use client'
import { type ReactNode, useId } from 'react'
import { Faults, type FieldFault } from './field.tsx'

interface Props {
  readonly label: string
  readonly value: string
  readonly onValue: (value: string) => void
  readonly rows?: number
  readonly placeholder?: string
  readonly hint?: ReactNode
  readonly faults?: readonly FieldFault[]
}

/** Labelled lines of text as machines write them. */
export function TextArea({ label, value, onValue, rows = 6, placeholder, hint, faults = [] }: Props) {
  const id = useId()
  const described = [hint ? `${id}-hint` : '', faults.length > 0 ? `${id}-faults` : ''].filter(Boolean).join(' ')
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        className={`input area mono${faults.length > 0 ? ' err' : ''}`}
        rows={rows}
        spellCheck={false}
        autoComplete="off"
        value={value}
        placeholder={placeholder}
        onChange={(event) => onValue(event.target.value)}
        aria-invalid={faults.length > 0 || undefined}
        aria-describedby={described || undefined}
      />
      {hint ? (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      ) : null}
      <Faults id={`${id}-faults`} faults={faults} />
    </div>
  )
}
