'use client'
import Link from 'next/link'
import type { ChangeSummary } from '#server/contract/changes.ts'
import { useChanges } from '../queries/changes.ts'
import { Empty } from '../ui/empty.tsx'
import { PageHead } from '../ui/page-head.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { Moment } from '../ui/time.tsx'
import { ChangeStatus, changeWord } from './state.tsx'

const COLUMNS: readonly Column<ChangeSummary>[] = [
  {
    id: 'name',
    header: 'Change',
    value: (c) => c.name,
    cell: (c) => <Link href={`/changes/${c.name}`}>{c.name}</Link>,
    phone: 'figure',
  },
  {
    id: 'title',
    header: 'What',
    value: (c) => c.title,
    filter: 'text',
    phone: 'title',
    className: 'what',
    cell: (c) => <Link href={`/changes/${c.name}`}>{c.title || 'Untitled change'}</Link>,
  },
  {
    id: 'state',
    header: 'State',
    value: (c) => changeWord(c.state),
    cell: (c) => <ChangeStatus state={c.state} calm />,
    filter: 'choice',
    phone: 'side',
  },
  { id: 'actor', header: 'Who', value: (c) => c.actor, filter: 'choice', phone: 'under' },
  {
    id: 'reason',
    header: 'Why, or how it ended',
    value: (c) => c.outcome ?? c.reason,
    cell: (c) => (
      <span className="clip mid reason">
        {c.outcome ?? (c.reason || (c.rollbackOf ? `takes back ${c.rollbackOf.name}` : '—'))}
      </span>
    ),
    filter: 'text',
  },
  {
    id: 'createdAt',
    header: 'Begun',
    value: (c) => c.createdAt,
    cell: (c) => <Moment time={c.createdAt} />,
    numeric: true,
    phone: 'side-under',
  },
]

/** Who changed what, when and why. */
export function ChangeTable() {
  const changes = useChanges()
  return (
    <>
      <PageHead title="Changes" />
      <DataTable
        noun="changes"
        columns={COLUMNS}
        query={changes}
        nameOf={(change) => change.name}
        sort="-createdAt"
        empty={
          <Empty icon="change" title="No changes yet">
            Whatever reaches a datapath is a change: planned, checked, previewed, committed on all datapaths together,
            and observed.
          </Empty>
        }
      />
    </>
  )
}
