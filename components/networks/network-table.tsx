'use client'
import Link from 'next/link'
import { useState } from 'react'
import type { Network } from '#server/contract/networks.ts'
import { useNetworks } from '../queries/networks.ts'
import { useMay } from '../shell/session.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Empty } from '../ui/empty.tsx'
import { PageHead } from '../ui/page-head.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { Thread } from '../ui/thread.tsx'
import { DeleteNetworks } from './delete-networks.tsx'
import { HeldWord, STATE_WORDS } from './state.tsx'

const subnetText = (network: Network) => network.subnets.map((subnet) => subnet.prefix).join(' ')

const COLUMNS: readonly Column<Network>[] = [
  {
    id: 'name',
    header: 'Name',
    value: (n) => n.name,
    cell: (n) => <Link href={`/networks/${n.id}`}>{n.name}</Link>,
    filter: 'text',
    phone: 'title',
  },
  {
    id: 'tenant',
    header: 'Tenant',
    value: (n) => n.tenantName,
    cell: (n) => <Thread thread={n.thread}>{n.tenantName}</Thread>,
    filter: 'choice',
    phone: 'under',
  },
  {
    id: 'vni',
    header: 'VNI',
    value: (n) => n.vni,
    numeric: true,
    filter: 'number',
    phone: 'figure',
    phoneWords: () => ({ before: 'VNI' }),
  },
  {
    id: 'subnets',
    header: 'Subnets',
    value: subnetText,
    filter: 'text',
    cell: (n) =>
      n.subnets[0] ? (
        <>
          <span className="mono">{n.subnets[0].prefix}</span>
          {n.subnets.length > 1 ? <span className="more">+{n.subnets.length - 1}</span> : null}
        </>
      ) : (
        <span className="dim">—</span>
      ),
  },
  { id: 'mtu', header: 'MTU', value: (n) => n.mtu, numeric: true, filter: 'number' },
  { id: 'ports', header: 'Ports', value: (n) => n.ports, numeric: true, filter: 'number' },
  {
    id: 'servers',
    header: 'Servers',
    value: (n) => n.servers.map((s) => s.name).join(' '),
    filter: 'text',
    className: 'small mid',
    phone: 'side-under',
    cell: (n) =>
      n.servers.length > 3
        ? `${n.servers.length} servers`
        : n.servers.map((s) => s.name).join(', ') || <span className="dim">no ports</span>,
  },
  {
    id: 'state',
    header: 'Wanted / held',
    value: (n) => STATE_WORDS[n.state.state],
    cell: (n) => <HeldWord state={n.state} />,
    filter: 'choice',
    phone: 'side',
  },
]

/** All networks that one may see. */
export function NetworkTable() {
  const networks = useNetworks()
  const mayWrite = useMay('network.write')
  const [doomed, setDoomed] = useState<readonly Network[]>([])
  const create = (
    <ButtonLink href="/networks/new" look="primary" icon="plus">
      Create network
    </ButtonLink>
  )
  return (
    <>
      <PageHead title="Networks">
        {mayWrite ? (
          <div className="row push">{create}</div>
        ) : (
          <span className="dim small">You may look, not change</span>
        )}
      </PageHead>
      <DataTable
        noun="networks"
        columns={COLUMNS}
        query={networks}
        nameOf={(network) => network.name}
        sort="name"
        empty={
          <Empty icon="network" title="No networks yet" action={mayWrite ? create : null}>
            A network is one segment of a tenant: its ports reach one another on every server, and nobody else’s.
          </Empty>
        }
        {...(mayWrite
          ? {
              bulk: (selected: readonly Network[]) => (
                <Button look="quiet" small icon="bin" onPress={() => setDoomed(selected)}>
                  Delete
                </Button>
              ),
            }
          : {})}
      />
      <DeleteNetworks networks={doomed} onClose={() => setDoomed([])} />
    </>
  )
}
