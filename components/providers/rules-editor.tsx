'use client'
import { useEffect, useState } from 'react'
import type { IdentityProvider, MappingRule } from '#server/contract/providers.ts'
import { useUpdateProvider } from '../queries/providers.ts'
import { useTenants } from '../queries/tenants.ts'
import { MayButton } from '../shell/may-button.tsx'
import { useMay } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { toast } from '../ui/toast.tsx'
import { plural } from '../ui/words.ts'
import { RuleRow } from './rule-row.tsx'
import { giveWords, isComplete, verdictOn, whenWords } from './rule-words.ts'
import { TrialCard, useRulesTrial } from './trial.tsx'

const NEW: MappingRule = { when: [{ attribute: '', operator: 'is', value: '' }], then: { give: 'role', role: '' } }

/** The list with one moved up or down. */
function moved<T>(list: readonly T[], from: number, by: -1 | 1): T[] {
  const next = [...list]
  const [one] = next.splice(from, 1)
  if (one !== undefined) next.splice(Math.max(0, Math.min(next.length, from + by)), 0, one)
  return next
}

interface Props {
  readonly provider: IdentityProvider
  /** Told whether there are changes that nobody has saved. */
  readonly onUnsaved?: (unsaved: boolean) => void
}

/** The rules of a provider beside a trial that follows each change; saved as a whole. */
export function RulesEditor({ provider, onUnsaved }: Props) {
  const mayWrite = useMay('provider.write')
  const tenants = useTenants(useMay('tenant.read'))
  const [rules, setRules] = useState<readonly MappingRule[]>(provider.rules)
  const update = useUpdateProvider()
  const complete = rules.every(isComplete)
  const state = useRulesTrial(provider.id, rules.filter(isComplete).length === rules.length ? rules : provider.rules)
  const isChanged = JSON.stringify(rules) !== JSON.stringify(provider.rules)
  useEffect(() => {
    onUnsaved?.(isChanged)
    return () => onUnsaved?.(false)
  }, [isChanged, onUnsaved])
  const set = (at: number, rule: MappingRule | undefined) =>
    setRules(rules.flatMap((one, index) => (index === at ? (rule ?? []) : one)))
  const save = () =>
    update.mutate(
      { id: provider.id, revision: provider.revision, rules: [...rules] },
      { onSuccess: () => toast({ tone: 'ok', text: 'The rules count from the next sign-in' }) },
    )
  return (
    <div className="rules-and-trial">
      <section className="card" aria-labelledby="h-rules">
        <header>
          <h2 id="h-rules">Mapping rules</h2>
          <span className="dim">{rules.length === 0 ? '' : plural(rules.length, 'rule')}</span>
          {mayWrite ? (
            <span className="push">
              <Button small icon="plus" onPress={() => setRules([...rules, NEW])}>
                Add rule
              </Button>
            </span>
          ) : null}
        </header>
        <p className="in hint">
          All rules that fit count, at each sign-in anew; one that keeps out counts over all others. Who gets nothing by
          any rule stays out.
        </p>
        {mayWrite ? (
          <ol className="rule-list">
            {rules.map((rule, index) => (
              <RuleRow
                // biome-ignore lint/suspicious/noArrayIndexKey: rules have no identity but their place
                key={index}
                rule={rule}
                number={index + 1}
                provider={provider}
                verdict={complete ? verdictOn(state.trial, index) : undefined}
                onRule={(next) => set(index, next)}
                onMove={rules.length > 1 ? (by) => setRules(moved(rules, index, by)) : undefined}
                onRemove={() => set(index, undefined)}
              />
            ))}
          </ol>
        ) : (
          <ol className="rule-list read">
            {rules.map((rule, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rules have no identity but their place
              <li key={index} className="rule-row">
                <b>{whenWords(rule)}</b> <span className="mid">{giveWords(rule)}</span>
              </li>
            ))}
          </ol>
        )}
        {rules.length === 0 ? (
          <p className="in mid">
            No rules: nobody gets a role by signing in. Begin with one that gives your operators their role by a group.
          </p>
        ) : null}
        <ErrorBanner error={update.error} />
        {mayWrite ? (
          <div className="rule-foot">
            <span className="dim small">
              {!complete ? 'Fill in each rule to save it' : isChanged ? 'Changed, not saved' : 'As they count now'}
            </span>
            <Button look="quiet" isDisabled={!isChanged} onPress={() => setRules(provider.rules)}>
              Undo
            </Button>
            <MayButton
              right="provider.write"
              look="primary"
              isDisabled={!isChanged || !complete || update.isPending}
              onPress={save}
            >
              Save rules
            </MayButton>
          </div>
        ) : null}
      </section>
      <TrialCard state={state} tenants={new Map(tenants.data?.map(({ id, name }) => [id, name]))} />
    </div>
  )
}
