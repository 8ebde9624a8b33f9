'use client'
import { useState } from 'react'
import type { IdentityProvider } from '#server/contract/providers.ts'
import { byField, problemOf } from '../queries/problem.ts'
import { useUpdateProvider } from '../queries/providers.ts'
import { MayButton } from '../shell/may-button.tsx'
import { useMay } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Checkbox } from '../ui/checkbox.tsx'
import { Select } from '../ui/choice.tsx'
import { faultsOf, TextField } from '../ui/field.tsx'
import { toast } from '../ui/toast.tsx'
import { domainsOf } from './draft.ts'

const ATTRIBUTES = [
  {
    field: 'subjectAttribute',
    label: 'Known for good by',
    hint: 'The NameID when empty. Changing it makes new accounts.',
  },
  { field: 'nameAttribute', label: 'Account name from', hint: 'Usual names are tried when empty.' },
  { field: 'displayNameAttribute', label: 'Name for people from', hint: '' },
  { field: 'emailAttribute', label: 'E-mail address from', hint: '' },
] as const
/** What is a switch, and for which protocol alone. */
const SWITCHES = [
  { field: 'allowUnsolicited', label: 'Sign-in may begin at the provider', of: 'saml' },
  { field: 'requireEncrypted', label: 'Refuse assertions that are not encrypted', of: 'saml' },
  { field: 'forceAuthn', label: 'Ask for a fresh sign-in each time', of: null },
  { field: 'userInfo', label: 'Ask for claims that are not in the id token', of: 'oidc' },
] as const
const NAMES = [
  { id: 'userName', label: 'userName' },
  { id: 'externalId', label: 'externalId' },
] as const

/** What each sign-in at the provider is declared to prove. */
const STRENGTHS = [
  { id: 'said', label: 'what its answers say' },
  { id: 'required', label: 'several factors' },
  { id: 'passkey', label: 'a passkey' },
  { id: 'hardware', label: 'a passkey in hardware' },
] as const

/** Options that are written as text. */
const WRITTEN: ReadonlySet<string> = new Set([
  ...[...ATTRIBUTES.map(({ field }) => field), 'authnContexts', 'nameIdFormat', 'scopes'],
])

type Texts = Record<
  | (typeof ATTRIBUTES)[number]['field']
  | 'displayName'
  | 'domains'
  | 'skew'
  | 'contexts'
  | 'nameIdFormat'
  | 'scopes'
  | 'metadataUrl'
  | 'clientSecret',
  string
>

const textsOf = ({ displayName, emailDomains, options, metadataUrl }: IdentityProvider): Texts => ({
  displayName,
  domains: emailDomains.join(', '),
  skew: String(Math.round(options.skew_ms / 1000)),
  contexts: options.authnContexts?.join('\n') ?? '',
  nameIdFormat: options.nameIdFormat ?? '',
  scopes: options.scopes?.join(' ') ?? '',
  metadataUrl: metadataUrl ?? '',
  clientSecret: '',
  subjectAttribute: options.subjectAttribute ?? '',
  nameAttribute: options.nameAttribute ?? '',
  displayNameAttribute: options.displayNameAttribute ?? '',
  emailAttribute: options.emailAttribute ?? '',
})

