'use client'
import { useTenants } from '../queries/tenants.ts'
import { useMay, useSession } from '../shell/session.tsx'
import { Select } from '../ui/choice.tsx'

const ALL_TENANTS = 'all'

/** Whose it is: the installation's, or a tenant's. Who works for one tenant makes things for that one alone. */
export function TenantChoice({
  label = 'Whose',
  value,
  onValue,
}: {
  label?: string
  value: string | null
  onValue: (tenantId: string | null) => void
}) {
  const { place: here } = useSession()
  const tenants = useTenants(useMay('tenant.read'))
  const options = [
    ...(here.tenantId === null ? [{ id: ALL_TENANTS, label: 'The whole installation' }] : []),
    ...(tenants.data ?? []).map(({ id, name }) => ({ id, label: name, note: 'tenant' })),
  ]
  return (
    <Select
      label={label}
      value={value ?? ALL_TENANTS}
      onValue={(next) => onValue(next === ALL_TENANTS ? null : next)}
      options={options}
    />
  )
}
