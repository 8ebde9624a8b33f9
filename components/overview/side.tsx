'use client'
import Link from 'next/link'
import type { Overview } from '#server/contract/overview.ts'
import type { Rates } from '../datapaths/rates.ts'
import { Icon } from '../ui/icon.tsx'
import { Spark } from '../ui/spark.tsx'
import { Status } from '../ui/status.tsx'
import { Ago } from '../ui/time.tsx'
import { count, plural, rate } from '../ui/words.ts'

/** How many datapaths a change is moving just now. */
const changingIn = (servers: Overview['servers']) =>
  servers.reduce((sum, server) => sum + server.datapaths.filter(({ state }) => state === 'moving').length, 0)

/** What needs a person, worst first. */
export function Attention({ items, servers }: { items: Overview['attention']; servers: Overview['servers'] }) {
  const changing = changingIn(servers)
  return (
    <section className="card" aria-labelledby="h-al">
      <header>
        <h2 id="h-al">Needs attention</h2>
        <span className="push dim">{items.length}</span>
      </header>
      {items.length === 0 ? (
        <p className="in mid">
          {changing > 0 ? (
            <Status tone="moving">Nothing. {plural(changing, 'datapath changes', 'datapaths change')} just now.</Status>
          ) : (
            <Status tone="ok" calm>
              Nothing. Every datapath holds what is wanted.
            </Status>
          )}
        </p>
      ) : null}
      {items.map((item) => (
        <div className={`al ${item.severity}`} key={`${item.href}${item.title}`}>
          <Icon name={item.severity} />
          <b>{item.title}</b>
          <span className="dim small">{item.since ? <Ago time={item.since} /> : null}</span>
          <p>
            {item.words}{' '}
            <Link href={item.href} className="nowrap">
              {item.action}
            </Link>
          </p>
        </div>
      ))}
    </section>
  )
}

interface Figure {
  readonly label: string
  readonly href: string
  readonly figure: string
  readonly unit?: string
  readonly note?: React.ReactNode
  readonly history?: readonly number[]
}

export type Histories = Readonly<Record<'traffic' | 'packets' | 'spoofed' | 'misses', readonly number[]>>

function figuresOf(
  { totals, servers }: Overview,
  rates: Rates,
  histories: Histories,
  mayDatapath: boolean,
): readonly Figure[] {
  const datapaths = mayDatapath ? '/datapaths' : '/networks'
  const perSecond = (key: string, unit: string, scale = 1) => {
    const value = rates.now.get(key)
    return value === undefined ? { figure: '—', unit } : rate(value * scale, unit)
  }
  const changing = changingIn(servers)
  const away = totals.datapaths - totals.holding - changing
  const figures: readonly (Figure & { readonly needsDatapaths?: true })[] = [
    {
      label: 'Datapaths holding',
      href: datapaths,
      figure: String(totals.holding),
      unit: `of ${totals.datapaths}`,
      note:
        away > 0 ? (
          <Status tone="warn">{away === 1 ? '1 does not' : `${away} do not`}</Status>
        ) : changing > 0 ? (
          <Status tone="moving">{changing === 1 ? '1 changes' : `${changing} change`}</Status>
        ) : null,
    },
    {
      label: 'Tunnel traffic',
      needsDatapaths: true,
      href: datapaths,
      ...perSecond('total bytes', 'bit/s', 8),
      history: histories.traffic,
    },
    {
      label: 'Tunnel packets',
      needsDatapaths: true,
      href: datapaths,
      ...perSecond('total packets', 'pkt/s'),
      history: histories.packets,
    },
    {
      label: 'Networks and ports',
      href: '/networks',
      figure: totals.networks.toLocaleString('en'),
      unit: `${totals.networks === 1 ? 'network' : 'networks'}, ${plural(totals.ports, 'port')}`,
    },
    {
      label: 'Table entries',
      needsDatapaths: true,
      href: datapaths,
      figure: totals.entries.toLocaleString('en'),
      unit: 'held',
    },
    {
      label: 'Spoofed, dropped',
      needsDatapaths: true,
      href: '/networks',
      figure: count(totals.spoofed),
      unit: 'packets',
      history: histories.spoofed,
      note: (rates.now.get('total spoofed') ?? 0) > 0 ? <Status tone="warn">now</Status> : null,
    },
    {
      label: 'Table misses',
      needsDatapaths: true,
      href: datapaths,
      figure: count(totals.misses),
      unit: 'packets',
      history: histories.misses,
    },
  ]
  // Who sees no datapaths has no figures of them; a nought would be a lie.
  return figures.filter((figure) => mayDatapath || !figure.needsDatapaths)
}

/** Figures that move, each with its course since the page was opened. */
export function Health({
  overview,
  rates,
  histories,
  mayDatapath,
}: {
  overview: Overview
  rates: Rates
  histories: Histories
  mayDatapath: boolean
}) {
  return (
    <section className="card" aria-labelledby="h-he">
      <header>
        <h2 id="h-he">Health</h2>
        <span className="push dim">since you opened this page</span>
      </header>
      <div className="hl">
        {figuresOf(overview, rates, histories, mayDatapath).map((figure) => (
          <Link key={figure.label} href={figure.href}>
            <span className="k">
              {figure.label}
              {figure.note}
            </span>
            <span className="v figure">
              {figure.figure} <small>{figure.unit}</small>
            </span>
            {figure.history ? <Spark values={figure.history} /> : null}
          </Link>
        ))}
      </div>
    </section>
  )
}
