'use client'
import Link from 'next/link'
import type { Server } from '#server/contract/inventory.ts'
import { useServers } from '../queries/inventory.ts'
import { Empty } from '../ui/empty.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { InventoryHead } from './inventory-head.tsx'
import './inventory.css'

const COLUMNS: readonly Column<Server>[] = [
  { id: 'name', header: 'Name', value: (s) => s.name, filter: 'text', phone: 'title' },
  { id: 'site', header: 'Site', value: (s) => s.siteName, filter: 'choice', phone: 'under' },
  {
    id: 'vtep',
    header: 'VTEP',
    value: (s) => s.vtep,
    className: 'mono',
    filter: 'text',
    phone: 'side',
    phoneWords: () => ({ before: 'VTEP' }),
  },
  { id: 'mtu', header: 'Underlay MTU', value: (s) => s.underlayMtu, numeric: true, filter: 'number' },
  {
    id: 'nics',
    header: 'NICs',
    value: (s) => s.nics.map(({ name, profile }) => `${name} ${profile}`).join(' '),
    cell: (s) =>
      s.nics.length === 0 ? (
        <span className="dim">—</span>
      ) : (
        s.nics.map((nic) => (
          <span key={nic.id} className="pairs">
            {nic.name} <span className="dim">{nic.profile}</span>
          </span>
        ))
      ),
    filter: 'text',
  },
  {
    id: 'datapaths',
    header: 'Datapaths',
    value: (s) => s.datapaths.map(({ name }) => name).join(' '),
    cell: (s) =>
      s.datapaths.map((datapath) => (
        <span key={datapath.id} className="pairs">
          <Link href={`/datapaths/${datapath.id}`}>{datapath.name}</Link> <span className="dim">{datapath.role}</span>
        </span>
      )),
    filter: 'text',
  },
  {
    id: 'ports',
    header: 'Tenant ports',
    value: (s) => s.ports,
    numeric: true,
    filter: 'number',
    phone: 'side-under',
    phoneWords: (s) => ({ after: s.ports === 1 ? 'port' : 'ports' }),
  },
]

/** The servers with their tunnel ends, NICs and datapaths. */
export function Servers() {
  const servers = useServers()
  return (
    <>
      <InventoryHead />
      <DataTable
        noun="servers"
        columns={COLUMNS}
        query={servers}
        nameOf={(server) => server.name}
        sort="name"
        empty={
          <Empty icon="inventory" title="No servers yet">
            An inventory file declares sites, servers, NICs, datapaths and the places where hosts are plugged in. Import
            it with the command line or through the API.
          </Empty>
        }
      />
    </>
  )
}
