'use client'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { Session } from '#server/contract/session.ts'
import { useBeginTotp, useCredentials } from '../queries/credentials.ts'
import { ProblemError } from '../queries/problem.ts'
import { useStepUp } from '../queries/session.ts'
import { passkeyToStepUp } from '../queries/sign-in.ts'
import { NewPasskey } from '../settings/passkeys.tsx'
import { SetUpTotp } from '../settings/totp.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import '../settings/settings.css'

/** Proves a passkey that is there, which settles what the session owes. */
function ProvePasskey({ onDone }: { onDone: () => void }) {
  const stepUp = useStepUp()
  const prove = useMutation({ mutationFn: async () => stepUp.mutateAsync({ passkey: await passkeyToStepUp() }) })
  return (
    <>
      <p className="mid">Use your passkey now: a password alone is not enough here.</p>
      {prove.error instanceof ProblemError ? <ErrorBanner error={prove.error} /> : null}
      {prove.error && !(prove.error instanceof ProblemError) ? (
        <p className="errline" role="alert">
          <Icon name="bad" small />
          No passkey of this installation was used. Try again.
        </p>
      ) : null}
      <Button
        look="primary"
        icon="key"
        isDisabled={prove.isPending}
        onPress={() => prove.mutate(undefined, { onSuccess: onDone })}
      >
        {prove.isPending ? 'Waiting for your passkey' : 'Use your passkey'}
      </Button>
    </>
  )
}

const ASKED: Readonly<Record<Session['secondFactor'], string>> = {
  optional: '',
  required: 'A password alone is not enough here. A passkey cannot be phished; an authenticator shows codes.',
  passkey: 'Only passkeys sign in here: they cannot be phished.',
  hardware: 'Only passkeys that stay in their device sign in here, such as those of a security key.',
}

/** Adds what is missing, or proves what is there. */
function OwnFactors({ session, onDone }: { session: Session; onDone: () => void }) {
  const credentials = useCredentials()
  const totp = useBeginTotp()
  const [adding, setAdding] = useState(false)
  const hasPasskey = (credentials.data?.passkeys.length ?? 0) > 0
  // Where one does not count, another one does.
  const lacksBound = session.secondFactor === 'hardware' && session.method === 'passkey'
  if (credentials.isPending) return <Skeleton rows={2} />
  return (
    <div className="signform">
      <ErrorBanner error={credentials.error ?? totp.error} onRetry={() => void credentials.refetch()} />
      {hasPasskey && !lacksBound ? (
        <ProvePasskey onDone={onDone} />
      ) : (
        <>
          <p className="mid">{ASKED[session.secondFactor]}</p>
          <Button look="primary" icon="key" onPress={() => setAdding(true)}>
            Add a passkey
          </Button>
          {session.secondFactor === 'required' ? (
            <Button icon="lock" isDisabled={totp.isPending} onPress={() => totp.mutate()}>
              Use an authenticator
            </Button>
          ) : null}
        </>
      )}
      {adding ? <NewPasskey onClose={() => setAdding(false)} /> : null}
      {totp.data ? (
        <SetUpTotp
          {...totp.data}
          onClose={() => {
            totp.reset()
            onDone()
          }}
        />
      ) : null}
    </div>
  )
}

/** A second factor: of one's own account, or asked for by one's provider. */
export function SecondFactor({ session, next, onDone }: { session: Session; next: string; onDone: () => void }) {
  if (session.stepUpUrl === null) return <OwnFactors session={session} onDone={onDone} />
  const provider = session.account.providerName ?? 'your provider'
  return (
    <div className="signform">
      <p className="mid">{provider} signed you in by a single factor, which is not enough here.</p>
      <a className="btn primary" href={`${session.stepUpUrl}&returnTo=${encodeURIComponent(next)}`}>
        Sign in again at {provider}
        <Icon name="arrow" />
      </a>
    </div>
  )
}
