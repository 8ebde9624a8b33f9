'use client'
import { useState } from 'react'
import type { IdentityProvider } from '#server/contract/providers.ts'
import { useAllowScim, useEndScim } from '../queries/providers.ts'
import { MayButton } from '../shell/may-button.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { SecretOnce } from '../ui/secret-once.tsx'
import { Status } from '../ui/status.tsx'

/** Users and groups pushed by the provider, before they ever sign in. */
export function ScimCard({ provider }: { provider: IdentityProvider }) {
  const allow = useAllowScim()
  const end = useEndScim()
  const [ending, setEnding] = useState(false)
  return (
    <section className="card" aria-labelledby="h-scim">
      <header>
        <h2 id="h-scim">SCIM</h2>
        {provider.scim ? (
          <Status tone="ok" calm>
            Allowed
          </Status>
        ) : null}
        <span className="push row">
          {provider.scim ? (
            <MayButton right="provider.write" small look="quiet" onPress={() => setEnding(true)}>
              End
            </MayButton>
          ) : null}
          <MayButton
            right="provider.write"
            small
            isDisabled={allow.isPending}
            onPress={() => allow.mutate(provider.id)}
          >
            {provider.scim ? 'New token' : 'Allow'}
          </MayButton>
        </span>
      </header>
      <div className="in">
        <p className="mid">
          {provider.scim
            ? 'The provider pushes people and groups here, and takes away who leaves.'
            : 'With a token the provider pushes people and groups here: who leaves there is out here at once, not at the next sign-in.'}
        </p>
        <ErrorBanner error={allow.error} />
      </div>
      {allow.data ? (
        <SecretOnce
          title={`SCIM for ${provider.displayName}`}
          words="Enter both at the provider. The token is shown this once; an earlier one has ended."
          lines={[
            { label: 'Address', text: allow.data.url },
            { label: 'Token', text: allow.data.token },
          ]}
          onClose={() => allow.reset()}
        />
      ) : null}
      {ending ? (
        <Confirm
          title="End the SCIM token?"
          act="End it"
          isPending={end.isPending}
          error={end.error}
          onAct={() => end.mutate(provider.id, { onSuccess: () => setEnding(false) })}
          onClose={() => setEnding(false)}
        >
          <p>Nothing is pushed any more. People and groups that came stay as they are.</p>
        </Confirm>
      ) : null}
    </section>
  )
}
