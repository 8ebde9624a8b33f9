'use client'
import { CopyLine } from '../ui/copy.tsx'
import { useInBrowser } from '../ui/time.tsx'

/** What a provider has to be told of Weft. */
export function OwnSp({ protocol = 'saml' }: { protocol?: 'saml' | 'oidc' }) {
  const inBrowser = useInBrowser()
  const origin = inBrowser ? window.location.origin : ''
  return (
    <section className="card" aria-labelledby="h-own">
      <header>
        <h2 id="h-own">What the provider needs to know</h2>
      </header>
      <div className="in stack wide">
        {protocol === 'saml' ? (
          <>
            <CopyLine label="Metadata, and entity id" text={`${origin}/saml/metadata`} />
            <CopyLine label="Assertion consumer (ACS)" text={`${origin}/saml/acs`} />
            <CopyLine label="Single logout" text={`${origin}/saml/slo`} />
          </>
        ) : (
          <>
            <CopyLine label="Redirect URI" text={`${origin}/oidc/callback`} />
            <CopyLine label="Redirect URI after logout" text={`${origin}/sign-out`} />
            <CopyLine label="Back-channel logout" text={`${origin}/oidc/backchannel-logout`} />
          </>
        )}
      </div>
    </section>
  )
}
