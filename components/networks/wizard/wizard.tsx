'use client'
import { useRouter } from 'next/navigation'
import { useEffect, useState } from 'react'
import { useChange, useDiscard } from '../../queries/changes.ts'
import { useNetwork, usePorts, useSubnets } from '../../queries/networks.ts'
import { useMay } from '../../shell/session.tsx'
import { Banner, ErrorBanner, ProblemBanner } from '../../ui/banner.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { PageHead } from '../../ui/page-head.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { Status } from '../../ui/status.tsx'
import { toast } from '../../ui/toast.tsx'
import { AddressStep } from './address-step.tsx'
import { WizardAside } from './aside.tsx'
import { blank, type Form, resumed, subnetsOf } from './form.ts'
import { PortStep } from './port-step.tsx'
import { nothingSaved, type Saved } from './save.ts'
import { SegmentStep } from './segment-step.tsx'
import { TenantStep } from './tenant-step.tsx'
import { STEPS, useWizard, useWizardPlace, type Wizard } from './use-wizard.ts'
import './wizard.css'

const FIELDS = [['tenantId', 'name'], ['vni'], ['prefix', 'gateway', 'mtu'], []] as const

/** What was answered in a step, for the list of steps. */
function answerOf(step: number, { form, saved, tenant, why, step: now }: Wizard): string {
  if (step === now && why) return why.replace(' to go on', '')
  if (step === 1) return tenant ? [tenant.name, form.name].filter(Boolean).join(', ') : ''
  if (step === 2) return saved.network && now > 1 ? `VNI ${saved.network.vni}` : ''
  if (step === 3)
    return now > 3
      ? `${subnetsOf(form)
          .map(({ prefix }) => prefix)
          .join(', ')}, MTU ${form.mtu}`
      : ''
  if (step === 4) return form.picks.size > 0 ? `${form.picks.size} chosen` : ''
  return 'What each datapath will hold'
}

function Steps({ wizard }: { wizard: Wizard }) {
  return (
    <ol className="steps" aria-label="Steps">
      {[...STEPS, 'Preview the change'].map((label, index) => {
        const step = index + 1
        const place = step < wizard.step ? 'done' : step === wizard.step ? 'now' : 'todo'
        return (
          <li key={label} className={place} aria-current={place === 'now' ? 'step' : undefined}>
            <span className="mk">{place === 'done' ? <Icon name="check" small /> : step}</span>
            <span>
              {place === 'done' ? (
                <button type="button" className="linkish" onClick={() => wizard.go(step)}>
                  <b>{label}</b>
                </button>
              ) : (
                <b>{label}</b>
              )}
              <span className="d">{answerOf(step, wizard)}</span>
            </span>
          </li>
        )
      })}
    </ol>
  )
}

function Actions({ wizard }: { wizard: Wizard }) {
  const router = useRouter()
  const discard = useDiscard()
  const { step, why, busy, saved } = wizard
  const leave = () => router.push('/networks')
  const keep = () => {
    if (saved.change)
      toast({
        tone: 'idle',
        icon: 'change',
        text: `${saved.change.name} is kept as a draft`,
        action: { label: 'Open', href: `/changes/${saved.change.name}` },
      })
    leave()
  }
  const drop = () => (saved.change ? discard.mutate(saved.change.id, { onSuccess: leave }) : leave())
  return (
    <div className="actions">
      {step > 1 ? (
        <Button onPress={wizard.back} isDisabled={busy}>
          Back
        </Button>
      ) : null}
      {why ? (
        <span id="why-not">
          <Status tone={/^Mend/.test(why) ? 'bad' : 'idle'} icon={/^Mend/.test(why) ? 'bad' : 'info'} small>
            {why}
          </Status>
        </span>
      ) : null}
      <span className="push dim small">Nothing moves until you commit</span>
      {saved.change ? (
        <>
          <Button look="quiet" onPress={drop} isDisabled={busy || discard.isPending}>
            Discard draft
          </Button>
          <Button look="quiet" onPress={keep} isDisabled={busy}>
            Keep as draft
          </Button>
        </>
      ) : (
        <ButtonLink look="quiet" href="/networks">
          Cancel
        </ButtonLink>
      )}
      <Button
        look="primary"
        isDisabled={why !== undefined || busy}
        onPress={wizard.next}
        {...(why ? { 'aria-describedby': 'why-not' } : {})}
      >
        {busy ? 'Saving' : step < STEPS.length ? 'Next' : 'Preview the change'}
      </Button>
    </div>
  )
}

