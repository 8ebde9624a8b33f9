'use client'
import { zodResolver } from '@hookform/resolvers/zod'
import { Controller, useForm } from 'react-hook-form'
import { z } from 'zod'
import { Name } from '#server/contract/base.ts'
import type { Tenant } from '#server/contract/inventory.ts'
import { byField, problemOf } from '../queries/problem.ts'
import { useCreateTenant, useUpdateTenant } from '../queries/tenants.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { type FieldFault, faultsOf, TextField } from '../ui/field.tsx'
import { toast } from '../ui/toast.tsx'

const wholeNumber = z.string().regex(/^\d{1,7}$/, 'A whole number up to 1,000,000.')
const Form = z.object({
  name: Name,
  displayName: z.string().max(100, 'At most 100 characters.'),
  networks: wholeNumber,
  ports: wholeNumber,
})
type Form = z.infer<typeof Form>
type Field = keyof Form

const LABELS: Readonly<Record<Field, string>> = {
  name: 'Name',
  displayName: 'Name for people',
  networks: 'Networks',
  ports: 'Ports',
}

/** Makes a tenant, or changes the name for people and the quotas of one. */
export function TenantForm({ tenant, onClose }: { tenant: Tenant | null; onClose: () => void }) {
  const create = useCreateTenant()
  const update = useUpdateTenant()
  const form = useForm<Form>({
    mode: 'onChange',
    resolver: zodResolver(Form),
    defaultValues: {
      name: tenant?.name ?? '',
      displayName: tenant?.displayName ?? '',
      networks: String(tenant?.quotas.networks ?? 20),
      ports: String(tenant?.quotas.ports ?? 400),
    },
  })
  const error = create.error ?? update.error
  const refused = byField(error ? problemOf(error) : undefined)
  const save = form.handleSubmit(({ name, displayName, networks, ports }) => {
    const quotas = { networks: Number(networks), ports: Number(ports) }
    const named = displayName.trim() === '' ? {} : { displayName: displayName.trim() }
    const done = {
      onSuccess: () => {
        toast({ tone: 'ok', text: tenant ? `${name} is changed` : `${name} is created` })
        onClose()
      },
    }
    if (tenant) update.mutate({ id: tenant.id, revision: tenant.revision, quotas, ...named }, done)
    else create.mutate({ name, quotas, ...named }, done)
  })
  const faults = (field: Field): readonly FieldFault[] => {
    const own = form.formState.errors[field]?.message
    const theirs =
      refused.get(field) ??
      (field === 'networks' || field === 'ports'
        ? refused.get('quotas')?.filter(({ pointer }) => pointer.endsWith(field))
        : undefined)
    return [...(own ? [{ message: own }] : []), ...faultsOf(theirs)]
  }
  const text = (
    field: Field,
    rest: { optional?: boolean; hint?: string; disabled?: boolean; inputMode?: 'numeric' } = {},
  ) => (
    <Controller
      control={form.control}
      name={field}
      render={({ field: { value, onChange, onBlur, name } }) => (
        <TextField
          label={LABELS[field]}
          name={name}
          value={value}
          onValue={onChange}
          onBlur={onBlur}
          faults={faults(field)}
          autoComplete="off"
          {...rest}
        />
      )}
    />
  )
  return (
    <Dialog
      title={tenant ? `Edit ${tenant.name}` : 'Create tenant'}
      isOpen
      onClose={onClose}
      foot={
        <>
          <Button look="quiet" onPress={onClose}>
            Cancel
          </Button>
          <Button
            look="primary"
            onPress={() => void save()}
            isDisabled={!form.formState.isValid || create.isPending || update.isPending}
          >
            {tenant ? 'Save' : 'Create tenant'}
          </Button>
        </>
      }
    >
      <form className="stack" onSubmit={(event) => void save(event)}>
        <ErrorBanner error={error} except={['name', 'displayName', 'quotas']} />
        {text('name', { disabled: tenant !== null, hint: 'a to z, 0 to 9 and inner hyphens; it stays.' })}
        {text('displayName', { optional: true })}
        <fieldset className="pairfields">
          <legend>Quotas</legend>
          {text('networks', { inputMode: 'numeric' })}
          {text('ports', { inputMode: 'numeric' })}
        </fieldset>
        <button type="submit" className="sr" tabIndex={-1} aria-hidden="true" />
      </form>
    </Dialog>
  )
}
