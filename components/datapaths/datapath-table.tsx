'use client'
import Link from 'next/link'
import type { Datapath } from '#server/contract/datapaths.ts'
import { InventoryHead } from '../inventory/inventory-head.tsx'
import { useDatapaths } from '../queries/datapaths.ts'
import { Empty } from '../ui/empty.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { DATAPATH_WORDS, DatapathState } from './state.tsx'

const COLUMNS: readonly Column<Datapath>[] = [
  {
    id: 'name',
    header: 'Name',
    value: (d) => d.name,
    cell: (d) => <Link href={`/datapaths/${d.id}`}>{d.name}</Link>,
    filter: 'text',
    phone: 'title',
  },
  { id: 'server', header: 'Server', value: (d) => d.serverName, filter: 'choice', phone: 'under' },
  { id: 'site', header: 'Site', value: (d) => d.siteName, filter: 'choice' },
  {
    id: 'role',
    header: 'Role',
    value: (d) => (d.nic ? `smart NIC ${d.nic}` : 'server’s switch'),
    filter: 'text',
    className: 'mid',
  },
  { id: 'bridge', header: 'Bridge', value: (d) => d.bridge, className: 'mono' },
  { id: 'product', header: 'Switch', value: (d) => d.product, filter: 'text', className: 'mid' },
  {
    id: 'entries',
    header: 'Entries',
    value: (d) => d.held,
    cell: (d) => d.held.toLocaleString('en'),
    numeric: true,
    filter: 'number',
    phone: 'side-under',
    phoneWords: (d) => ({ after: d.held === 1 ? 'entry' : 'entries' }),
  },
  { id: 'groups', header: 'Groups', value: (d) => d.groups, numeric: true, filter: 'number' },
  {
    id: 'state',
    header: 'Wanted / held',
    value: (d) => DATAPATH_WORDS[d.state],
    cell: (d) => <DatapathState datapath={d} />,
    filter: 'choice',
    phone: 'side',
  },
]

export function DatapathTable() {
  const datapaths = useDatapaths()
  return (
    <>
      <InventoryHead />
      <DataTable
        noun="datapaths"
        columns={COLUMNS}
        query={datapaths}
        nameOf={(datapath) => datapath.name}
        sort="name"
        empty={
          <Empty icon="inventory" title="No datapaths yet">
            A datapath is a switch that Weft programs: a server’s own, or one inside a smart NIC. They come with the
            inventory.
          </Empty>
        }
      />
    </>
  )
}
