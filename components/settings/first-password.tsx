'use client'
import { SecretOnce } from '../ui/secret-once.tsx'
import { Moment } from '../ui/time.tsx'

interface Props {
  readonly name: string
  readonly password: string
  readonly passwordEndsAt: string | null
  readonly onClose: () => void
}

/** A password that was made for somebody, to be handed over. */
export const FirstPassword = ({ name, password, passwordEndsAt, onClose }: Props) => (
  <SecretOnce
    title={`First password of ${name}`}
    lines={[{ label: 'Password', text: password }]}
    words={
      <>
        Hand it over now: it is kept nowhere and shown only here. {name} signs in with it once and chooses another
        {passwordEndsAt ? (
          <>
            , until <Moment time={passwordEndsAt} long />
          </>
        ) : null}
        .
      </>
    }
    onClose={onClose}
  />
)
