'use client'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import type { IdentityProvider } from '#server/contract/providers.ts'
import { byField, problemOf } from '../queries/problem.ts'
import { useAddOidc, useImportProvider, useProvider } from '../queries/providers.ts'
import { useRoles } from '../queries/roles.ts'
import { SettingsHead } from '../settings/settings-head.tsx'
import { TenantChoice } from '../settings/tenant-choice.tsx'
import { whyNot } from '../shell/rights.ts'
import { useMay, useSession } from '../shell/session.tsx'
import { Banner, ErrorBanner } from '../ui/banner.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { faultsOf, TextField } from '../ui/field.tsx'
import { Icon } from '../ui/icon.tsx'
import { Status } from '../ui/status.tsx'
import { blankDraft, type Draft, domainsOf, entityIdIn, whyNotYet } from './draft.ts'
import { MetadataStep } from './metadata-step.tsx'
import { OwnSp } from './own-sp.tsx'
import { RulesEditor } from './rules-editor.tsx'
import { TestSignIn } from './test-sign-in.tsx'
import '../networks/wizard/wizard.css'
import './providers.css'

const STEPS = ['Metadata', 'Who it is for', 'Mapping rules', 'Test sign-in'] as const
const FIELDS = ['metadata', 'metadataUrl', 'issuer', 'clientId', 'clientSecret', 'name', 'displayName', 'emailDomains']

function WhoStep({
  draft,
  onDraft,
  refused,
}: {
  draft: Draft
  onDraft: (draft: Draft) => void
  refused: ReturnType<typeof byField>
}) {
  const set = (part: Partial<Draft>) => onDraft({ ...draft, ...part })
  const domains = domainsOf(draft.domains)
  return (
    <section className="card form">
      <div className="sect">
        <h2>Who it is for</h2>
        <div className="fr">
          <TenantChoice
            label="It signs in the people of"
            value={draft.tenantId}
            onValue={(tenantId) => set({ tenantId })}
          />
          <p className="hint">
            {draft.tenantId === null
              ? 'Operators and auditors. Its rules may give any role, anywhere.'
              : 'Its rules can give rights in this tenant alone, whatever they say.'}
          </p>
        </div>
        <div className="fr">
          <TextField
            label="Name"
            value={draft.name}
            onValue={(name) => set({ name })}
            autoComplete="off"
            faults={faultsOf(refused.get('name'))}
          />
          <p className="hint">a to z, 0 to 9 and inner hyphens; it is in addresses and stays.</p>
        </div>
        <div className="fr">
          <TextField
            label="Name for people"
            optional
            value={draft.displayName}
            onValue={(displayName) => set({ displayName })}
            maxLength={100}
            autoComplete="off"
            faults={faultsOf(refused.get('displayName'))}
          />
          <p className="hint">As it stands on the button of the sign-in page.</p>
        </div>
        <div className="fr">
          <TextField
            label="E-mail domains"
            optional
            value={draft.domains}
            onValue={(text) => set({ domains: text })}
            placeholder="norrdata.example, norrdata.test"
            autoComplete="off"
            spellCheck={false}
            faults={faultsOf(refused.get('emailDomains'))}
          />
          <p className="hint">
            {domains.length > 0
              ? `Whoever enters an address of ${domains.join(' or ')} is led there.`
              : 'People find it by the domain of their address, or by the tenant’s name.'}
          </p>
        </div>
      </div>
    </section>
  )
}

function answerOf(step: number, draft: Draft, provider: IdentityProvider | undefined): string {
  if (step === 1)
    return (
      provider?.issuer ??
      (draft.kind === 'text'
        ? (entityIdIn(draft.metadata) ?? '')
        : draft.kind === 'url'
          ? draft.metadataUrl
          : draft.issuer)
    )
  if (step === 2) return provider?.displayName ?? draft.name
  return step === 3 ? 'Who gets what, tried at once' : 'Each check in words'
}

function Steps({ step, draft, provider }: { step: number; draft: Draft; provider: IdentityProvider | undefined }) {
  return (
    <ol className="steps" aria-label="Steps">
      {STEPS.map((label, index) => {
        const at = index + 1
        const place = at < step ? 'done' : at === step ? 'now' : 'todo'
        return (
          <li key={label} className={place} aria-current={place === 'now' ? 'step' : undefined}>
            <span className="mk">{place === 'done' ? <Icon name="check" small /> : at}</span>
            <span>
              <b>{label}</b>
              <span className="d">{answerOf(at, draft, provider)}</span>
            </span>
          </li>
        )
      })}
    </ol>
  )
}

interface SavedProps {
  readonly id: string
  readonly step: number
  readonly onUnsaved: (unsaved: boolean) => void
}

/** What the second half of the wizard works on: the provider as it is kept. */
function Saved({ id, step, onUnsaved }: SavedProps) {
  const provider = useProvider(id)
  if (!provider.data) return <ErrorBanner error={provider.error} />
  return step === 3 ? (
    <RulesEditor key={provider.data.revision} provider={provider.data} onUnsaved={onUnsaved} />
  ) : (
    <TestSignIn provider={provider.data} />
  )
}

