'use client'
import Link from 'next/link'
import { useMemo, useState } from 'react'
import type { Account } from '#server/contract/session.ts'
import { useUsers } from '../queries/users.ts'
import { MayButton } from '../shell/may-button.tsx'
import { roleWords, useSession } from '../shell/session.tsx'
import { Empty } from '../ui/empty.tsx'
import { Status } from '../ui/status.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { Ago } from '../ui/time.tsx'
import { bindingPlace } from './bindings.tsx'
import { SettingsHead } from './settings-head.tsx'
import { UserForm } from './user-form.tsx'

/** The role that says most, where it counts, and how many there are beside it. */
function Roles({ bindings }: Account) {
  const [first] = bindings
  if (!first) return <span className="dim">none</span>
  return (
    <span>
      {roleWords(first.role)} <span className="dim">{bindingPlace(first)}</span>
      {bindings.length > 1 ? <span className="more">and {bindings.length - 1} more</span> : null}
    </span>
  )
}

const columnsFor = (self: string): readonly Column<Account>[] => [
  {
    id: 'name',
    header: 'Name',
    value: (one) => one.name,
    cell: (one) => (
      <>
        <Link href={`/settings/users/${one.id}`}>{one.name}</Link>
        {one.id === self ? <span className="more">you</span> : null}
      </>
    ),
    filter: 'text',
    phone: 'title',
  },
  { id: 'displayName', header: 'Name for people', value: (one) => one.displayName, filter: 'text' },
  {
    id: 'state',
    header: 'State',
    value: (one) => (one.state === 'active' ? 'Active' : 'Disabled'),
    cell: (one) =>
      one.state === 'disabled' ? (
        <Status tone="idle" calm>
          Disabled
        </Status>
      ) : one.breakGlass ? (
        <Status tone="warn" icon="key" calm>
          Break-glass
        </Status>
      ) : (
        <Status tone="ok" calm>
          Active
        </Status>
      ),
    filter: 'choice',
    phone: 'side',
  },
  {
    id: 'roles',
    header: 'Roles',
    value: (one) => one.bindings.map(({ role }) => roleWords(role)).join(', '),
    cell: (one) => <Roles {...one} />,
    filter: 'text',
    phone: 'under',
  },
  { id: 'tenant', header: 'Tenant', value: (one) => one.tenantName ?? 'all tenants', filter: 'choice' },
  {
    id: 'provider',
    header: 'Signs in through',
    value: (one) => one.providerName ?? 'Local account',
    cell: (one) => one.providerName ?? <span className="dim">Local account</span>,
    filter: 'choice',
  },
  {
    id: 'signedIn',
    header: 'Last sign-in',
    value: (one) => one.signedInAt,
    cell: (one) => (one.signedInAt ? <Ago time={one.signedInAt} /> : <span className="dim">never</span>),
    phone: 'side-under',
  },
]

/** Everybody who has an account here, however they sign in. */
export function UsersPage() {
  const users = useUsers()
  const { account } = useSession()
  const [creating, setCreating] = useState(false)
  const columns = useMemo(() => columnsFor(account.id), [account.id])
  return (
    <>
      <SettingsHead>
        <MayButton right="user.write" look="primary" icon="plus" onPress={() => setCreating(true)}>
          Create account
        </MayButton>
      </SettingsHead>
      <DataTable
        noun="people"
        columns={columns}
        query={users}
        nameOf={(user) => user.name}
        sort="name"
        empty={
          <Empty icon="people" title="No accounts">
            People get an account here when they first sign in through an identity provider, when SCIM pushes them, or
            when somebody creates a local one.
          </Empty>
        }
      />
      {creating ? <UserForm onClose={() => setCreating(false)} /> : null}
    </>
  )
}
