'use client'
import Link from 'next/link'
import { Fragment, useState } from 'react'
import type { AuditRecord } from '#server/contract/audit.ts'
import { useAudit } from '../../queries/audit.ts'
import { useChanges } from '../../queries/changes.ts'
import { useMay, useSession } from '../../shell/session.tsx'
import { ErrorBanner } from '../../ui/banner.tsx'
import { Button } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { Status } from '../../ui/status.tsx'
import { TableWrap } from '../../ui/table-wrap.tsx'
import { Moment } from '../../ui/time.tsx'
import { SettingsHead } from '../settings-head.tsx'
import { ChainStrip } from './chain-strip.tsx'
import { ExportMenu } from './export-menu.tsx'
import { useLook } from './look.ts'
import { LookBar } from './look-bar.tsx'
import { OpenedLine } from './opened-line.tsx'
import '../settings.css'
import './audit.css'

const TONES = { done: 'ok', refused: 'warn', failed: 'bad' } as const

function Subject({ record, changeName }: { record: AuditRecord; changeName: string | undefined }) {
  const [kind, id] = record.subject?.split('/') ?? []
  if (kind === 'datapath' && id) return <Link href={`/datapaths/${id}`}>datapath</Link>
  if (changeName) return <Link href={`/changes/${changeName}`}>{changeName}</Link>
  if (kind === 'network' && id) return <Link href={`/networks/${id}`}>network</Link>
  return <span className="dim">{kind ?? '—'}</span>
}

interface RowProps {
  readonly record: AuditRecord
  readonly changeName: string | undefined
  readonly withTenant: boolean
  readonly isOpen: boolean
  readonly onToggle: () => void
}

const Row = ({ record, changeName, withTenant, isOpen, onToggle }: RowProps) => (
  <tr className={isOpen ? 'isopen' : ''}>
    <td className="mid p-side-under">
      <button
        type="button"
        className="opener"
        aria-expanded={isOpen}
        aria-label={`Line ${record.id}, ${record.action} by ${record.actor || 'nobody'}`}
        onClick={onToggle}
      >
        <Icon name={isOpen ? 'down' : 'right'} small />
      </button>
      <Moment time={record.at} long />
    </td>
    <td className="p-title">
      {record.actor || <span className="dim">nobody</span>}
      {record.provider ? <span className="dim small"> by {record.provider}</span> : null}
    </td>
    <td className="mono">{record.address}</td>
    {withTenant ? <td>{record.tenantName ?? <span className="dim">—</span>}</td> : null}
    <td className="p-under">{record.action}</td>
    <td className="p-side">
      <Status tone={TONES[record.outcome]} calm={record.outcome === 'done'}>
        {record.outcome}
      </Status>
    </td>
    <td className="mono small">{record.reason ?? <span className="dim">—</span>}</td>
    <td>
      <Subject record={record} changeName={changeName} />
    </td>
    <td className="mid clip detail" title={record.detail}>
      {record.detail}
    </td>
  </tr>
)

/** Who did what, newest first, by windows from the server; and whether it is still as it was written. */
export function AuditPage() {
  const { view, setView, look, isBare } = useLook()
  const audit = useAudit(look)
  const changes = useChanges(useMay('change.read'))
  const { account } = useSession()
  const [opened, setOpened] = useState<string>()
  const nameOf = (id: string | null) => changes.data?.find((change) => change.id === id)?.name
  const records = audit.data?.pages.flatMap((page) => page.items) ?? []
  const withTenant = account.tenantId === null
  return (
    <>
      <SettingsHead>
        <ExportMenu look={look} isBare={isBare} />
      </SettingsHead>
      <ChainStrip />
      <section className="card nw auditlog" aria-label="Audit log">
        <LookBar view={view} setView={setView} />
        <ErrorBanner error={audit.error} onRetry={() => void audit.refetch()} />
        <TableWrap rows>
          <table className="t" aria-busy={audit.isPlaceholderData}>
            <thead>
              <tr>
                <th>When</th>
                <th>Who</th>
                <th>From</th>
                {withTenant ? <th>Tenant</th> : null}
                <th>What</th>
                <th>Outcome</th>
                <th>Reason</th>
                <th>About</th>
                <th>Detail</th>
              </tr>
            </thead>
            <tbody>
              {records.map((record) => (
                <Fragment key={record.id}>
                  <Row
                    record={record}
                    changeName={nameOf(record.changeId)}
                    withTenant={withTenant}
                    isOpen={opened === record.id}
                    onToggle={() => setOpened(opened === record.id ? undefined : record.id)}
                  />
                  {opened === record.id ? (
                    <tr className="openedrow">
                      <td colSpan={withTenant ? 9 : 8}>
                        <OpenedLine id={record.id} changeName={nameOf(record.changeId)} />
                      </td>
                    </tr>
                  ) : null}
                </Fragment>
              ))}
            </tbody>
          </table>
          {audit.isPending ? <Skeleton rows={8} /> : null}
          {audit.isSuccess && records.length === 0 ? <p className="empty">Nothing fits.</p> : null}
        </TableWrap>
        <div className="tablefoot">
          <span className="small">{records.length.toLocaleString('en')} shown, newest first</span>
          <span className="push">
            <Button
              small
              isDisabled={!audit.hasNextPage || audit.isFetchingNextPage}
              onPress={() => void audit.fetchNextPage()}
            >
              {audit.isFetchingNextPage ? 'Reading' : 'Older'}
            </Button>
          </span>
        </div>
      </section>
    </>
  )
}
