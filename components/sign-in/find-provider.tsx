'use client'
import { type FormEvent, useState } from 'react'
import type { OfferedProvider } from '#server/contract/federation.ts'
import { useFindProviders, useOwnProviders } from '../queries/sign-in.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { TextField } from '../ui/field.tsx'
import { Icon } from '../ui/icon.tsx'
import { useInBrowser } from '../ui/time.tsx'
import { keepLastUsed, type LastUsed, loginAt } from './last-used.ts'
import { monogram } from './words.ts'

export type Provider = Exclude<LastUsed, 'local'>
const PROTOCOLS = { saml: 'SAML 2.0', oidc: 'OpenID Connect' } as const

const brief = ({ protocol, name, displayName }: OfferedProvider): Provider => ({ protocol, name, displayName })

/** A provider, as a link that begins there. */
function ProviderLink({ provider, next, primary }: { provider: Provider; next: string; primary?: boolean }) {
  return (
    <a className={`idp${primary ? ' on' : ''}`} href={loginAt(provider, next)} onClick={() => keepLastUsed(provider)}>
      <span className="lg" aria-hidden="true">
        {monogram(provider.displayName)}
      </span>
      <span className="grow">
        <b className="clip">
          <span className="sr">Continue to </span>
          {provider.displayName}
        </b>
        <span className="dim small">{PROTOCOLS[provider.protocol]}</span>
      </span>
      <Icon name="arrow" />
    </a>
  )
}

interface Props {
  readonly next: string
  readonly last: Provider | null
  readonly tenant: string | null
  readonly onLocal: () => void
}

/** Who one is says which provider to ask: by e-mail address, or by the tenant’s name. */
export function FindProvider({ next, last, tenant, onLocal }: Props) {
  const [text, setText] = useState(tenant ?? '')
  const inBrowser = useInBrowser()
  const find = useFindProviders()
  const own = useOwnProviders()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (text.trim() !== '') find.mutate(text.trim())
  }
  const found = find.data?.items.map(brief)
  const others = (own.data?.items ?? [])
    .map(brief)
    .filter(({ name }) => name !== last?.name && !found?.some((one) => one.name === name))
  const asked = text.includes('@') ? text.slice(text.lastIndexOf('@') + 1).trim() : text.trim()
  return (
    <form className="signform" onSubmit={submit} aria-label="Find your identity provider">
      <div className="lead">
        <h1>Sign in</h1>
        <p className="mid">Your e-mail address tells Weft which identity provider to ask.</p>
      </div>
      {last && !found ? (
        <div className="idps">
          <span className="dim small">The last time you used</span>
          <ProviderLink provider={last} next={next} primary />
        </div>
      ) : null}
      <TextField
        label="E-mail address or tenant"
        name="email"
        value={text}
        onValue={(value) => {
          setText(value)
          if (find.data || find.error) find.reset()
        }}
        autoComplete="email"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus={last === null}
        faults={
          found?.length === 0
            ? [
                {
                  message: `No provider is known for ${asked}.`,
                  mend: 'Ask your administrator which address to use here.',
                },
              ]
            : []
        }
      />
      <ErrorBanner error={find.error} />
      {found && found.length > 0 ? (
        <div className="idps" role="status">
          {found.map((provider) => (
            <ProviderLink key={provider.name} provider={provider} next={next} primary={found.length === 1} />
          ))}
        </div>
      ) : (
        <Button
          look={last ? 'plain' : 'primary'}
          type="submit"
          isDisabled={!inBrowser || find.isPending || text.trim() === ''}
        >
          {find.isPending ? 'Looking' : 'Continue'}
          <Icon name="arrow" />
        </Button>
      )}
      <hr className="rule" />
      <p className="row mid account">
        <Icon name="person" small />
        <button type="button" className="linkish" onClick={onLocal}>
          Use a local account
        </button>
        <span className="push dim">for emergencies, audited</span>
      </p>
      {others.length > 0 ? (
        <div className="idps">
          <span className="dim small">This installation’s own people</span>
          {others.map((provider) => (
            <ProviderLink key={provider.name} provider={provider} next={next} />
          ))}
        </div>
      ) : null}
    </form>
  )
}
