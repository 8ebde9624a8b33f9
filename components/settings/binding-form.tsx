'use client'
import { useState } from 'react'
import { useSites } from '../queries/inventory.ts'
import { byField, problemOf } from '../queries/problem.ts'
import { useRoles } from '../queries/roles.ts'
import { useTenants } from '../queries/tenants.ts'
import { roleWords, useMay, useSession } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Select } from '../ui/choice.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { faultsOf, TextField } from '../ui/field.tsx'

export interface Given {
  readonly role: string
  readonly tenantId: string | null
  readonly siteId: string | null
  readonly from: string[]
  readonly hours: string | null
}

interface Props {
  readonly to: string
  readonly isPending: boolean
  readonly error: unknown
  readonly onGive: (given: Given) => void
  readonly onClose: () => void
}

const EVERYWHERE = 'everywhere'

/** A role, and where it counts: everywhere, in one tenant, or at one site. */
export function BindingForm({ to, isPending, error, onGive, onClose }: Props) {
  const { place: here } = useSession()
  const roles = useRoles()
  const tenants = useTenants(useMay('tenant.read'))
  const sites = useSites(useMay('inventory.read') && here.tenantId === null)
  const confined = here.tenantId !== null
  const [role, setRole] = useState<string | null>(null)
  const [place, setPlace] = useState<string | null>(confined ? `tenant:${here.tenantId}` : null)
  const [from, setFrom] = useState('')
  const [hours, setHours] = useState('')
  const refused = byField(error ? problemOf(error) : undefined)
  const isTenantRole = role?.startsWith('tenant-') ?? false
  const places = [
    ...(confined || isTenantRole ? [] : [{ id: EVERYWHERE, label: 'Everywhere' }]),
    ...(tenants.data ?? []).map(({ id, name }) => ({ id: `tenant:${id}`, label: name, note: 'tenant' })),
    ...(isTenantRole
      ? []
      : (sites.data ?? []).map(({ id, name }) => ({ id: `site:${id}`, label: name, note: 'site' }))),
  ]
  const chosen = places.some(({ id }) => id === place) ? place : null
  const give = () => {
    if (!role || !chosen) return
    const [kind, id = null] = chosen.split(':')
    onGive({
      ...{ role, tenantId: kind === 'tenant' ? id : null, siteId: kind === 'site' ? id : null },
      ...{ from: from.split(/[\s,]+/).filter((one) => one !== ''), hours: hours.trim() || null },
    })
  }
  return (
    <Dialog
      title={`Give ${to} a role`}
      isOpen
      onClose={onClose}
      foot={
        <>
          <Button look="quiet" onPress={onClose}>
            Cancel
          </Button>
          <Button look="primary" isDisabled={!role || !chosen || isPending} onPress={give}>
            Give role
          </Button>
        </>
      }
    >
      <ErrorBanner error={error} />
      <Select
        label="Role"
        value={role}
        onValue={setRole}
        options={(roles.data ?? []).map(({ name, rights }) => ({
          id: name,
          label: roleWords(name),
          note: `${rights.length} rights`,
        }))}
        isDisabled={!roles.data}
      />
      <Select label="Where it counts" value={chosen} onValue={setPlace} options={places} />
      <TextField
        label="From these networks alone"
        optional
        mono
        value={from}
        onValue={setFrom}
        faults={faultsOf(refused.get('from'))}
        hint="Such as 10.0.0.0/8, 2001:db8::/32. In requests from elsewhere it gives nothing."
      />
      <TextField
        label="At these hours alone"
        optional
        value={hours}
        onValue={setHours}
        faults={faultsOf(refused.get('hours'))}
        hint="Such as Mon-Fri 07:00-19:00 Europe/Berlin. Open pages lose what it gives when they end."
      />
      <p className="hint">
        One can give only what one holds oneself, and only where one holds it. It counts from the person’s next request.
      </p>
    </Dialog>
  )
}
