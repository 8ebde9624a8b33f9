'use client'
import type { IdentityProvider, MappingRule } from '#server/contract/providers.ts'
import { ROLES } from '#server/contract/rights.ts'
import { useSites } from '../queries/inventory.ts'
import { useRoles } from '../queries/roles.ts'
import { useTenants } from '../queries/tenants.ts'
import { roleWords, useMay } from '../shell/session.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { Select } from '../ui/choice.tsx'
import { TextField } from '../ui/field.tsx'
import { Status } from '../ui/status.tsx'
import { type Condition, giveWords, OPERATORS, type Verdict } from './rule-words.ts'

interface Props {
  readonly rule: MappingRule
  readonly number: number
  readonly provider: Pick<IdentityProvider, 'tenantId' | 'tenantName'>
  readonly verdict: Verdict | undefined
  readonly onRule: (rule: MappingRule) => void
  readonly onMove: ((by: -1 | 1) => void) | undefined
  readonly onRemove: () => void
}

const GIVES = [
  { id: 'role', label: 'a role' },
  { id: 'group', label: 'a place in a group' },
  { id: 'nothing', label: 'nothing: keep out' },
]

function ConditionLine({
  condition,
  onCondition,
  onRemove,
}: {
  condition: Condition
  onCondition: (condition: Condition) => void
  onRemove: () => void
}) {
  const { attribute, operator, value } = condition
  const choose = (next: string | null) => {
    const chosen = OPERATORS.find(({ id }) => id === next)?.id
    if (chosen === 'present') onCondition({ attribute, operator: chosen })
    else if (chosen) onCondition({ attribute, operator: chosen, value: value ?? '' })
  }
  return (
    <div className="cond">
      <TextField
        label="Attribute"
        value={attribute}
        onValue={(next) => onCondition({ ...condition, attribute: next })}
        mono
        autoComplete="off"
        spellCheck={false}
      />
      <Select label="Condition" value={operator} onValue={choose} options={OPERATORS} />
      {operator === 'present' ? (
        <span />
      ) : (
        <TextField
          label="Value"
          value={value ?? ''}
          onValue={(next) => onCondition({ ...condition, value: next })}
          mono
          autoComplete="off"
          spellCheck={false}
        />
      )}
      <IconButton name="Remove condition" icon="close" onPress={onRemove} />
    </div>
  )
}

const EVERYWHERE = 'everywhere'

function RoleAt({
  then,
  provider,
  onThen,
}: {
  then: Extract<MappingRule['then'], { give: 'role' }>
  provider: Props['provider']
  onThen: (then: MappingRule['then']) => void
}) {
  const mayRead = useMay('role.read')
  const roles = useRoles(mayRead)
  // Who may not see the roles that were made knows those in code.
  const names = mayRead ? roles.data?.map(({ name }) => name) : ROLES
  const tenants = useTenants(useMay('tenant.read') && provider.tenantId === null)
  const sites = useSites(useMay('inventory.read') && provider.tenantId === null)
  const ofTenant = then.role.startsWith('tenant-')
  const options = (names ?? [])
    .filter((name) => provider.tenantId === null || (name !== 'operator' && name !== 'auditor'))
    .map((name) => ({ id: name, label: roleWords(name) }))
  const place = then.tenant ? `tenant:${then.tenant}` : then.site ? `site:${then.site}` : EVERYWHERE
  const choosePlace = (next: string | null) => {
    const [kind, name] = (next ?? '').split(':')
    onThen({
      give: 'role',
      role: then.role,
      ...(kind === 'tenant' && name ? { tenant: name } : {}),
      ...(kind === 'site' && name ? { site: name } : {}),
    })
  }
  return (
    <>
      <Select
        label="Role"
        value={then.role || null}
        onValue={(role) => role && onThen({ ...then, role })}
        options={options}
        isDisabled={names === undefined}
      />
      {provider.tenantId === null ? (
        <Select
          label="Where it counts"
          value={ofTenant && place === EVERYWHERE ? null : place}
          onValue={choosePlace}
          options={[
            ...(ofTenant ? [] : [{ id: EVERYWHERE, label: 'Everywhere' }]),
            ...(tenants.data ?? []).map(({ name }) => ({ id: `tenant:${name}`, label: name, note: 'tenant' })),
            ...(ofTenant
              ? []
              : (sites.data ?? []).map(({ name }) => ({ id: `site:${name}`, label: name, note: 'site' }))),
          ]}
        />
      ) : (
        <p className="hint inplace">In {provider.tenantName} alone: that is as far as this provider reaches.</p>
      )}
    </>
  )
}

/** One rule: its conditions, what it gives, and what the trial makes of it. */
export function RuleRow({ rule, number, provider, verdict, onRule, onMove, onRemove }: Props) {
  const { when, then } = rule
  const setCondition = (at: number, next: Condition | undefined) =>
    onRule({ ...rule, when: when.flatMap((one, index) => (index === at ? (next ?? []) : one)) })
  const chooseGive = (give: string | null) => {
    if (give === 'role') onRule({ ...rule, then: { give, role: '' } })
    else if (give === 'group') onRule({ ...rule, then: { give, group: '' } })
    else if (give === 'nothing') onRule({ ...rule, then: { give } })
  }
  return (
    <li className={`rule-row${verdict ? ` ${verdict.tone}` : ''}`}>
      <div className="row rule-head">
        <b>Rule {number}</b>
        <span className="dim small clip">{giveWords(rule)}</span>
        <span className="push row">
          {onMove ? (
            <>
              <IconButton name={`Move rule ${number} up`} icon="up" className="slim" onPress={() => onMove(-1)} />
              <IconButton name={`Move rule ${number} down`} icon="down" className="slim" onPress={() => onMove(1)} />
            </>
          ) : null}
          <IconButton name={`Remove rule ${number}`} icon="bin" className="slim" onPress={onRemove} />
        </span>
      </div>
      <div className="rule-when">
        {when.length === 0 ? <p className="mid">Everybody whom the provider vouches for.</p> : null}
        {when.map((condition, index) => (
          <ConditionLine
            // biome-ignore lint/suspicious/noArrayIndexKey: conditions have no identity but their place
            key={index}
            condition={condition}
            onCondition={(next) => setCondition(index, next)}
            onRemove={() => setCondition(index, undefined)}
          />
        ))}
        <Button
          small
          look="quiet"
          icon="plus"
          onPress={() => onRule({ ...rule, when: [...when, { attribute: '', operator: 'is', value: '' }] })}
        >
          {when.length === 0 ? 'Only those whose attribute …' : 'And'}
        </Button>
      </div>
      <div className="rule-then">
        <Select label="They get" value={then.give} onValue={chooseGive} options={GIVES} />
        {then.give === 'role' ? (
          <RoleAt then={then} provider={provider} onThen={(next) => onRule({ ...rule, then: next })} />
        ) : null}
        {then.give === 'group' ? (
          <TextField
            label="Group"
            value={then.group}
            onValue={(group) => onRule({ ...rule, then: { give: 'group', group } })}
            autoComplete="off"
          />
        ) : null}
      </div>
      {verdict ? (
        <p className="verdict">
          <Status tone={verdict.tone} calm={verdict.tone === 'idle'} small>
            {verdict.words}
          </Status>
        </p>
      ) : null}
    </li>
  )
}
