'use client'
import { useState } from 'react'
import { byField, problemOf } from '../../queries/problem.ts'
import { useCreateTenant } from '../../queries/tenants.ts'
import { useMay } from '../../shell/session.tsx'
import { ErrorBanner } from '../../ui/banner.tsx'
import { Button } from '../../ui/button.tsx'
import { ComboBox } from '../../ui/choice.tsx'
import { faultsOf, TextField } from '../../ui/field.tsx'
import { asName, nameFaults } from '../draft-network.ts'
import type { Wizard } from './use-wizard.ts'

/** Makes a tenant without leaving the wizard. */
function NewTenant({ onMade, onClose }: { onMade: (id: string) => void; onClose: () => void }) {
  const [name, setName] = useState('')
  const create = useCreateTenant()
  const refused = create.isError ? byField(problemOf(create.error)) : undefined
  const own = nameFaults(name).map((fault) => {
    const better = asName(name)
    return better ? { ...fault, mends: [{ label: `Use ${better}`, apply: () => setName(better) }] } : fault
  })
  const submit = () => create.mutate({ name }, { onSuccess: (tenant) => onMade(tenant.id) })
  return (
    <fieldset className="inline">
      <legend className="sr">New tenant</legend>
      <TextField
        label="Tenant name"
        value={name}
        onValue={(value) => {
          create.reset()
          setName(value)
        }}
        faults={[...own, ...faultsOf(refused?.get('name'))]}
        autoFocus
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return
          event.preventDefault()
          if (name && own.length === 0) submit()
        }}
      />
      <ErrorBanner error={create.error} except={['name']} />
      <div className="row">
        <Button look="primary" isDisabled={name === '' || own.length > 0 || create.isPending} onPress={submit}>
          Create tenant
        </Button>
        <Button look="quiet" onPress={onClose}>
          Cancel
        </Button>
      </div>
    </fieldset>
  )
}

export function TenantStep({ wizard }: { wizard: Wizard }) {
  const { form, edit, known, refused } = wizard
  const mayTenant = useMay('tenant.write')
  const [making, setMaking] = useState(false)
  const own = nameFaults(form.name).map((fault) => {
    const better = asName(form.name)
    return better ? { ...fault, mends: [{ label: `Use ${better}`, apply: () => edit({ name: better }) }] } : fault
  })
  return (
    <section className="card form" aria-label="Tenant and name">
      <div className="sect">
        <h2>Tenant</h2>
        <div className="fr">
          <div className="field">
            <ComboBox
              label="Tenant"
              placeholder="Type or choose"
              options={(known.tenants ?? []).map((tenant) => ({
                id: tenant.id,
                label: tenant.name,
                lead: <i className={`th t${tenant.thread}`} aria-hidden="true" />,
                ...(tenant.displayName === tenant.name ? {} : { note: tenant.displayName }),
              }))}
              value={form.tenantId}
              onValue={(tenantId) => edit({ tenantId })}
              faults={faultsOf(refused.get('tenantId'))}
              empty="No tenant has this name."
            />
            {mayTenant && !making ? (
              <div className="row">
                <Button small icon="plus" onPress={() => setMaking(true)}>
                  New tenant
                </Button>
              </div>
            ) : null}
            {making ? (
              <NewTenant
                onMade={(tenantId) => {
                  edit({ tenantId })
                  setMaking(false)
                }}
                onClose={() => setMaking(false)}
              />
            ) : null}
          </div>
          <p className="hint">Whose network it is. Tenants never meet, even where they use the same addresses.</p>
        </div>
      </div>
      <div className="sect">
        <h2>Name</h2>
        <div className="fr">
          <TextField
            label="Name"
            value={form.name}
            onValue={(name) => edit({ name })}
            faults={[...own, ...faultsOf(refused.get('name'))]}
            placeholder="web"
            autoComplete="off"
            spellCheck={false}
          />
          <p className="hint">What people call it: a to z, 0 to 9 and hyphens. It is unique within the tenant.</p>
        </div>
      </div>
    </section>
  )
}
