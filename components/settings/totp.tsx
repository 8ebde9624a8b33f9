'use client'
import { type FormEvent, useState } from 'react'
import { encode } from 'uqr'
import { useBeginTotp, useConfirmTotp, useCredentials, useRemoveTotp } from '../queries/credentials.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { CopyLine } from '../ui/copy.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import { Status } from '../ui/status.tsx'
import { toast } from '../ui/toast.tsx'

/** A QR code, dark on light in every theme: cameras want it so. */
function QrCode({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { border: 3 })
  const path = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join('')
  return (
    <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}

/** A new secret, and the first code of it. */
export function SetUpTotp({ secret, uri, onClose }: { secret: string; uri: string; onClose: () => void }) {
  const [code, setCode] = useState('')
  const confirm = useConfirmTotp()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    confirm.mutate(code, {
      onSuccess: () => {
        onClose()
        toast({ tone: 'ok', text: 'From now on Weft asks for a code' })
      },
    })
  }
  return (
    <Dialog title="Codes from an authenticator" isOpen wide onClose={onClose}>
      <form className="totp" onSubmit={submit}>
        <QrCode text={uri} label="The secret as a QR code" />
        <div className="stack">
          <p>Scan it with an authenticator, or type the secret there. Then enter the code that it shows.</p>
          <CopyLine label="Secret" text={secret.match(/.{1,4}/g)?.join(' ') ?? secret} />
          <TextField
            label="Code"
            value={code}
            onValue={(text) => setCode(text.replace(/\D/g, '').slice(0, 6))}
            inputMode="numeric"
            autoComplete="one-time-code"
            autoFocus
            mono
          />
          <ErrorBanner error={confirm.error} />
          <div className="row">
            <Button type="submit" look="primary" isDisabled={code.length !== 6 || confirm.isPending}>
              Ask for codes
            </Button>
            <Button look="quiet" onPress={onClose}>
              Cancel
            </Button>
          </div>
        </div>
      </form>
    </Dialog>
  )
}

/** Codes by time as a second factor beside the password. */
export function Totp() {
  const credentials = useCredentials()
  const begin = useBeginTotp()
  const remove = useRemoveTotp()
  const [removing, setRemoving] = useState(false)
  const on = credentials.data?.totp
  return (
    <section className="card" aria-labelledby="h-totp">
      <header>
        <h2 id="h-totp">Codes</h2>
        {on ? (
          <Status tone="ok" calm>
            Asked for at sign-in
          </Status>
        ) : null}
        <span className="push">
          {on ? (
            <Button small onPress={() => setRemoving(true)}>
              Turn off
            </Button>
          ) : (
            <Button small isDisabled={on === undefined || begin.isPending} onPress={() => begin.mutate()}>
              Set up
            </Button>
          )}
        </span>
      </header>
      <div className="in">
        <p className="mid">
          Beside the password Weft asks for six digits that an authenticator shows for half a minute.
        </p>
        <ErrorBanner error={begin.error} />
      </div>
      {begin.data ? <SetUpTotp {...begin.data} onClose={() => begin.reset()} /> : null}
      {removing ? (
        <Confirm
          title="Ask for no more codes?"
          act="Turn off"
          isPending={remove.isPending}
          error={remove.error}
          onAct={() => remove.mutate(undefined, { onSuccess: () => setRemoving(false) })}
          onClose={() => setRemoving(false)}
        >
          <p>The password alone signs in then. The secret in your authenticator is worth nothing any more.</p>
        </Confirm>
      ) : null}
    </section>
  )
}