function useWizard() {
  const { place } = useSession()
  const [step, setStep] = useState(1)
  const [draft, setDraft] = useState(() => blankDraft(place.tenantId))
  const [provider, setProvider] = useState<IdentityProvider>()
  const [unsaved, setUnsaved] = useState(false)
  const importing = useImportProvider()
  const adding = useAddOidc()
  const error = importing.error ?? adding.error
  const refused = byField(error ? problemOf(error) : undefined)
  const change = (next: Draft) => {
    importing.reset()
    adding.reset()
    setDraft(next)
  }
  const create = () => {
    const common = {
      name: draft.name,
      emailDomains: domainsOf(draft.domains),
      ...(draft.displayName.trim() ? { displayName: draft.displayName.trim() } : {}),
      ...(draft.tenantId === null ? { operators: true } : { tenantId: draft.tenantId }),
    }
    const done = {
      onSuccess: (made: IdentityProvider) => {
        setProvider(made)
        setStep(3)
      },
      // What is wrong with the first step is mended there.
      onError: (refusal: unknown) => {
        const fields = byField(problemOf(refusal))
        if (FIELDS.slice(0, 5).some((field) => fields.has(field))) setStep(1)
      },
    }
    if (draft.kind === 'oidc')
      adding.mutate(
        { ...common, issuer: draft.issuer.trim(), clientId: draft.clientId.trim(), clientSecret: draft.clientSecret },
        done,
      )
    else
      importing.mutate(
        {
          ...common,
          ...(draft.kind === 'url' ? { metadataUrl: draft.metadataUrl.trim() } : { metadata: draft.metadata }),
        },
        done,
      )
  }
  const next = () => (step === 2 ? create() : setStep(step + 1))
  const busy = importing.isPending || adding.isPending
  const why = unsaved ? 'Save or undo the rules to go on' : whyNotYet(step, draft)
  return { step, setStep, draft, change, provider, error, refused, next, busy, why, setUnsaved }
}

function Actions({ wizard }: { wizard: ReturnType<typeof useWizard> }) {
  const router = useRouter()
  const { step, setStep, provider, why, busy, next } = wizard
  return (
    <div className="actions">
      {step === 2 || step === 4 ? (
        <Button isDisabled={busy} onPress={() => setStep(step - 1)}>
          Back
        </Button>
      ) : null}
      {why ? (
        <span id="why-not">
          <Status tone="idle" icon="info" small>
            {why}
          </Status>
        </span>
      ) : null}
      <span className="push dim small">
        {provider ? 'It is kept already: leave at any time' : 'Nothing is kept until it is added'}
      </span>
      {provider ? (
        <ButtonLink look="quiet" href={`/settings/identity-providers/${provider.id}`}>
          Open it
        </ButtonLink>
      ) : (
        <ButtonLink look="quiet" href="/settings/identity-providers">
          Cancel
        </ButtonLink>
      )}
      <Button
        look="primary"
        isDisabled={why !== undefined || busy}
        onPress={() => (step === 4 && provider ? router.push(`/settings/identity-providers/${provider.id}`) : next())}
        {...(why ? { 'aria-describedby': 'why-not' } : {})}
      >
        {busy ? 'Adding' : step === 2 ? 'Add provider' : step === 4 ? 'Done' : 'Next'}
      </Button>
    </div>
  )
}

/** Adds an identity provider in four steps: what it is, who it is for, what its people get, and a test. */
export function AddProvider() {
  const mayWrite = useMay('provider.write')
  // Read while the first steps are filled in, so that the rules find them there.
  useRoles(useMay('role.read'))
  const wizard = useWizard()
  const { step, draft, change, provider, error, refused } = wizard
  if (!mayWrite)
    return (
      <>
        <SettingsHead title="Add a provider" />
        <div className="body">
          <Banner tone="idle" icon="lock" title="You may look, not add">
            {whyNot('provider.write')}
          </Banner>
        </div>
      </>
    )
  return (
    <form className="wzpage" aria-label="Add a provider" onSubmit={(event) => event.preventDefault()}>
      <SettingsHead title="Add a provider" />
      <div className="wz idpwz">
        <div className="stepsbox">
          <Steps step={step} draft={draft} provider={provider} />
        </div>
        <div className="wzmain">
          <ErrorBanner error={error} except={FIELDS} />
          {step === 1 ? <MetadataStep draft={draft} onDraft={change} refused={refused} /> : null}
          {step === 2 ? <WhoStep draft={draft} onDraft={change} refused={refused} /> : null}
          {provider && step > 2 ? <Saved id={provider.id} step={step} onUnsaved={wizard.setUnsaved} /> : null}
          {step === 1 ? <OwnSp protocol={draft.kind === 'oidc' ? 'oidc' : 'saml'} /> : null}
        </div>
      </div>
      <Actions wizard={wizard} />
    </form>
  )
}
