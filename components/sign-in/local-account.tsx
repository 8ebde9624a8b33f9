'use client'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import type { Session } from '#server/contract/session.ts'
import { problemOf } from '../queries/problem.ts'
import { useSignIn } from '../queries/session.ts'
import { passkeyToSignIn } from '../queries/sign-in.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { TextField } from '../ui/field.tsx'
import { Icon } from '../ui/icon.tsx'
import { useInBrowser } from '../ui/time.tsx'
import { keepLastUsed } from './last-used.ts'
import { owedAt } from './next.ts'

const REFUSED = [400, 401, 403, 422]

/** Name and password, a code where the account has one, or a passkey. */
export function LocalAccount({ next, onOther }: { next: string; onOther: () => void }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const inBrowser = useInBrowser()
  const signIn = useSignIn()
  const passkey = useMutation({
    mutationFn: async () => signIn.mutateAsync({ passkey: await passkeyToSignIn() }),
  })
  const problem = signIn.isError ? problemOf(signIn.error) : undefined
  const [asksCode, setAsksCode] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  // What a password manager, or a quick person, entered before the page was alive counts, too.
  useEffect(() => {
    const entered = new FormData(form.current ?? undefined)
    setName((was) => was || String(entered.get('username') ?? ''))
    setPassword((was) => was || String(entered.get('password') ?? ''))
  }, [])
  const goOn = ({ owes }: Session) => {
    keepLastUsed('local')
    window.location.assign(owes.length > 0 ? owedAt(next) : next)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    signIn.mutate(
      { name: name.trim(), password, ...(asksCode ? { code } : {}) },
      {
        onSuccess: goOn,
        onError: (error) => problemOf(error).code === 'code-required' && setAsksCode(true),
      },
    )
  }
  const refused = problem !== undefined && problem.code !== 'code-required' && REFUSED.includes(problem.status)
  const busy = signIn.isPending || signIn.isSuccess
  const mend = 'After too many attempts Weft waits before it listens again.'
  return (
    <form ref={form} className="signform" onSubmit={submit} aria-label="Sign in">
      <div className="lead">
        <h1>Sign in</h1>
        <p className="mid">
          {asksCode
            ? `${name.trim()} is protected by codes: enter the one that your authenticator shows.`
            : 'With a local account of this installation.'}
        </p>
      </div>
      {asksCode ? (
        <TextField
          label="Code"
          name="code"
          value={code}
          onValue={(text) => setCode(text.replace(/\D/g, '').slice(0, 6))}
          autoComplete="one-time-code"
          inputMode="numeric"
          autoFocus
          required
          mono
          faults={
            refused ? [{ message: 'The code does not fit, or was used already. Wait for the next one.', mend }] : []
          }
        />
      ) : (
        <>
          <TextField
            label="Name"
            name="username"
            value={name}
            onValue={setName}
            autoComplete="username webauthn"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
            required
          />
          <TextField
            label="Password"
            name="password"
            type="password"
            value={password}
            onValue={setPassword}
            autoComplete="current-password"
            required
            faults={refused ? [{ message: 'Name and password do not fit together.', mend }] : []}
          />
        </>
      )}
      {problem && !refused && problem.code !== 'code-required' ? <ErrorBanner error={signIn.error} /> : null}
      {passkey.isError && !signIn.isError ? (
        <p className="errline" role="alert">
          <Icon name="bad" small />
          No passkey of this installation was used. Try again, or use the password.
        </p>
      ) : null}
      <Button
        look="primary"
        type="submit"
        isDisabled={!inBrowser || busy || name.trim() === '' || password === '' || (asksCode && code.length !== 6)}
      >
        {busy ? 'Signing in' : 'Sign in'}
        <Icon name="arrow" />
      </Button>
      {asksCode ? (
        <Button
          look="quiet"
          onPress={() => {
            setAsksCode(false)
            setCode('')
            signIn.reset()
          }}
        >
          Back
        </Button>
      ) : (
        <Button
          icon="key"
          isDisabled={!inBrowser || busy || passkey.isPending}
          onPress={() => passkey.mutate(undefined, { onSuccess: goOn })}
        >
          {passkey.isPending ? 'Waiting for your passkey' : 'Use a passkey'}
        </Button>
      )}
      <hr className="rule" />
      <p className="row mid account">
        <Icon name="badge" small />
        <button type="button" className="linkish" onClick={onOther}>
          Use an identity provider
        </button>
        <span className="push dim">found by your e-mail address</span>
      </p>
    </form>
  )
}
