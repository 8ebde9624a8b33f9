'use client'
import { useState } from 'react'
import { useSites } from '../queries/inventory.ts'
import { useRoles } from '../queries/roles.ts'
import { useTenants } from '../queries/tenants.ts'
import { roleWords, useMay, useSession } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Select } from '../ui/choice.tsx'
import { Dialog } from '../ui/dialog.tsx'

export interface Given {
  readonly role: string
  readonly tenantId: string | null
  readonly siteId: string | null
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
    onGive({ role, tenantId: kind === 'tenant' ? id : null, siteId: kind === 'site' ? id : null })
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
      <p className="hint">
        One can give only what one holds oneself, and only where one holds it. It counts from the person’s next request.
      </p>
    </Dialog>
  )
}
