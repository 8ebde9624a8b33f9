'use client'
import type { ComponentProps } from 'react'
import { type Control, Controller, type FieldPath, type FieldValues } from 'react-hook-form'
import type { ProblemDetail } from '#server/contract/base.ts'
import { faultsOf, TextField } from './field.tsx'

interface Props<Values extends FieldValues>
  extends Omit<ComponentProps<typeof TextField>, 'name' | 'value' | 'onValue' | 'onBlur' | 'faults'> {
  readonly control: Control<Values>
  readonly name: FieldPath<Values>
  /** What the API refused of it. */
  readonly refused: readonly ProblemDetail[] | undefined
}

/** A line of text in a form: its own fault once one has left it, and what the API refused. */
export function FormText<Values extends FieldValues>({ control, name, refused, ...rest }: Props<Values>) {
  return (
    <Controller
      control={control}
      name={name}
      render={({ field: { value, onChange, onBlur }, fieldState, formState }) => {
        const own = fieldState.isTouched || formState.isSubmitted ? fieldState.error?.message : undefined
        return (
          <TextField
            {...rest}
            value={value}
            onValue={onChange}
            onBlur={onBlur}
            faults={[...(own ? [{ message: own }] : []), ...faultsOf(refused)]}
          />
        )
      }}
    />
  )
}
