'use client'
import Link from 'next/link'
import { Fragment, useState } from 'react'
import type { DatapathTable, HeldEntry } from '#server/contract/datapaths.ts'
import { COUNTER_MS, useEntries } from '../queries/datapaths.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Status } from '../ui/status.tsx'
import { useNow } from '../ui/time.tsx'
import { ago, bytes, count, span } from '../ui/words.ts'
import { Match } from './notation.tsx'
import { missWords } from './pipeline.tsx'
import { Why } from './why.tsx'

function Intent({ entry }: { entry: HeldEntry }) {
  if (entry.state === 'foreign')
    return (
      <Status tone="warn" icon="drift">
        By hand
      </Status>
    )
  if (entry.state === 'missing') return <Status tone="bad">Missing</Status>
  if (entry.state === 'differs')
    return (
      <Status tone="warn" icon="drift">
        Differs
      </Status>
    )
  if (!entry.because) return <span className="dim">pipeline</span>
  return entry.because.kind === 'network' && entry.because.id ? (
    <Link href={`/networks/${entry.because.id}`} title={entry.because.name}>
      {entry.because.name}
    </Link>
  ) : (
    <span title={entry.because.name}>{entry.because.name}</span>
  )
}

function Row({
  entry,
  datapathId,
  withTable,
  open,
  onToggle,
}: {
  entry: HeldEntry
  datapathId: string
  withTable: boolean
  open: boolean
  onToggle: () => void
}) {
  return (
    <Fragment>
      <tr className={open ? 'open' : ''}>
        <td>
          <button
            type="button"
            className="iconbtn slim"
            aria-expanded={open}
            aria-label={`Why is this here? ${entry.match || 'any packet'}`}
            onClick={onToggle}
          >
            <Icon name={open ? 'down' : 'right'} small />
          </button>
        </td>
        {withTable ? <td className="num">{entry.table}</td> : null}
        <td className="num">{entry.priority}</td>
        <td className="wrap">{entry.match ? <Match text={entry.match} /> : <span className="dim">any packet</span>}</td>
        <td className="wrap">
          <code>{entry.actions.replaceAll(',', ',\u200b')}</code>
        </td>
        <td className="num">{count(entry.packets)}</td>
        <td className="num">{bytes(entry.bytes)}</td>
        <td className="num">{span(entry.age_ms)}</td>
        <td className="clip intent">
          <Intent entry={entry} />
        </td>
      </tr>
      {open ? (
        <tr className="open2">
          <td className="x" colSpan={withTable ? 9 : 8}>
            <Why datapathId={datapathId} entryKey={entry.key} />
          </td>
        </tr>
      ) : null}
    </Fragment>
  )
}

/** The entries of a datapath or of one of its tables, with counters that move. */
export function Entries({
  datapathId,
  table,
  onClear,
}: {
  datapathId: string
  table: DatapathTable | undefined
  onClear: () => void
}) {
  const [trail, setTrail] = useState<readonly string[]>([])
  const [opened, setOpened] = useState<string>()
  const [search, setSearch] = useState('')
  const entries = useEntries(datapathId, table?.table ?? null, trail.at(-1))
  const now = useNow(1000)
  const wanted = search.trim().toLowerCase()
  const shown = (entries.data?.items ?? []).filter((entry) =>
    `${entry.match} ${entry.actions} ${entry.cookie} ${entry.because?.name ?? ''}`.toLowerCase().includes(wanted),
  )
  return (
    <section className="card" aria-labelledby="h-entries">
      <header>
        <h2 id="h-entries">{table ? `Table ${table.table}, ${table.name}` : 'Entries of all tables'}</h2>
        {table ? (
          <span className="dim not-s clip">
            {table.kind} on {table.fields.join(', ')} · a miss {table.miss === 'drop' ? 'is dropped' : missWords(table)}
            {table.limit === null
              ? ''
              : ` · ${table.entries.toLocaleString('en')} of ${table.limit.toLocaleString('en')}`}
          </span>
        ) : null}
        <label className="find push">
          <Icon name="filter" small />
          <span className="sr">Filter entries</span>
          <input
            type="search"
            placeholder="Filter…"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
        </label>
        {table ? (
          <Button look="quiet" small onPress={onClear}>
            All tables
          </Button>
        ) : null}
      </header>
      <ErrorBanner error={entries.error} onRetry={() => void entries.refetch()} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <div className="tablewrap" tabIndex={0}>
        <table className={`t ent${entries.isError ? ' stale' : ''}`}>
          <thead>
            <tr>
              <th className="x0">
                <span className="sr">Why</span>
              </th>
              {table ? null : <th className="num">Table</th>}
              <th className="num">Priority</th>
              <th>Match</th>
              <th>Actions</th>
              <th className="num">Packets</th>
              <th className="num">Bytes</th>
              <th className="num">Age</th>
              <th>Intent</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((entry) => (
              <Row
                key={entry.key}
                entry={entry}
                datapathId={datapathId}
                withTable={!table}
                open={opened === entry.key}
                onToggle={() => setOpened(opened === entry.key ? undefined : entry.key)}
              />
            ))}
          </tbody>
        </table>
        {entries.isPending ? <Skeleton /> : null}
        {entries.data && shown.length === 0 ? (
          <p className="empty">{wanted ? 'No entry fits.' : 'No entries here.'}</p>
        ) : null}
      </div>
      <div className="tablefoot">
        <span className="small">
          {shown.length} of {(entries.data?.total ?? 0).toLocaleString('en')}
        </span>
        <span className="push small dim" suppressHydrationWarning>
          Counters refresh every {COUNTER_MS / 1000} s
          {entries.data?.readAt
            ? `, read ${ago(entries.data.readAt, now)}${ago(entries.data.readAt, now) === 'now' ? '' : ' ago'}`
            : ''}
        </span>
        {trail.length > 0 ? (
          <Button small onPress={() => setTrail(trail.slice(0, -1))}>
            Previous
          </Button>
        ) : null}
        {entries.data?.next ? (
          <Button small onPress={() => setTrail([...trail, entries.data?.next ?? ''])}>
            Next
          </Button>
        ) : null}
      </div>
    </section>
  )
}
