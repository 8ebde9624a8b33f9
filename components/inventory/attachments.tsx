'use client'
import Link from 'next/link'
import type { Attachment } from '#server/contract/inventory.ts'
import { useAttachments } from '../queries/inventory.ts'
import { Empty } from '../ui/empty.tsx'
import { Status } from '../ui/status.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { InventoryHead } from './inventory-head.tsx'
import './inventory.css'

const usedWord = (attachment: Attachment) => (attachment.usedBy.length === 0 ? 'Free' : 'In use')

const usesOf = ({ usedBy }: Attachment) =>
  usedBy.map((use) => `${use.name}${use.vlan === null ? '' : `, VLAN ${use.vlan}`}`).join('; ')

const COLUMNS: readonly Column<Attachment>[] = [
  { id: 'name', header: 'Name', value: (a) => a.name, filter: 'text', phone: 'title' },
  { id: 'server', header: 'Server', value: (a) => a.serverName, filter: 'choice', phone: 'under' },
  {
    id: 'datapath',
    header: 'Datapath',
    value: (a) => a.datapathName,
    cell: (a) => <Link href={`/datapaths/${a.datapathId}`}>{a.datapathName}</Link>,
    filter: 'choice',
  },
  { id: 'port', header: 'Port', value: (a) => a.portName, className: 'mono', filter: 'text' },
  { id: 'mac', header: 'MAC', value: (a) => a.mac, className: 'mono', filter: 'text', phone: 'side-under' },
  {
    id: 'use',
    header: 'Use',
    value: usedWord,
    filter: 'choice',
    phone: 'side',
    cell: (a) =>
      a.usedBy.length === 0 ? (
        <Status tone="idle" calm>
          Free
        </Status>
      ) : (
        <Status tone="ok" calm>
          <span className="clip uses not-s" title={usesOf(a)}>
            {usesOf(a)}
          </span>
          <span className="clip only-s">{a.usedBy.length === 1 ? a.usedBy[0]?.name : `${a.usedBy.length} ports`}</span>
        </Status>
      ),
  },
]

/** The virtual NICs where tenants' ports can be plugged in. */
export function Attachments() {
  const attachments = useAttachments()
  return (
    <>
      <InventoryHead />
      <DataTable
        noun="attachments"
        columns={COLUMNS}
        query={attachments}
        nameOf={(attachment) => attachment.name}
        sort="name"
        empty={
          <Empty icon="port" title="No attachments yet">
            An attachment is one virtual NIC of a host: the place where a tenant’s port is plugged in.
          </Empty>
        }
      />
    </>
  )
}
