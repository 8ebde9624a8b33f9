'use client'
import { useState } from 'react'
import type { Session } from '#server/contract/session.ts'
import { useReadSession } from '../queries/session.ts'
import { PasswordForm } from '../settings/password-form.tsx'
import { SessionProvider } from '../shell/session.tsx'
import { StepUp } from '../shell/step-up.tsx'
import { useLeave } from '../shell/user-menu.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Icon } from '../ui/icon.tsx'
import { Frame } from './frame.tsx'
import { SecondFactor } from './second-factor.tsx'
import { placeWords } from './words.ts'

const TITLES = { password: 'Choose your own password', 'second-factor': 'A second factor' } as const

/** What a session has to settle before it is good for anything else: one thing after the other, then on. */
export function Owed({ session: first, next }: { session: Session; next: string }) {
  const [session, setSession] = useState(first)
  const read = useReadSession()
  const leave = useLeave()
  const [duty] = session.owes
  const goOn = () =>
    read.mutate(undefined, {
      onSuccess: (now) => {
        if (now.owes.length === 0) window.location.assign(next)
        else setSession(now)
      },
    })
  return (
    <SessionProvider session={session}>
      <Frame>
        <div className="lead">
          {first.owes.length > 1 ? (
            <p className="dim small">
              Step {first.owes.length - session.owes.length + 1} of {first.owes.length}
            </p>
          ) : null}
          <h1>{duty ? TITLES[duty] : 'All is settled'}</h1>
          {duty === 'password' ? (
            <p className="mid">
              The one for {session.account.name} was made to sign in once. Yours is known to nobody else.
            </p>
          ) : null}
        </div>
        <ErrorBanner error={read.error} onRetry={goOn} />
        {duty === 'password' ? (
          <PasswordForm className="signform" current="Password that you were given" onDone={goOn} />
        ) : null}
        {duty === 'second-factor' ? <SecondFactor session={session} next={next} onDone={goOn} /> : null}
        <hr className="rule" />
        <p className="row mid account">
          <Icon name="person" small />
          <button type="button" className="linkish" onClick={() => leave(false)}>
            Sign out
          </button>
          <span className="push dim">signed in as {session.account.name}</span>
        </p>
        {next === '/' ? null : (
          <p className="hint">
            You go on to <b>{placeWords(next)}</b> afterwards.
          </p>
        )}
      </Frame>
      <StepUp />
    </SessionProvider>
  )
}
