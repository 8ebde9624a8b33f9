'use client'
import { zodResolver } from '@hookform/resolvers/zod'
import { Controller, useForm } from 'react-hook-form'
import { z } from 'zod'
import { Name } from '#server/contract/base.ts'
import { ROLES } from '#server/contract/rights.ts'
import { byField, problemOf } from '../queries/problem.ts'
import { useTenants } from '../queries/tenants.ts'
import { useCreateUser } from '../queries/users.ts'
import { ROLE_WORDS } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Select } from '../ui/choice.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { faultsOf } from '../ui/field.tsx'
import { FormText } from '../ui/form-text.tsx'
import { FirstPassword } from './first-password.tsx'

const Form = z
  .object({
    name: Name,
    displayName: z.string().max(100, 'At most 100 characters.'),
    role: z.enum(ROLES),
    tenantId: z.string().nullable(),
  })
  .refine(({ role, tenantId }) => !role.startsWith('tenant') || tenantId !== null, {
    path: ['tenantId'],
    message: 'Choose the tenant.',
  })
type Form = z.infer<typeof Form>
const TEXTS = [
  { field: 'name', label: 'Name' },
  { field: 'displayName', label: 'Name for people' },
] as const

/** Makes a local account. */
export function UserForm({ onClose }: { onClose: () => void }) {
  const create = useCreateUser()
  const tenants = useTenants()
  const form = useForm<Form>({
    mode: 'onChange',
    resolver: zodResolver(Form),
    defaultValues: { name: '', displayName: '', role: 'operator', tenantId: null },
  })
  const role = form.watch('role')
  const refused = byField(create.error ? problemOf(create.error) : undefined)
  const save = form.handleSubmit(({ displayName, tenantId, ...rest }) =>
    create.mutate({
      ...rest,
      ...(displayName.trim() === '' ? {} : { displayName: displayName.trim() }),
      tenantId: rest.role.startsWith('tenant') ? tenantId : null,
    }),
  )
  if (create.data) return <FirstPassword {...create.data} onClose={onClose} />
  return (
    <Dialog
      title="Create account"
      isOpen
      onClose={onClose}
      foot={
        <>
          <Button look="quiet" onPress={onClose}>
            Cancel
          </Button>
          <Button look="primary" onPress={() => void save()} isDisabled={!form.formState.isValid || create.isPending}>
            Create account
          </Button>
        </>
      }
    >
      <form className="stack" onSubmit={(event) => void save(event)}>
        <ErrorBanner error={create.error} except={['name', 'displayName', 'tenantId']} />
        {TEXTS.map(({ field, label }) => (
          <FormText
            key={field}
            control={form.control}
            name={field}
            label={label}
            optional={field === 'displayName'}
            autoComplete="off"
            refused={refused.get(field)}
          />
        ))}
        <Controller
          control={form.control}
          name="role"
          render={({ field: { value, onChange } }) => (
            <Select
              label="Role"
              value={value}
              onValue={onChange}
              options={ROLES.map((id) => ({ id, label: ROLE_WORDS[id] }))}
            />
          )}
        />
        {role.startsWith('tenant') ? (
          <Controller
            control={form.control}
            name="tenantId"
            render={({ field: { value, onChange } }) => (
              <Select
                label="Tenant"
                value={value}
                onValue={onChange}
                options={(tenants.data ?? []).map(({ id, name }) => ({ id, label: name }))}
                faults={faultsOf(refused.get('tenantId'))}
              />
            )}
          />
        ) : null}
        <button type="submit" className="sr" tabIndex={-1} aria-hidden="true" />
      </form>
    </Dialog>
  )
}
