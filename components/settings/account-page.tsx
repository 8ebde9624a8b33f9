'use client'
import { zodResolver } from '@hookform/resolvers/zod'
import { useTheme } from 'next-themes'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { byField, problemOf } from '../queries/problem.ts'
import { useChangePassword } from '../queries/session.ts'
import { roleWords, useSession } from '../shell/session.tsx'
import { THEMES } from '../shell/user-menu.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { FormText } from '../ui/form-text.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { Moment, useInBrowser } from '../ui/time.tsx'
import { toast } from '../ui/toast.tsx'
import { NewPassword } from './new-password.ts'
import { SettingsHead } from './settings-head.tsx'
import './settings.css'

const Form = z
  .object({
    current: z.string().min(1),
    next: NewPassword,
    again: z.string(),
  })
  .refine(({ next, again }) => next === again, { path: ['again'], message: 'It differs from the one above.' })
type Form = z.infer<typeof Form>

const FIELDS = [
  { field: 'current', label: 'Current password', autoComplete: 'current-password' },
  { field: 'next', label: 'New password', autoComplete: 'new-password' },
  { field: 'again', label: 'New password again', autoComplete: 'new-password' },
] as const

function Password() {
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
          toast({ tone: 'ok', text: 'Your password is changed' })
        },
      },
    ),
  )
  return (
    <section className="card" aria-labelledby="h-password">
      <header>
        <h2 id="h-password">Password</h2>
      </header>
      <form className="in stack" onSubmit={(event) => void save(event)}>
        <ErrorBanner error={change.error} except={['current', 'next']} />
        {FIELDS.map(({ field, label, autoComplete }) => (
          <FormText
            key={field}
            control={form.control}
            name={field}
            label={label}
            type="password"
            autoComplete={autoComplete}
            refused={refused.get(field)}
          />
        ))}
        <div className="row">
          <Button type="submit" look="primary" isDisabled={!form.formState.isValid || change.isPending}>
            Change password
          </Button>
        </div>
      </form>
    </section>
  )
}

/** Who one is, what one may do, how it looks. */
export function AccountPage() {
  const { account, rights, product, expiresAt } = useSession()
  const { theme, setTheme } = useTheme()
  const inBrowser = useInBrowser()
  return (
    <>
      <SettingsHead />
      <div className="body set">
        <section className="card" aria-labelledby="h-who">
          <header>
            <h2 id="h-who">{account.displayName}</h2>
            <span className="push tag">{roleWords(account.role)}</span>
          </header>
          <div className="in">
            <dl className="facts">
              <dt>Name</dt>
              <dd>{account.name}</dd>
              <dt>Tenant</dt>
              <dd>{account.tenantName ?? 'all of them'}</dd>
              <dt>Signed in until</dt>
              <dd>
                <Moment time={expiresAt} long />
              </dd>
              <dt>Rights</dt>
              <dd className="rights">
                {rights.map((right) => (
                  <span key={right} className="tag">
                    {right}
                  </span>
                ))}
              </dd>
              <dt>Installation</dt>
              <dd>
                {product.name} {product.version}
                {product.instance ? `, ${product.instance}` : ''}
                {product.demo ? ', with the demo lab' : ''}
              </dd>
            </dl>
          </div>
        </section>
        <section className="card" aria-labelledby="h-theme">
          <header>
            <h2 id="h-theme">Theme</h2>
          </header>
          <div className="in">
            {inBrowser ? (
              <Segmented
                label="Theme"
                options={THEMES}
                value={(theme ?? 'system') as (typeof THEMES)[number]['id']}
                onValue={setTheme}
              />
            ) : null}
          </div>
        </section>
        <Password />
      </div>
    </>
  )
}