/** Names, domains and how its answers are read. */
export function OptionsCard({ provider }: { provider: IdentityProvider }) {
  const mayWrite = useMay('provider.write')
  const update = useUpdateProvider()
  const [texts, setTexts] = useState(() => textsOf(provider))
  const [switches, setSwitches] = useState(provider.options)
  const isSaml = provider.protocol === 'saml'
  const refused = byField(update.error ? problemOf(update.error) : undefined)
  const faultsAt = (option: string) =>
    faultsOf(refused.get('options')?.filter(({ pointer }) => pointer.includes(`/options/${option}`)))
  const skewOk = /^\d{1,3}$/.test(texts.skew) && Number(texts.skew) <= 600
  const text = (field: keyof Texts) => ({
    value: texts[field],
    onValue: (value: string) => setTexts({ ...texts, [field]: value }),
    disabled: !mayWrite,
    autoComplete: 'off',
  })
  const save = () => {
    const [contexts, scopes] = [texts.contexts, texts.scopes].map((text) => text.split(/\s+/).filter(Boolean))
    const nameIdFormat = texts.nameIdFormat.trim()
    const given = Object.fromEntries(
      ATTRIBUTES.map(({ field }) => [field, texts[field].trim()]).filter(([, one]) => one),
    )
    const rest = Object.fromEntries(Object.entries(switches).filter(([field]) => !WRITTEN.has(field)))
    const options = {
      ...rest,
      ...given,
      ...(contexts?.length ? { authnContexts: contexts } : {}),
      ...(scopes?.length ? { scopes } : {}),
      ...(nameIdFormat ? { nameIdFormat } : {}),
      skew_ms: Number(texts.skew) * 1000,
    }
    const url = texts.metadataUrl.trim()
    update.mutate(
      {
        id: provider.id,
        revision: provider.revision,
        ...(texts.displayName.trim() ? { displayName: texts.displayName.trim() } : {}),
        emailDomains: domainsOf(texts.domains),
        options,
        ...(isSaml && url !== (provider.metadataUrl ?? '') ? { metadataUrl: url || null } : {}),
        ...(texts.clientSecret ? { clientSecret: texts.clientSecret } : {}),
      },
      { onSuccess: () => toast({ tone: 'ok', text: `${provider.displayName} is changed` }) },
    )
  }
  return (
    <section className="card" aria-labelledby="h-options">
      <header>
        <h2 id="h-options">Names and options</h2>
      </header>
      <div className="in options-form">
        <ErrorBanner error={update.error} except={['displayName', 'emailDomains', 'metadataUrl', 'clientSecret']} />
        <div className="pair">
          <TextField label="Name for people" {...text('displayName')} faults={faultsOf(refused.get('displayName'))} />
          <TextField
            label="E-mail domains"
            {...text('domains')}
            placeholder="norrdata.example"
            faults={faultsOf(refused.get('emailDomains'))}
          />
        </div>
        {isSaml ? (
          <TextField
            label="Address of its metadata"
            optional
            mono
            {...text('metadataUrl')}
            faults={faultsOf(refused.get('metadataUrl'))}
          />
        ) : (
          <TextField
            label="New client secret"
            optional
            type="password"
            {...text('clientSecret')}
            hint="The one before stays while this is empty."
            faults={faultsOf(refused.get('clientSecret'))}
          />
        )}
        <div className="switches">
          {SWITCHES.filter(({ of }) => of === null || of === provider.protocol).map(({ field, label }) => (
            <Checkbox
              key={field}
              isSelected={switches[field] ?? false}
              isDisabled={!mayWrite}
              onChange={(on) => setSwitches({ ...switches, [field]: on })}
            >
              {label}
            </Checkbox>
          ))}
          {isSaml ? null : (
            <Checkbox
              isSelected={switches.logoutTokenType === 'any'}
              isDisabled={!mayWrite}
              onChange={(on) => setSwitches({ ...switches, logoutTokenType: on ? 'any' : 'required' })}
            >
              Take logout tokens that do not say to be such
            </Checkbox>
          )}
        </div>
        <div className="pair">
          {ATTRIBUTES.map(({ field, label, hint }) => (
            <TextField key={field} label={label} optional mono {...text(field)} {...(hint ? { hint } : {})} />
          ))}
          {isSaml ? (
            <TextField
              label="Kind of name that is asked for"
              optional
              mono
              {...text('nameIdFormat')}
              hint="The provider’s choice when empty."
              faults={faultsAt('nameIdFormat')}
            />
          ) : (
            <TextField
              label="Scopes beside openid"
              optional
              mono
              {...text('scopes')}
              hint="email and profile when empty."
              faults={faultsAt('scopes')}
            />
          )}
          {provider.scim ? (
            <Select
              label="By SCIM, people sign in as"
              options={NAMES}
              value={switches.scimSubject ?? 'userName'}
              onValue={(name) => setSwitches({ ...switches, scimSubject: name as typeof switches.scimSubject })}
              isDisabled={!mayWrite}
            />
          ) : null}
          <Select
            label="Each sign-in there proves at least"
            options={STRENGTHS}
            value={switches.secondFactor ?? 'said'}
            onValue={(strength) => {
              const { secondFactor: _, ...rest } = switches
              setSwitches(
                strength === 'said' ? rest : { ...rest, secondFactor: strength as typeof switches.secondFactor },
              )
            }}
            isDisabled={!mayWrite}
          />
          <TextField
            label="How far its clock may be off"
            {...text('skew')}
            inputMode="numeric"
            note="seconds"
            faults={skewOk ? [] : [{ message: '0 to 600 seconds.' }]}
          />
        </div>
        <div className="row end">
          <MayButton right="provider.write" look="primary" isDisabled={update.isPending || !skewOk} onPress={save}>
            Save
          </MayButton>
        </div>
      </div>
    </section>
  )
}
