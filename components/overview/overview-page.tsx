'use client'
import { useMemo } from 'react'
import type { Overview } from '#server/contract/overview.ts'
import { useRates } from '../datapaths/rates.ts'
import { useLive } from '../queries/events.ts'
import { useOverview } from '../queries/overview.ts'
import { useMay } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { ButtonLink } from '../ui/button.tsx'
import { PageHead } from '../ui/page-head.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { useInBrowser, useNow } from '../ui/time.tsx'
import { ago } from '../ui/words.ts'
import { Attention, Health } from './side.tsx'
import { Links, RecentChanges } from './tables.tsx'
import { WeaveCard } from './weave-card.tsx'
import './overview.css'

const EVERY_MS = 3000

function countersOf(overview: Overview | undefined): ReadonlyMap<string, string> {
  if (!overview) return new Map()
  const { totals, links } = overview
  const sent = new Map<string, bigint>()
  for (const link of links) sent.set(link.from, (sent.get(link.from) ?? 0n) + BigInt(link.bytes))
  return new Map([
    ...[...sent].map(([from, total]) => [`link ${from}`, total.toString()] as const),
    ['total bytes', totals.tunnelBytes],
    ['total packets', totals.tunnelPackets],
    ['total spoofed', totals.spoofed],
    ['total misses', totals.misses],
  ])
}

/** How fresh the page is: live by events, or how old its figures are. */
function Freshness({ at_ms, failed }: { at_ms: number; failed: boolean }) {
  const live = useLive()
  const now = useNow(1000)
  const inBrowser = useInBrowser()
  const fine = live.connected && !failed
  const age = ago(at_ms, now)
  return (
    <span className={`st small live ${fine ? 'ok' : 'warn'}`} role="status">
      <svg width="8" height="8" aria-hidden="true">
        <circle cx="4" cy="4" r="3.5" fill="currentColor" />
      </svg>
      <span className="mid">
        {fine ? 'Live' : inBrowser ? 'Not live' : 'Live'}
        {inBrowser && at_ms > 0 && age !== 'now' ? `, read ${age} ago` : ''}
      </span>
    </span>
  )
}

/** Where everything stands: the weave, what needs a person, figures that move, the last changes. */
export function OverviewPage() {
  const overview = useOverview(true, EVERY_MS)
  const mayWrite = useMay('network.write')
  const mayDatapath = useMay('datapath.read')
  const { data, dataUpdatedAt } = overview
  const counters = useMemo(() => countersOf(data), [data])
  const rates = useRates(counters, dataUpdatedAt, 'total bytes')
  const packets = useRates(counters, dataUpdatedAt, 'total packets').history
  const spoofed = useRates(counters, dataUpdatedAt, 'total spoofed').history
  const misses = useRates(counters, dataUpdatedAt, 'total misses').history
  return (
    <>
      <PageHead title="Overview">
        <Freshness at_ms={dataUpdatedAt} failed={overview.isError} />
        {mayWrite ? (
          <div className="row push">
            <ButtonLink href="/networks/new" look="primary" icon="plus">
              Create network
            </ButtonLink>
          </div>
        ) : null}
      </PageHead>
      {data ? (
        <div className={`body ov${overview.isError ? ' stale' : ''}`}>
          {overview.isError ? <ErrorBanner error={overview.error} onRetry={() => void overview.refetch()} /> : null}
          <div className="col">
            <WeaveCard overview={data} rates={rates} mayDatapath={mayDatapath} />
            <div className="two">
              {mayDatapath ? <Links overview={data} rates={rates} /> : null}
              <RecentChanges changes={data.changes} />
            </div>
          </div>
          <div className="col side">
            <Attention items={data.attention} servers={data.servers} />
            <Health
              overview={data}
              rates={rates}
              mayDatapath={mayDatapath}
              histories={{ traffic: rates.history, packets, spoofed, misses }}
            />
          </div>
        </div>
      ) : (
        <div className="body">
          {overview.isError ? (
            <ErrorBanner error={overview.error} onRetry={() => void overview.refetch()} />
          ) : (
            <Skeleton rows={8} />
          )}
        </div>
      )}
    </>
  )
}
