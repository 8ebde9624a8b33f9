'use client'
import { useState } from 'react'
import { Banner } from '../ui/banner.tsx'
import { FindProvider } from './find-provider.tsx'
import { Frame } from './frame.tsx'
import type { LastUsed } from './last-used.ts'
import { LocalAccount } from './local-account.tsx'
import { placeWords } from './words.ts'

interface Props {
  /** The page to go on to. */
  readonly next: string
  readonly last: LastUsed | null
  /** Whose people are wanted, where that is known. */
  readonly tenant: string | null
  /** Reference of a sign-in that was refused. */
  readonly refused: string | null
}

/** Sign-in: through the identity provider of an e-mail address or tenant, or with a local account. */
export function SignIn({ next, last, tenant, refused }: Props) {
  const [local, setLocal] = useState(last === 'local')
  return (
    <Frame>
      {refused ? (
        <Banner tone="bad" title="Signing in did not work">
          Try again. If it happens again, tell your administrator this reference:{' '}
          <code className="mono">{refused}</code>
        </Banner>
      ) : null}
      {local ? (
        <LocalAccount next={next} onOther={() => setLocal(false)} />
      ) : (
        <FindProvider
          next={next}
          last={last === 'local' ? null : last}
          tenant={tenant}
          onLocal={() => setLocal(true)}
        />
      )}
      {next === '/' ? null : (
        <p className="hint">
          You return to <b>{placeWords(next)}</b> afterwards.
        </p>
      )}
    </Frame>
  )
}
