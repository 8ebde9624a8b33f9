'use client'
import Link from 'next/link'
import { useState } from 'react'
import type { Group } from '#server/contract/access.ts'
import { useCreateGroup, useGroups } from '../queries/groups.ts'
import { byField, problemOf } from '../queries/problem.ts'
import { MayButton } from '../shell/may-button.tsx'
import { roleWords, useSession } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Empty } from '../ui/empty.tsx'
import { faultsOf, TextField } from '../ui/field.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { listed } from '../ui/words.ts'
import { bindingPlace } from './bindings.tsx'
import { SettingsHead } from './settings-head.tsx'
import { TenantChoice } from './tenant-choice.tsx'

const rolesOf = ({ bindings }: Group) => listed(bindings.map((one) => `${roleWords(one.role)} ${bindingPlace(one)}`))

const COLUMNS: readonly Column<Group>[] = [
  {
    id: 'name',
    header: 'Name',
    value: (group) => group.name,
    cell: (group) => <Link href={`/settings/groups/${group.id}`}>{group.name}</Link>,
    filter: 'text',
    phone: 'title',
  },
  {
    id: 'tenant',
    header: 'Tenant',
    value: (group) => group.tenantName ?? 'all tenants',
    filter: 'choice',
    phone: 'side',
  },
  {
    id: 'members',
    header: 'Members',
    value: (group) => group.members,
    numeric: true,
    filter: 'number',
    phone: 'side-under',
    phoneWords: ({ members }) => ({ after: members === 1 ? 'member' : 'members' }),
  },
  {
    id: 'roles',
    header: 'Gives',
    value: rolesOf,
    cell: (group) => rolesOf(group) || <span className="dim">nothing yet</span>,
    filter: 'text',
    phone: 'under',
  },
  {
    id: 'kept',
    header: 'Kept by',
    value: (group) => group.providerName ?? 'Weft',
    cell: (group) => (group.providerName ? `${group.providerName}, by SCIM` : <span className="dim">people here</span>),
    filter: 'choice',
  },
]

function GroupForm({ onClose }: { onClose: () => void }) {
  const { place: here } = useSession()
  const [name, setName] = useState('')
  const [tenantId, setTenant] = useState(here.tenantId)
  const create = useCreateGroup()
  const save = () => create.mutate({ name: name.trim(), tenantId }, { onSuccess: onClose })
  const refused = byField(create.error ? problemOf(create.error) : undefined)
  return (
    <Dialog
      title="Make a group"
      isOpen
      onClose={onClose}
      foot={
        <>
          <Button look="quiet" onPress={onClose}>
            Cancel
          </Button>
          <Button look="primary" isDisabled={name.trim() === '' || create.isPending} onPress={save}>
            Make group
          </Button>
        </>
      }
    >
      <ErrorBanner error={create.error} except={['name']} />
      <TextField
        label="Name"
        value={name}
        onValue={setName}
        maxLength={100}
        autoFocus
        autoComplete="off"
        faults={faultsOf(refused.get('name'))}
      />
      <TenantChoice value={tenantId} onValue={setTenant} />
    </Dialog>
  )
}

/** Groups: a role given once counts for all members. */
export function GroupsPage() {
  const groups = useGroups()
  const [making, setMaking] = useState(false)
  const make = (
    <MayButton right="group.write" look="primary" icon="plus" onPress={() => setMaking(true)}>
      Make group
    </MayButton>
  )
  return (
    <>
      <SettingsHead>{make}</SettingsHead>
      <DataTable
        noun="groups"
        columns={COLUMNS}
        query={groups}
        nameOf={(group) => group.name}
        sort="name"
        empty={
          <Empty icon="group" title="No groups yet">
            Give a group a role, and every member has it: people who come and go need no roles of their own. Members are
            chosen here, come from a provider’s rules, or are pushed by SCIM.
          </Empty>
        }
      />
      {making ? <GroupForm onClose={() => setMaking(false)} /> : null}
    </>
  )
}
