'use client'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { problemOf } from '../queries/problem.ts'
import { useSignIn } from '../queries/session.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { TextField } from '../ui/field.tsx'
import { Icon, Mark } from '../ui/icon.tsx'
import { useInBrowser } from '../ui/time.tsx'
import { WeavePicture } from './weave-picture.tsx'
import './sign-in.css'

/** Where one returns to, in words. */
const wordsOf = (next: string): string => {
  const [area = '', name] = next.split('?')[0]?.slice(1).split('/') ?? []
  return `${area[0]?.toUpperCase() ?? ''}${area.slice(1)}${name && name.length < 20 ? `, ${name}` : ''}`
}

export function SignIn({ next }: { next: string }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const inBrowser = useInBrowser()
  const signIn = useSignIn()
  const refused = signIn.isError && [400, 401, 422].includes(problemOf(signIn.error).status)
  const form = useRef<HTMLFormElement>(null)
  // What a password manager, or a quick person, entered before the page was alive counts, too.
  useEffect(() => {
    const entered = new FormData(form.current ?? undefined)
    setName(String(entered.get('username') ?? ''))
    setPassword(String(entered.get('password') ?? ''))
  }, [])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    signIn.mutate({ name: name.trim(), password }, { onSuccess: () => window.location.assign(next) })
  }
  return (
    <div className="signin">
      <main className="pane">
        <div className="brand">
          <Mark />
          <span>Weft</span>
        </div>
        <form ref={form} className="box2" onSubmit={submit} aria-label="Sign in">
          <div className="lead">
            <h1>Sign in</h1>
            <p className="mid">With your local account on this installation.</p>
          </div>
          <TextField
            label="Name"
            name="username"
            value={name}
            onValue={setName}
            autoComplete="username"
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
            faults={
              refused
                ? [
                    {
                      message: 'Name and password do not fit together.',
                      mend: 'After too many attempts Weft waits before it listens again.',
                    },
                  ]
                : []
            }
          />
          {refused ? null : <ErrorBanner error={signIn.error} />}
          <Button
            look="primary"
            type="submit"
            isDisabled={!inBrowser || signIn.isPending || signIn.isSuccess || name.trim() === '' || password === ''}
          >
            {signIn.isPending || signIn.isSuccess ? 'Signing in' : 'Sign in'}
            <Icon name="arrow" />
          </Button>
          {next === '/' ? null : (
            <p className="hint">
              You return to <b>{wordsOf(next)}</b> afterwards.
            </p>
          )}
          <hr className="rule" />
          <p className="row mid account">
            <Icon name="person" small />
            No account yet?<span className="push dim">An operator makes one under Settings</span>
          </p>
        </form>
        <div className="ft">
          <span suppressHydrationWarning>{inBrowser ? window.location.host : ''}</span>
          <span>Every sign-in is kept in the audit log</span>
        </div>
      </main>
      <aside className="art" aria-hidden="true">
        <WeavePicture />
        <div className="say">
          <div className="box">
            <h2>Servers are the warp, networks the weft</h2>
            <ul>
              <li>
                <Icon name="change" />
                Nothing moves until you commit: every change shows first what each datapath will hold.
              </li>
              <li>
                <Icon name="undo" />
                What does not hold everywhere is undone everywhere.
              </li>
            </ul>
          </div>
        </div>
      </aside>
    </div>
  )
}
