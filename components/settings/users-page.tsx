'use client'
import { useMemo, useState } from 'react'
import type { Account } from '#server/contract/session.ts'
import { useRemoveUser, useUsers } from '../queries/users.ts'
import { roleWords, useMay, useSession } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Empty } from '../ui/empty.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { SettingsHead } from './settings-head.tsx'
import { UserForm } from './user-form.tsx'
import './settings.css'

const BASE: readonly Column<Account>[] = [
  { id: 'name', header: 'Name', value: (a) => a.name, filter: 'text', phone: 'title' },
  { id: 'displayName', header: 'Name for people', value: (a) => a.displayName, filter: 'text', phone: 'under' },
  { id: 'role', header: 'Role', value: (a) => roleWords(a.role), filter: 'choice', phone: 'side' },
  {
    id: 'tenant',
    header: 'Tenant',
    value: (a) => a.tenantName ?? 'all tenants',
    filter: 'choice',
    phone: 'side-under',
  },
]

/** The local accounts. */
export function UsersPage() {
  const users = useUsers()
  const { account } = useSession()
  const mayWrite = useMay('user.write')
  const [creating, setCreating] = useState(false)
  const [doomed, setDoomed] = useState<Account>()
  const remove = useRemoveUser()
  const columns = useMemo<readonly Column<Account>[]>(
    () =>
      mayWrite
        ? [
            ...BASE,
            {
              id: 'tools',
              header: 'Tools',
              isTools: true,
              value: () => null,
              className: 'num',
              phone: 'tools',
              cell: (user) =>
                user.id === account.id ? (
                  <span className="dim small not-s">you</span>
                ) : (
                  <Button small look="quiet" aria-label={`Remove ${user.name}`} onPress={() => setDoomed(user)}>
                    Remove
                  </Button>
                ),
            },
          ]
        : BASE,
    [mayWrite, account.id],
  )
  return (
    <>
      <SettingsHead>
        {mayWrite ? (
          <Button look="primary" icon="plus" onPress={() => setCreating(true)}>
            Create account
          </Button>
        ) : null}
      </SettingsHead>
      <DataTable
        noun="accounts"
        columns={columns}
        query={users}
        nameOf={(user) => user.name}
        sort="name"
        empty={
          <Empty icon="person" title="No accounts">
            Everyone who signs in here has a local account with a role.
          </Empty>
        }
      />
      {creating ? <UserForm onClose={() => setCreating(false)} /> : null}
      <Dialog
        title={`Remove ${doomed?.name ?? ''}?`}
        role="alertdialog"
        isOpen={doomed !== undefined}
        onClose={() => setDoomed(undefined)}
        foot={
          <>
            <Button look="quiet" onPress={() => setDoomed(undefined)}>
              Keep
            </Button>
            <Button
              look="primary"
              isDisabled={remove.isPending}
              onPress={() => doomed && remove.mutate(doomed.id, { onSuccess: () => setDoomed(undefined) })}
            >
              Remove account
            </Button>
          </>
        }
      >
        <p>They are signed out at once. What they did stays in the history.</p>
        <ErrorBanner error={remove.error} />
      </Dialog>
    </>
  )
}
