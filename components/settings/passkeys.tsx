'use client'
import { type FormEvent, useState } from 'react'
import type { Passkey } from '#server/contract/sessions.ts'
import { useAddPasskey, useCredentials, useRemovePasskey } from '../queries/credentials.ts'
import { ProblemError } from '../queries/problem.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import { Icon } from '../ui/icon.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Moment } from '../ui/time.tsx'

/** Has the browser make a passkey, under a name. */
export function NewPasskey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('')
  const add = useAddPasskey()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate(name.trim(), { onSuccess: onClose })
  }
  return (
    <Dialog title="Add a passkey" isOpen onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p>Your browser asks for a fingerprint, a security key or your phone. What it makes never leaves the device.</p>
        <TextField
          label="Name"
          value={name}
          onValue={setName}
          maxLength={63}
          autoFocus
          autoComplete="off"
          hint="Which device: laptop, key on my ring."
        />
        {add.error instanceof ProblemError ? <ErrorBanner error={add.error} /> : null}
        {add.error && !(add.error instanceof ProblemError) ? (
          <p className="errline" role="alert">
            <Icon name="bad" small />
            The browser made no passkey: it was turned away, or this device has one already.
          </p>
        ) : null}
        <div className="row">
          <Button type="submit" look="primary" isDisabled={name.trim() === '' || add.isPending}>
            {add.isPending ? 'Waiting for your device' : 'Add passkey'}
          </Button>
          <Button look="quiet" onPress={onClose}>
            Cancel
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

/** One's passkeys: sign-in without a password, and proof that it is still oneself. */
export function Passkeys() {
  const credentials = useCredentials()
  const remove = useRemovePasskey()
  const [adding, setAdding] = useState(false)
  const [doomed, setDoomed] = useState<Passkey>()
  const passkeys = credentials.data?.passkeys
  return (
    <section className="card" aria-labelledby="h-passkeys">
      <header>
        <h2 id="h-passkeys">Passkeys</h2>
        <span className="push">
          <Button small icon="plus" onPress={() => setAdding(true)}>
            Add passkey
          </Button>
        </span>
      </header>
      <div className="in">
        <ErrorBanner error={credentials.error} />
        {credentials.isPending ? <Skeleton rows={1} /> : null}
        {passkeys?.length === 0 ? (
          <p className="mid">None yet. A passkey cannot be phished and needs no password: add one for each device.</p>
        ) : null}
        <ul className="lines">
          {passkeys?.map((passkey) => (
            <li key={passkey.id}>
              <Icon name="key" small />
              <span className="grow">
                <b>{passkey.name}</b>
                <span className="dim small">
                  since <Moment time={passkey.createdAt} />
                  {passkey.usedAt ? (
                    <>
                      , last used <Moment time={passkey.usedAt} />
                    </>
                  ) : (
                    ', not used yet'
                  )}
                  {passkey.backedUp ? ', kept by your password manager' : ''}
                </span>
              </span>
              <Button small look="quiet" aria-label={`Remove ${passkey.name}`} onPress={() => setDoomed(passkey)}>
                Remove
              </Button>
            </li>
          ))}
        </ul>
      </div>
      {adding ? <NewPasskey onClose={() => setAdding(false)} /> : null}
      {doomed ? (
        <Confirm
          title={`Remove ${doomed.name}?`}
          act="Remove passkey"
          isPending={remove.isPending}
          error={remove.error}
          onAct={() => remove.mutate(doomed.id, { onSuccess: () => setDoomed(undefined) })}
          onClose={() => setDoomed(undefined)}
        >
          <p>It signs in here no longer. Remove it from the device, too.</p>
        </Confirm>
      ) : null}
    </section>
  )
}
