'use client'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import type { IdentityProvider } from '#server/contract/providers.ts'
import { useProvider, useProviderState, useRemoveProvider } from '../queries/providers.ts'
import { SettingsHead } from '../settings/settings-head.tsx'
import { MayButton } from '../shell/may-button.tsx'
import { Banner, Refused } from '../ui/banner.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { KeysCard } from './keys-card.tsx'
import { OptionsCard } from './options-card.tsx'
import { OwnSp } from './own-sp.tsx'
import { RulesEditor } from './rules-editor.tsx'
import { ScimCard } from './scim-card.tsx'
import { ProviderState } from './state.tsx'
import { TestSignIn } from './test-sign-in.tsx'
import './providers.css'

const CLOSED: Readonly<Record<string, string>> = {
  operator: 'Nobody signs in through it until it is opened. Sessions that came through it go on until they end.',
  'metadata-expired':
    'Its metadata is not valid any more, so nothing that it says is believed. Take new metadata, then open it.',
  'weak-key':
    'A key in its metadata is shorter than is asked for here, so nothing that it signs is believed. Take metadata with a longer key.',
  'no-signing-key':
    'Its metadata names no key, so nothing that it says can be checked. Take new metadata, then open it.',
}

function Identity({ provider }: { provider: IdentityProvider }) {
  return (
    <section className="card" aria-labelledby="h-identity">
      <header>
        <h2 id="h-identity">Identity</h2>
      </header>
      <dl className="in facts">
        <dt>{provider.protocol === 'saml' ? 'Entity id' : 'Issuer'}</dt>
        <dd className="mono">{provider.issuer}</dd>
        <dt>Name</dt>
        <dd>{provider.name}</dd>
        <dt>Protocol</dt>
        <dd>{provider.protocol === 'saml' ? 'SAML 2.0' : 'OpenID Connect'}</dd>
        {provider.clientId ? (
          <>
            <dt>Client id</dt>
            <dd className="mono">{provider.clientId}</dd>
          </>
        ) : null}
        <dt>Signs in</dt>
        <dd>
          {provider.tenantName
            ? `people of ${provider.tenantName}, in that tenant alone`
            : 'the installation’s own people'}
        </dd>
        <dt>Found by</dt>
        <dd>
          {provider.emailDomains.length > 0 ? provider.emailDomains.join(', ') : <span className="dim">no domain</span>}
          {provider.tenantName ? `, or the tenant’s name ${provider.tenantName}` : ''}
        </dd>
      </dl>
    </section>
  )
}

function Turning({ provider, onClose }: { provider: IdentityProvider; onClose: () => void }) {
  const turn = useProviderState()
  const closing = provider.state === 'open'
  return (
    <Confirm
      title={`${closing ? 'Close' : 'Open'} ${provider.displayName}?`}
      act={closing ? 'Close provider' : 'Open provider'}
      keep="Cancel"
      isPending={turn.isPending}
      error={turn.error}
      onAct={() =>
        turn.mutate(
          { id: provider.id, revision: provider.revision, state: closing ? 'closed' : 'open' },
          { onSuccess: onClose },
        )
      }
      onClose={onClose}
    >
      <p>
        {closing
          ? 'Nobody signs in through it any more, and its button goes from the sign-in page. Its accounts and rules are kept.'
          : 'Its people can sign in again, by the rules as they are now.'}
      </p>
    </Confirm>
  )
}

function Provider({ provider }: { provider: IdentityProvider }) {
  const router = useRouter()
  const [asked, setAsked] = useState<'turn' | 'remove'>()
  const remove = useRemoveProvider()
  const close = () => setAsked(undefined)
  const isSaml = provider.protocol === 'saml'
  return (
    <>
      <SettingsHead title={provider.displayName}>
        <ProviderState provider={provider} pill />
        <MayButton right="provider.write" onPress={() => setAsked('turn')}>
          {provider.state === 'open' ? 'Close' : 'Open'}
        </MayButton>
        <MayButton right="provider.write" look="quiet" onPress={() => setAsked('remove')}>
          Remove
        </MayButton>
      </SettingsHead>
      <div className="body wide">
        {provider.state === 'closed' ? (
          <Banner
            tone={provider.closedReason === 'operator' ? 'idle' : 'bad'}
            icon="lock"
            title="This provider is closed"
          >
            {CLOSED[provider.closedReason ?? ''] ?? 'Nobody signs in through it.'}
          </Banner>
        ) : null}
        <div className="two">
          <Identity provider={provider} />
          <OwnSp protocol={provider.protocol} />
        </div>
        {isSaml ? <KeysCard provider={provider} /> : null}
        <RulesEditor key={`rules ${provider.revision}`} provider={provider} />
        <TestSignIn provider={provider} />
        <OptionsCard key={`options ${provider.revision}`} provider={provider} />
        <ScimCard provider={provider} />
      </div>
      {asked === 'turn' ? <Turning provider={provider} onClose={close} /> : null}
      {asked === 'remove' ? (
        <Confirm
          title={`Remove ${provider.displayName}?`}
          act="Remove provider"
          isPending={remove.isPending}
          error={remove.error}
          onAct={() =>
            remove.mutate(
              { id: provider.id, revision: provider.revision },
              { onSuccess: () => router.push('/settings/identity-providers') },
            )
          }
          onClose={close}
        >
          <p>Only one without accounts can go. To keep its people out, close it instead.</p>
        </Confirm>
      ) : null}
    </>
  )
}

/** One identity provider: what it is, whose keys count, what its people get, and a test. */
export function ProviderPage({ id }: { id: string }) {
  const provider = useProvider(id)
  if (provider.data) return <Provider provider={provider.data} />
  return (
    <>
      <SettingsHead title="Provider" />
      {provider.isError ? (
        <Refused error={provider.error} onRetry={() => void provider.refetch()} />
      ) : (
        <div className="body">
          <Skeleton />
        </div>
      )}
    </>
  )
}
