'use client'
import { useEffect, useState } from 'react'
import type { MappingRule, Trial } from '#server/contract/providers.ts'
import { useTrial } from '../queries/providers.ts'
import { roleWords } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { Status } from '../ui/status.tsx'
import { TextArea } from '../ui/text-area.tsx'
import { readAttributes } from './rule-words.ts'

const REST_MS = 350
const HOW = [
  { id: 'attributes', label: 'Attributes' },
  { id: 'assertion', label: 'Assertion' },
] as const
type How = (typeof HOW)[number]['id']

/** Tries the rules as they stand on what was pasted, shortly after the last change. */
export function useRulesTrial(id: string, rules: readonly MappingRule[]) {
  const [how, setHow] = useState<How>('attributes')
  const [text, setText] = useState('')
  const { mutate, data, error, reset } = useTrial()
  const attributes = how === 'attributes' ? readAttributes(text) : undefined
  const isEmpty = text.trim() === ''
  const key = JSON.stringify(rules)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the texts stand for what is read of them
  useEffect(() => {
    if (isEmpty) return reset()
    if (how === 'attributes' && !attributes) return
    const given = how === 'assertion' ? { assertion: text } : { attributes: attributes ?? {} }
    const timer = setTimeout(() => mutate({ id, ...given, rules: [...rules] }), REST_MS)
    return () => clearTimeout(timer)
  }, [id, how, text, key, mutate, reset])
  const unreadable = how === 'attributes' && !isEmpty && !attributes
  return { how, setHow, text, setText, trial: isEmpty ? undefined : data, error, unreadable }
}
type RulesTrial = ReturnType<typeof useRulesTrial>

const SAMPLE = 'groups = network-operators\ngroups = oncall\nmail = ingrid@norrdata.example'

/** What somebody would get who came with these attributes. */
export function TrialOutcome({ trial, tenants }: { trial: Trial; tenants?: ReadonlyMap<string, string> }) {
  const nothing = trial.roles.length + trial.groups.length === 0
  const at = (tenantId: string | null, siteId: string | null) =>
    tenantId ? ` in ${tenants?.get(tenantId) ?? 'its tenant'}` : siteId ? ' at a site' : ' everywhere'
  return (
    <div className="outcome-of" role="status">
      {trial.keptOut !== null ? <Status tone="bad">Kept out by rule {trial.keptOut + 1}</Status> : null}
      {trial.keptOut === null && nothing ? (
        <Status tone="warn">Gets nothing: kept out, unless roles were given here</Status>
      ) : null}
      <ul>
        {trial.roles.map((one) => (
          <li key={`${one.role}${one.tenantId}${one.siteId}`}>
            <Status tone="ok">{roleWords(one.role)}</Status>
            <span className="mid">{at(one.tenantId, one.siteId)}</span>
            <span className="dim small push">rule {one.rule + 1}</span>
          </li>
        ))}
        {trial.groups.map((one) => (
          <li key={one.group}>
            <Status tone="ok">{one.group}</Status>
            <span className="mid">group</span>
            <span className="dim small push">rule {one.rule + 1}</span>
          </li>
        ))}
        {trial.ignored.map((one) => (
          <li key={`${one.rule}${one.because}`}>
            <Status tone="warn">Ignored</Status>
            <span className="mid grow">{one.because}</span>
            <span className="dim small push">rule {one.rule + 1}</span>
          </li>
        ))}
      </ul>
      {trial.subject ? (
        <p className="small mid">
          Known for good as <code className="mono">{trial.subject}</code>
        </p>
      ) : null}
    </div>
  )
}

/** Where one tries the rules: attributes by line, or a pasted assertion. */
export function TrialCard({ state, tenants }: { state: RulesTrial; tenants?: ReadonlyMap<string, string> }) {
  const { how, setHow, text, setText, trial, error, unreadable } = state
  return (
    <section className="card trial" aria-labelledby="h-trial">
      <header>
        <h2 id="h-trial">Try the rules</h2>
        <span className="push">
          <Segmented
            label="What to try"
            options={HOW}
            value={how}
            onValue={(next) => {
              setHow(next)
              setText('')
            }}
          />
        </span>
      </header>
      <div className="in stack">
        <TextArea
          label={how === 'attributes' ? 'Attributes of somebody' : 'XML of an assertion or response'}
          value={text}
          onValue={setText}
          rows={6}
          placeholder={how === 'attributes' ? SAMPLE : '<saml:Assertion …'}
          hint={
            how === 'attributes'
              ? 'One name = value a line; a name that comes again has several values.'
              : 'It is only read, not checked: who it is for and whether it is signed do not matter here.'
          }
          faults={unreadable ? [{ message: 'Write each line as name = value.' }] : []}
        />
        <ErrorBanner error={error} />
        {trial ? <TrialOutcome trial={trial} {...(tenants ? { tenants } : {})} /> : null}
        {trial && how === 'assertion' ? (
          <dl className="facts small">
            {Object.entries(trial.attributes).map(([name, values]) => (
              <div key={name} className="attr">
                <dt className="mono">{name}</dt>
                <dd className="mono">{values.join(', ')}</dd>
              </div>
            ))}
          </dl>
        ) : null}
      </div>
    </section>
  )
}
