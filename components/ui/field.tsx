'use client'
import { type ComponentProps, type ReactNode, useId } from 'react'
import type { ProblemDetail } from '#server/contract/base.ts'
import { Button } from './button.tsx'
import { Icon } from './icon.tsx'

/** One thing that is wrong with a field: what and why, and where there is one, the mend as a button. */
export interface FieldFault {
  readonly message: string
  readonly mend?: string
  readonly mends?: readonly { readonly label: string; readonly apply: () => void }[]
}

/** What the API refused, in the form that a field shows. */
export const faultsOf = (details: readonly ProblemDetail[] | undefined): readonly FieldFault[] =>
  (details ?? []).map(({ message, mend }) => ({ message, mend }))

/** The lines under a field. They stand in reserved flow, so that nothing above them jumps. */
export function Faults({ id, faults }: { id?: string; faults: readonly FieldFault[] }) {
  if (faults.length === 0) return null
  return (
    <div id={id} className="faults" role="alert">
      {faults.map((fault) => (
        <div key={fault.message} className="fault">
          <div className="errline">
            <Icon name="bad" small />
            <span>
              {fault.message} {fault.mend ? <span className="mid">{fault.mend}</span> : null}
            </span>
          </div>
          {fault.mends?.length ? (
            <div className="mend">
              {fault.mends.map((mend, index) => (
                <Button key={mend.label} small look={index === 0 ? 'plain' : 'quiet'} onPress={mend.apply}>
                  {mend.label}
                </Button>
              ))}
            </div>
          ) : null}
        </div>
      ))}
    </div>
  )
}

interface Props extends Omit<ComponentProps<'input'>, 'id' | 'onChange' | 'value'> {
  readonly label: string
  readonly optional?: boolean
  readonly value: string
  readonly onValue: (value: string) => void
  readonly faults?: readonly FieldFault[]
  readonly mono?: boolean
  /** Said inside the field at its right: what was understood. */
  readonly note?: ReactNode
  readonly hint?: ReactNode
}

/** A labelled line of text with its faults below. */
export function TextField({ label, optional, value, onValue, faults = [], mono, note, hint, ...rest }: Props) {
  const id = useId()
  const described = [hint ? `${id}-hint` : '', faults.length > 0 ? `${id}-faults` : ''].filter(Boolean).join(' ')
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {optional ? (
          <span className="dim optional" aria-hidden="true">
            {' '}
            optional
          </span>
        ) : null}
      </label>
      <div className={`input${mono ? ' mono' : ''}${faults.length > 0 ? ' err' : ''}`}>
        <input
          {...rest}
          id={id}
          value={value}
          onChange={(event) => onValue(event.target.value)}
          aria-invalid={faults.length > 0 || undefined}
          aria-describedby={described || undefined}
        />
        {note ? <span className="push note-in">{note}</span> : null}
      </div>
      {hint ? (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      ) : null}
      <Faults id={`${id}-faults`} faults={faults} />
    </div>
  )
}
