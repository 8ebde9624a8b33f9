'use client'
import Link from 'next/link'
import { useMemo, useState } from 'react'
import type { Tenant } from '#server/contract/inventory.ts'
import { InventoryHead } from '../inventory/inventory-head.tsx'
import { useRemoveTenant, useTenants } from '../queries/tenants.ts'
import { useMay } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Empty } from '../ui/empty.tsx'
import { Meter } from '../ui/meter.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { TenantForm } from './tenant-form.tsx'
import './tenants.css'

function Use({ label, used, limit }: { label: string; used: number; limit: number }) {
  return (
    <span className="use">
      <Meter label={label} used={used} limit={limit} {...(used >= limit ? { fill: 'var(--warn)' } : {})} />
      {used.toLocaleString('en')} <span className="dim">of {limit.toLocaleString('en')}</span>
    </span>
  )
}

const columns = (tools: ((tenant: Tenant) => React.ReactNode) | undefined): readonly Column<Tenant>[] => [
  {
    id: 'name',
    header: 'Name',
    value: (t) => t.name,
    filter: 'text',
    phone: 'title',
    cell: (t) => (
      <span className="row thread">
        <i className={`th t${t.thread}`} aria-hidden="true" />
        <Link href={`/networks?filter=tenant:eq:${t.name}`}>{t.name}</Link>
      </span>
    ),
  },
  {
    id: 'displayName',
    header: 'Name for people',
    value: (t) => t.displayName,
    // A phone's row has the name above it already.
    cell: (t) => <span className={t.displayName === t.name ? 'not-s' : ''}>{t.displayName}</span>,
    filter: 'text',
    phone: 'under',
  },
  {
    id: 'networks',
    header: 'Networks',
    value: (t) => t.used.networks,
    cell: (t) => <Use label={`Networks of ${t.name}`} used={t.used.networks} limit={t.quotas.networks} />,
    filter: 'number',
    phone: 'side',
    phoneWords: () => ({ after: 'networks' }),
  },
  {
    id: 'ports',
    header: 'Ports',
    value: (t) => t.used.ports,
    cell: (t) => <Use label={`Ports of ${t.name}`} used={t.used.ports} limit={t.quotas.ports} />,
    filter: 'number',
    phone: 'side-under',
    phoneWords: () => ({ after: 'ports' }),
  },
  ...(tools
    ? [
        {
          ...{ id: 'tools', header: 'Tools', isTools: true, className: 'num tools' },
          ...{ value: () => null, cell: tools, phone: 'tools' as const },
        },
      ]
    : []),
]

function RemoveTenant({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
  const remove = useRemoveTenant()
  const full = tenant.used.networks > 0
  return (
    <Dialog
      title={`Remove ${tenant.name}?`}
      role="alertdialog"
      isOpen
      onClose={onClose}
      foot={
        <>
          <Button look="quiet" onPress={onClose}>
            Keep
          </Button>
          <Button
            look="primary"
            isDisabled={full || remove.isPending}
            onPress={() => remove.mutate({ id: tenant.id, revision: tenant.revision }, { onSuccess: onClose })}
          >
            Remove
          </Button>
        </>
      }
    >
      <p>
        {full
          ? `It still has ${tenant.used.networks} networks. Delete them first; then the tenant can go.`
          : 'It has no networks. Its name and quotas are gone at once; its history stays.'}
      </p>
      <ErrorBanner error={remove.error} />
    </Dialog>
  )
}

/** The tenants with what they use of their quotas. */
export function TenantTable() {
  const tenants = useTenants()
  const mayWrite = useMay('tenant.write')
  const [editing, setEditing] = useState<Tenant | 'new'>()
  const [doomed, setDoomed] = useState<Tenant>()
  const shape = useMemo(
    () =>
      columns(
        mayWrite
          ? (tenant) => (
              <>
                <Button small look="quiet" aria-label={`Edit ${tenant.name}`} onPress={() => setEditing(tenant)}>
                  Edit
                </Button>
                <Button small look="quiet" aria-label={`Remove ${tenant.name}`} onPress={() => setDoomed(tenant)}>
                  Remove
                </Button>
              </>
            )
          : undefined,
      ),
    [mayWrite],
  )
  const create = (
    <Button look="primary" icon="plus" onPress={() => setEditing('new')}>
      Create tenant
    </Button>
  )
  return (
    <>
      <InventoryHead>{mayWrite ? create : null}</InventoryHead>
      <DataTable
        noun="tenants"
        columns={shape}
        query={tenants}
        nameOf={(tenant) => tenant.name}
        sort="name"
        empty={
          <Empty icon="person" title="No tenants yet" action={mayWrite ? create : null}>
            A tenant owns networks. Tenants never meet: each has its own addresses, and its quotas say how much it may
            use.
          </Empty>
        }
      />
      {editing ? (
        <TenantForm tenant={editing === 'new' ? null : editing} onClose={() => setEditing(undefined)} />
      ) : null}
      {doomed ? <RemoveTenant tenant={doomed} onClose={() => setDoomed(undefined)} /> : null}
    </>
  )
}