function WizardPage({ form, saved }: { form: Form; saved: Saved }) {
  const router = useRouter()
  const wizard = useWizard(form, saved, (change) => router.push(`/changes/${change}`))
  const { step, refusal } = wizard
  // In braces: newer browsers answer with a promise, which an effect must not.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each step begins at its top
  useEffect(() => {
    window.scrollTo(0, 0)
  }, [step])
  return (
    <form className="wzpage" aria-label="Create network" onSubmit={(event) => event.preventDefault()}>
      <PageHead title="Create network" crumbs={[{ href: '/networks', label: 'Networks' }]}>
        <span className="dim">
          Step {step} of {STEPS.length}
        </span>
        {wizard.saved.change ? <span className="tag">draft {wizard.saved.change.name}</span> : null}
      </PageHead>
      <div className="wz">
        <div className="stepsbox">
          <Steps wizard={wizard} />
        </div>
        <div className="wzmain">
          {refusal && refusal.attachmentId === undefined ? (
            <ProblemBanner problem={refusal.problem} except={FIELDS[step - 1] ?? []} />
          ) : null}
          {step === 1 ? <TenantStep wizard={wizard} /> : null}
          {step === 2 ? <SegmentStep wizard={wizard} /> : null}
          {step === 3 ? <AddressStep wizard={wizard} /> : null}
          {step === 4 ? <PortStep wizard={wizard} /> : null}
        </div>
        <WizardAside wizard={wizard} />
      </div>
      <Actions wizard={wizard} />
    </form>
  )
}

/** Reads a draft that was begun before, then goes on with it. */
function Resumed({ change, network }: { change: string; network: string }) {
  const draft = useChange(change)
  const net = useNetwork(network, change)
  const subnets = useSubnets(network, change)
  const ports = usePorts(network, change)
  const error = draft.error ?? net.error ?? subnets.error ?? ports.error
  if (error)
    return (
      <div className="body wzlost">
        <ErrorBanner error={error} />
        <div className="row">
          <ButtonLink href="/networks/new">Begin anew</ButtonLink>
        </div>
      </div>
    )
  if (!draft.data || !net.data || !subnets.data || !ports.data) return <Skeleton />
  const saved: Saved = {
    change: draft.data,
    network: net.data,
    ownVni: false,
    subnets: subnets.data,
    ports: ports.data,
  }
  return <WizardPage form={resumed(net.data, subnets.data, ports.data)} saved={saved} />
}

/** The wizard that makes a network: four steps in one draft change, then its preview. */
export function CreateNetwork() {
  const [place] = useWizardPlace()
  const mayWrite = useMay('network.write')
  // Decided once: the draft that this wizard makes itself comes into the URL later and is not read again.
  const begun = useBegun(place.change, place.network)
  if (!mayWrite)
    return (
      <div className="body wzlost">
        <Banner tone="idle" icon="lock" title="You may look, not change">
          Your role has no right to create networks. Ask an operator or your tenant’s administrator.
        </Banner>
      </div>
    )
  return begun ? <Resumed {...begun} /> : <WizardPage form={blank(place.tenant)} saved={nothingSaved} />
}

function useBegun(change: string | null, network: string | null) {
  const [begun] = useState(() => (change && network ? { change, network } : null))
  return begun
}
