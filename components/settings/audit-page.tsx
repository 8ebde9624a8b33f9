'use client'
import Link from 'next/link'
import { parseAsString, useQueryStates } from 'nuqs'
import type { AuditRecord } from '#server/contract/audit.ts'
import { useAudit } from '../queries/audit.ts'
import { useChanges } from '../queries/changes.ts'
import { useMay } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Select } from '../ui/choice.tsx'
import { Icon } from '../ui/icon.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Status } from '../ui/status.tsx'
import { Moment } from '../ui/time.tsx'
import { SettingsHead } from './settings-head.tsx'
import '../ui/table/table.css'
import './settings.css'

const KEYS = { actor: parseAsString.withDefault(''), outcome: parseAsString.withDefault('any') }
const OUTCOMES = [
  { id: 'any', label: 'Any outcome' },
  { id: 'done', label: 'Done' },
  { id: 'refused', label: 'Refused' },
  { id: 'failed', label: 'Failed' },
] as const
const WORDS = { done: 'Done', refused: 'Refused', failed: 'Failed' } as const
const TONES = { done: 'ok', refused: 'warn', failed: 'bad' } as const

function Subject({ record, changeName }: { record: AuditRecord; changeName: string | undefined }) {
  const [kind, id] = record.subject?.split('/') ?? []
  if (kind === 'datapath' && id) return <Link href={`/datapaths/${id}`}>datapath</Link>
  if (changeName) return <Link href={`/changes/${changeName}`}>{changeName}</Link>
  if (kind === 'network' && id) return <Link href={`/networks/${id}`}>network</Link>
  return <span className="dim">{kind ?? '—'}</span>
}

/** Who did what, newest first, by windows from the server. */
export function AuditPage() {
  const [view, setView] = useQueryStates(KEYS, { history: 'replace', clearOnDefault: true })
  const filters = [
    ...(view.actor ? [`actor:contains:${view.actor}`] : []),
    ...(view.outcome === 'any' ? [] : [`outcome:eq:${view.outcome}`]),
  ]
  const audit = useAudit(filters)
  const changes = useChanges(useMay('change.read'))
  const nameOf = (id: string | null) => changes.data?.find((change) => change.id === id)?.name
  const records = audit.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      <SettingsHead />
      <section className="card nw twoline" aria-label="Audit log">
        <div className="bar">
          <label className="find">
            <Icon name="search" small />
            <span className="sr">Who</span>
            <input
              type="search"
              placeholder="Who…"
              value={view.actor}
              onChange={(event) => void setView({ actor: event.target.value || null })}
            />
          </label>
          <span className="outcome">
            <Select
              label="Outcome"
              hideLabel
              value={view.outcome}
              onValue={(outcome) => void setView({ outcome })}
              options={OUTCOMES}
            />
          </span>
          <span className="dim small push not-s">Lines are added, never changed</span>
        </div>
        <ErrorBanner error={audit.error} onRetry={() => void audit.refetch()} />
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
        <div className="tablewrap" tabIndex={0}>
          <table className="t">
            <thead>
              <tr>
                <th>When</th>
                <th>Who</th>
                <th>From</th>
                <th>What</th>
                <th>Outcome</th>
                <th>About</th>
                <th>Detail</th>
              </tr>
            </thead>
            <tbody>
              {records.map((record) => {
                const about = nameOf(record.changeId)
                // Where the detail only names the change again, nothing is lost without it.
                const detail = record.detail === about ? '' : record.detail
                return (
                  <tr key={record.id}>
                    <td className="mid p-side-under">
                      <Moment time={record.at} long />
                    </td>
                    <td className="p-title">{record.actor}</td>
                    <td className="mono">{record.address || <span className="dim">—</span>}</td>
                    <td className="p-under">{record.action}</td>
                    <td className="p-side">
                      <Status tone={TONES[record.outcome]} calm={record.outcome === 'done'}>
                        {WORDS[record.outcome]}
                      </Status>
                    </td>
                    <td>
                      <Subject record={record} changeName={about} />
                    </td>
                    <td className="mid clip detail" title={detail}>
                      {detail || <span className="dim">—</span>}
                    </td>
                  </tr>
                )
              })}
            </tbody>
          </table>
          {audit.isPending ? <Skeleton rows={8} /> : null}
          {audit.isSuccess && records.length === 0 ? <p className="empty">Nothing fits.</p> : null}
        </div>
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
