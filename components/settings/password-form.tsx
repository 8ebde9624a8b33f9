'use client'
import { zodResolver } from '@hookform/resolvers/zod'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { byField, problemOf } from '../queries/problem.ts'
import { useChangePassword } from '../queries/session.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { FormText } from '../ui/form-text.tsx'

const Form = z
  .object({
    current: z.string().min(1),
    next: z.string().min(12, 'At least 12 characters.').max(256, 'At most 256 characters.'),
    again: z.string(),
  })
  .refine(({ next, again }) => next === again, { path: ['again'], message: 'It differs from the one above.' })
type Form = z.infer<typeof Form>

const FIELDS = [
  { field: 'next', label: 'New password' },
  { field: 'again', label: 'New password again' },
] as const

interface Props {
  readonly className: string
  /** What the present password is called. */
  readonly current: string
  readonly onDone: () => void
}

/** The present password, and twice the one that takes its place. */
export function PasswordForm({ className, current, onDone }: Props) {
  const change = useChangePassword()
  const form = useForm<Form>({
    mode: 'onChange',
    resolver: zodResolver(Form),
    defaultValues: { current: '', next: '', again: '' },
  })
  const refused = byField(change.error ? problemOf(change.error) : undefined)
  const save = form.handleSubmit(({ current, next }) =>
    change.mutate(
      { current, next },
      {
        onSuccess: () => {
          form.reset()
          onDone()
        },
      },
    ),
  )
  return (
    <form className={className} onSubmit={(event) => void save(event)} aria-label="Change password">
      <ErrorBanner error={change.error} except={['current', 'next']} />
      <FormText
        control={form.control}
        name="current"
        label={current}
        type="password"
        autoComplete="current-password"
        refused={refused.get('current')}
      />
      {FIELDS.map(({ field, label }) => (
        <FormText
          key={field}
          control={form.control}
          name={field}
          label={label}
          type="password"
          autoComplete="new-password"
          refused={refused.get(field)}
        />
      ))}
      <div className="row">
        <Button type="submit" look="primary" isDisabled={!form.formState.isValid || change.isPending}>
          Change password
        </Button>
      </div>
    </form>
  )
}
