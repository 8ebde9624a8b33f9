'use client'
import { useState } from 'react'
import type { RoleRecord } from '#server/contract/access.ts'
import { Name } from '#server/contract/base.ts'
import type { Right } from '#server/contract/rights.ts'
import { byField, problemOf } from '../queries/problem.ts'
import { useCreateRole, useUpdateRole } from '../queries/roles.ts'
import { useSession } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { faultsOf, TextField } from '../ui/field.tsx'
import { plural } from '../ui/words.ts'
import { RightList } from './right-list.tsx'
import { TenantChoice } from './tenant-choice.tsx'

/** Makes a role of rights that one holds oneself, or changes one. */
export function RoleForm({ role, onClose }: { role: RoleRecord | null; onClose: () => void }) {
  const { rights, place } = useSession()
  const create = useCreateRole()
  const update = useUpdateRole()
  const [name, setName] = useState(role?.name ?? '')
  const [words, setWords] = useState(role?.words ?? '')
  const [tenantId, setTenant] = useState(role ? role.tenantId : place.tenantId)
  const [chosen, setChosen] = useState<ReadonlySet<Right>>(new Set(role?.rights))
  const error = create.error ?? update.error
  const refused = byField(error ? problemOf(error) : undefined)
  const named = Name.safeParse(name).success
  const save = () => {
    const body = { words: words.trim(), rights: [...chosen] }
    const done = { onSuccess: onClose }
    if (role?.id && role.revision) update.mutate({ id: role.id, revision: role.revision, ...body }, done)
    else create.mutate({ name, tenantId, ...body }, done)
  }
  return (
    <Dialog
      title={role ? `Change ${role.name}` : 'Make a role'}
      isOpen
      wide
      onClose={onClose}
      foot={
        <>
          <span className="dim small grow footnote">{plural(chosen.size, 'right')} chosen</span>
          <Button look="quiet" onPress={onClose}>
            Cancel
          </Button>
          <Button
            look="primary"
            isDisabled={!named || chosen.size === 0 || create.isPending || update.isPending}
            onPress={save}
          >
            {role ? 'Save' : 'Make role'}
          </Button>
        </>
      }
    >
      <ErrorBanner error={error} except={['name', 'words']} />
      {role ? null : (
        <div className="pair">
          <TextField
            label="Name"
            value={name}
            onValue={setName}
            autoFocus
            autoComplete="off"
            hint="a to z, 0 to 9 and inner hyphens; it stays."
            faults={[
              ...(name !== '' && !named ? [{ message: 'a to z, 0 to 9 and inner hyphens, at most 63.' }] : []),
              ...faultsOf(refused.get('name')),
            ]}
          />
          <TenantChoice value={tenantId} onValue={setTenant} />
        </div>
      )}
      <TextField label="What it is for" optional value={words} onValue={setWords} maxLength={200} autoComplete="off" />
      <RightList chosen={chosen} held={rights} onChoose={setChosen} />
    </Dialog>
  )
}
