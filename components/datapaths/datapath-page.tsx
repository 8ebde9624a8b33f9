'use client'
import { parseAsInteger, parseAsStringLiteral, useQueryStates } from 'nuqs'
import { useMemo } from 'react'
import { useDatapath, useDatapathPorts, useReadBack, useTables } from '../queries/datapaths.ts'
import { Banner, ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { PageHead } from '../ui/page-head.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Ago } from '../ui/time.tsx'
import { ConnectionView } from './connection.tsx'
import { Drift } from './drift.tsx'
import { Entries } from './entries.tsx'
import { Identity } from './identity.tsx'
import { Pipeline } from './pipeline.tsx'
import { DatapathPorts } from './ports.tsx'
import { useRates } from './rates.ts'
import { DatapathState } from './state.tsx'
import '../changes/changes.css'
import './datapaths.css'

const KEYS = {
  view: parseAsStringLiteral(['pipeline', 'ports', 'connection'] as const).withDefault('pipeline'),
  table: parseAsInteger,
}

/** One datapath: what it is, what it can, its pipeline, its entries and why they are there. */
export function DatapathPage({ id }: { id: string }) {
  const [place, setPlace] = useQueryStates(KEYS, { history: 'push' })
  const datapath = useDatapath(id)
  const tables = useTables(id)
  const ports = useDatapathPorts(id, place.view === 'pipeline')
  const readBack = useReadBack()
  const items = tables.data?.tables
  const counters = useMemo(
    () =>
      new Map(
        (items ?? []).flatMap((t) => [
          [`packets ${t.table}`, t.packets] as const,
          [`dropped ${t.table}`, t.dropped] as const,
        ]),
      ),
    [items],
  )
  const entry = items?.reduce((least, t) => Math.min(least, t.table), 255)
  const rates = useRates(counters, tables.dataUpdatedAt, `packets ${entry}`)
  const data = datapath.data
  if (!data)
    return (
      <>
        <PageHead title="Datapath" crumbs={[{ href: '/datapaths', label: 'Datapaths' }]} />
        <div className="body">
          {datapath.isError ? (
            <ErrorBanner error={datapath.error} onRetry={() => void datapath.refetch()} />
          ) : (
            <Skeleton />
          )}
        </div>
      </>
    )
  const tab = (view: typeof place.view, label: string, count?: number) => (
    <a
      href={`?view=${view}`}
      aria-current={place.view === view ? 'page' : undefined}
      onClick={(event) => {
        event.preventDefault()
        void setPlace({ view })
      }}
    >
      {label} {count === undefined ? null : <span className="dim">{count}</span>}
    </a>
  )
  return (
    <>
      <PageHead title={data.name} crumbs={[{ href: '/datapaths', label: 'Datapaths' }]}>
        <DatapathState datapath={data} pill />
        <span className="tag">{data.siteName}</span>
        <span className="tag">{data.serverName}</span>
        <nav className="views push" aria-label="Views of the datapath">
          {tab('pipeline', 'Pipeline')}
          {tab('ports', 'Ports', ports.data?.items.length)}
          {tab('connection', 'Connection')}
        </nav>
        <Button icon="refresh" isDisabled={readBack.isPending} onPress={() => readBack.mutate(id)}>
          {readBack.isPending ? 'Reading' : 'Read back'}
        </Button>
      </PageHead>
      <div className="body">
        {data.state === 'away' ? (
          <Banner
            tone="warn"
            title={`${data.name} is away`}
            actions={
              <Button small onPress={() => readBack.mutate(id)}>
                Try now
              </Button>
            }
          >
            {data.reason ?? 'It is not connected.'}{' '}
            {data.readAt ? (
              <>
                Figures are from <Ago time={data.readAt} />.
              </>
            ) : null}
          </Banner>
        ) : null}
        <ErrorBanner error={readBack.error} />
        <Drift datapath={data} />
        <Identity datapath={data} history={rates.history} />
        {place.view === 'ports' ? <DatapathPorts id={id} /> : null}
        {place.view === 'connection' ? <ConnectionView datapath={data} /> : null}
        {place.view === 'pipeline' ? (
          <>
            {items ? (
              <Pipeline
                tables={items}
                offered={data.tables}
                rates={rates}
                selected={place.table}
                onSelect={(table) => void setPlace({ table })}
              />
            ) : (
              <Skeleton />
            )}
            <Entries
              key={place.table}
              datapathId={id}
              table={items?.find((t) => t.table === place.table)}
              onClear={() => void setPlace({ table: null })}
            />
          </>
        ) : null}
      </div>
    </>
  )
}
