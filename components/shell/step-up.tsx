'use client'
import { type FormEvent, useEffect, useState, useSyncExternalStore } from 'react'
import { useCredentials } from '../queries/credentials.ts'
import { problemOf } from '../queries/problem.ts'
import { useStepUp } from '../queries/session.ts'
import { passkeyToStepUp } from '../queries/sign-in.ts'
import { isProofAsked, onProofAsked, PROVED_CHANNEL, settleProof } from '../queries/step-up.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import { Icon } from '../ui/icon.tsx'
import { useSession } from './session.tsx'

const PROVED_PAGE = '/proved'

/** At the provider, in a tab of its own: what was entered on this page stays. */
function AtProvider({ provider, url }: { provider: string; url: string }) {
  const [open, setOpen] = useState(false)
  useEffect(() => {
    const channel = new BroadcastChannel(PROVED_CHANNEL)
    channel.onmessage = () => settleProof(true)
    return () => channel.close()
  }, [])
  const address = `${url}&returnTo=${encodeURIComponent(PROVED_PAGE)}`
  return (
    <div className="stack">
      <p>Sign in again at {provider}. It opens in a tab of its own; this page goes on by itself afterwards.</p>
      <a className="btn primary" href={address} target="_blank" rel="noopener" onClick={() => setOpen(true)}>
        <Icon name="open" small />
        Sign in again at {provider}
      </a>
      {open ? (
        <p className="row dim small" role="status">
          <Icon name="spin" small className="spin" />
          Waiting for {provider}
        </p>
      ) : null}
    </div>
  )
}

/** With the password, and a code where the account has one; or with a passkey. */
function WithLocalAccount() {
  const { account } = useSession()
  const credentials = useCredentials()
  const stepUp = useStepUp()
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [lost, setLost] = useState(false)
  const asksCode = credentials.data?.totp === true
  const hasPasskey = (credentials.data?.passkeys.length ?? 0) > 0
  const done = { onSuccess: () => settleProof(true) }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    stepUp.mutate({ password, ...(asksCode ? { code } : {}) }, done)
  }
  const byPasskey = async () => {
    setLost(false)
    try {
      stepUp.mutate({ passkey: await passkeyToStepUp() }, done)
    } catch {
      setLost(true)
    }
  }
  const refused = stepUp.isError && [400, 401, 403, 422].includes(problemOf(stepUp.error).status)
  return (
    <form className="stack" onSubmit={submit}>
      <input
        type="text"
        className="sr"
        autoComplete="username"
        value={account.name}
        readOnly
        tabIndex={-1}
        aria-hidden
      />
      <TextField
        label="Password"
        type="password"
        value={password}
        onValue={setPassword}
        autoComplete="current-password"
        autoFocus
        faults={
          refused
            ? [
                {
                  message: asksCode
                    ? 'Password and code do not fit. Wait for the next code.'
                    : 'The password does not fit.',
                },
              ]
            : []
        }
      />
      {asksCode ? (
        <TextField
          label="Code"
          value={code}
          onValue={(text) => setCode(text.replace(/\D/g, '').slice(0, 6))}
          inputMode="numeric"
          autoComplete="one-time-code"
          mono
          hint="The one that your authenticator shows now."
        />
      ) : null}
      {refused ? null : <ErrorBanner error={stepUp.error} />}
      {lost ? (
        <p className="errline" role="alert">
          <Icon name="bad" small />
          No passkey of this installation was used.
        </p>
      ) : null}
      <div className="row">
        <Button
          type="submit"
          look="primary"
          isDisabled={stepUp.isPending || password === '' || (asksCode && code.length !== 6)}
        >
          {stepUp.isPending ? 'Checking' : 'Go on'}
        </Button>
        {hasPasskey ? (
          <Button icon="key" onPress={() => void byPasskey()} isDisabled={stepUp.isPending}>
            Use a passkey
          </Button>
        ) : null}
        <Button look="quiet" className="push" onPress={() => settleProof(false)}>
          Cancel
        </Button>
      </div>
    </form>
  )
}

function Ways() {
  const { account, stepUpUrl } = useSession()
  return stepUpUrl ? (
    <AtProvider provider={account.providerName ?? 'your provider'} url={stepUpUrl} />
  ) : (
    <WithLocalAccount />
  )
}

/** Opens when a call needs a fresh proof of who asks, and lets the call go on afterwards. */
export function StepUp() {
  const asked = useSyncExternalStore(onProofAsked, isProofAsked, () => false)
  return (
    <Dialog title="Is it still you?" isOpen={asked} onClose={() => settleProof(false)}>
      <p>What you are about to do needs a fresh proof. Prove once more who you are; it counts for a few minutes.</p>
      {asked ? <Ways /> : null}
    </Dialog>
  )
}
