'use client'
import { useMemo } from 'react'
import type { Overview } from '#server/contract/overview.ts'
import type { Rates } from '../datapaths/rates.ts'
import { plural, rate } from '../ui/words.ts'
import { type PlacedServer, type PlacedThread, type WeaveLayout, weave, Y } from './weave-layout.ts'

const shortened = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

/** Bits per second out of a server into the underlay. */
const speedOf = (server: string, rates: Rates) => {
  const perSecond = rates.now.get(`link ${server}`)
  return perSecond === undefined ? undefined : rate(perSecond * 8, 'bit/s')
}

function Underlay({ shape, rates }: { shape: WeaveLayout; rates: Rates }) {
  const first = shape.servers[0]
  const last = shape.servers.at(-1)
  if (!first || !last || shape.servers.length < 2) return null
  const middle = (first.middle + last.middle) / 2
  const most = Math.max(1, ...shape.servers.map(({ server }) => rates.now.get(`link ${server.name}`) ?? 0))
  return (
    <g>
      {shape.servers.map(({ server, middle: x }) => {
        const perSecond = rates.now.get(`link ${server.name}`) ?? 0
        const from = middle + (x - middle) * 0.12
        const [top, foot] = [Y.bar + Y.barHeight, Y.server]
        return (
          <path
            key={server.id}
            className="lk"
            style={{ strokeWidth: 1.6 + 3.4 * Math.sqrt(perSecond / most) }}
            d={`M${from} ${top}C${from} ${top + 34} ${x} ${top + 18} ${x} ${foot}`}
          />
        )
      })}
      <rect className="lbl" x={middle - 62} y={Y.bar} width="124" height={Y.barHeight} rx="5" />
      <text className="lt" x={middle} y={Y.bar + 17} textAnchor="middle">
        underlay, VXLAN
      </text>
    </g>
  )
}

function ServerBox({ placed, rates, mayDatapath }: { placed: PlacedServer; rates: Rates; mayDatapath: boolean }) {
  const { server, x, width } = placed
  const worst =
    server.datapaths.find(({ state }) => state === 'away') ??
    server.datapaths.find(({ state }) => state === 'drifted') ??
    server.datapaths.find(({ state }) => state === 'moving')
  const share = server.entryLimit ? Math.min(1, server.entries / server.entryLimit) : undefined
  const hot = share !== undefined && share > 0.85
  const speed = speedOf(server.name, rates)
  const narrow = width < 128
  const target = server.datapaths[0]
  const words = worst
    ? `${worst.name} ${worst.state === 'away' ? 'is away' : worst.state === 'drifted' ? 'differs' : 'changes'}`
    : 'all datapaths hold'
  return (
    <a href={!mayDatapath ? '/networks' : target ? `/datapaths/${(worst ?? target).id}` : '/datapaths'}>
      <title>{`${server.name}: ${plural(server.ports, 'port')}, ${words}`}</title>
      <rect
        className={`box${worst?.state === 'away' ? ' badbox' : worst?.state === 'moving' ? ' movebox' : worst ? ' hotbox' : ''}`}
        x={x}
        y={Y.server}
        width={width}
        height={Y.serverHeight}
        rx="6"
      />
      <text className="sn" x={x + 10} y={Y.server + 18}>
        {shortened(server.name, narrow ? 10 : 18)}
      </text>
      <text className="sub" x={x + width - 10} y={Y.server + 18} textAnchor="end">
        {plural(server.ports, 'port')}
      </text>
      <text className="sub" x={x + 10} y={Y.server + 35}>
        {shortened(server.profile ?? 'no smart NIC', narrow ? 17 : 32)}
      </text>
      <text className={worst?.state === 'moving' ? 'subm' : worst ? 'subw' : 'sub'} x={x + 10} y={Y.server + 50}>
        {shortened(worst ? words : server.datapaths.map(({ name }) => name).join(', '), narrow ? 17 : 32)}
      </text>
      {share === undefined ? null : (
        <>
          <rect className="mb" x={x + 10} y={Y.server + 60} width={width - 20} height="5" rx="2.5" />
          <rect
            className={`mf${hot ? ' hot' : ''}`}
            x={x + 10}
            y={Y.server + 60}
            width={Math.max(3, (width - 20) * share)}
            height="5"
            rx="2.5"
          />
        </>
      )}
      <text className="sub" x={x + 10} y={Y.server + 81} visibility={mayDatapath ? undefined : 'hidden'}>
        {server.entries.toLocaleString('en')}{' '}
        {narrow ? 'entries' : plural(server.entries, 'entry', 'entries').replace(/^[\d,]+ /, '')}
      </text>
      {speed && !narrow ? (
        <text className="sub" x={x + width - 10} y={Y.server + 81} textAnchor="end">
          {speed.figure} {speed.unit}
        </text>
      ) : null}
    </a>
  )
}

function Thread({ thread, shape }: { thread: PlacedThread; shape: WeaveLayout }) {
  const { network, y, knots } = thread
  const said =
    knots.length === 0
      ? 'no ports yet'
      : knots.map((knot) => `${plural(knot.ports, 'port')} on ${knot.server}`).join(', ')
  return (
    <a href={`/networks/${network.id}`} className={`t${network.thread} thr`}>
      <title>{`${network.name} of ${network.tenantName}, VNI ${network.vni}: ${said}`}</title>
      <rect className="hit" x="0" y={y - 12} width={shape.width} height="24" />
      <text className="tn" x="4" y={y + 4}>
        {shortened(network.name, 16)}
      </text>
      <text className="vni" x="148" y={y + 4} textAnchor="end">
        {network.vni}
      </text>
      <path className="ghost" d={`M158 ${y}H${shape.width - 6}`} />
      {thread.path ? <path className="weft" d={thread.path} /> : null}
      {knots.map((knot) => {
        const width = 14 + String(knot.ports).length * 8
        return (
          <g key={knot.server}>
            <rect className="knot" x={knot.x - width / 2} y={y - 8} width={width} height="16" rx="8" />
            <text className="kn" x={knot.x} y={y + 4} textAnchor="middle">
              {knot.ports}
            </text>
          </g>
        )
      })}
    </a>
  )
}

/** The weave: servers hang down as the warp, networks run across as the weft, and a knot counts the ports where they meet. */
export function WeavePicture({
  overview,
  networks,
  rates,
  mayDatapath,
  onOpen,
}: {
  overview: Overview
  networks: Overview['networks']
  rates: Rates
  mayDatapath: boolean
  onOpen: (href: string) => void
}) {
  const shape = useMemo(() => weave(overview, networks), [overview, networks])
  return (
    <section
      className="topowrap"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a picture that scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label="Servers and tenant networks; the same facts are in the table"
    >
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: its links answer Enter by themselves; this only keeps the page loaded */}
      <svg
        className="topo"
        viewBox={`0 0 ${shape.width} ${shape.height}`}
        style={{ maxWidth: Math.max(shape.width * 1.12, 760) }}
        onClick={(event) => {
          const href = (event.target as Element).closest('a')?.getAttribute('href')
          if (!href || event.metaKey || event.ctrlKey) return
          event.preventDefault()
          onOpen(href)
        }}
      >
        <title>Servers and tenant networks</title>
        {shape.sites.map((site) => (
          <g key={site.id}>
            <rect
              className="site"
              x={site.x}
              y={Y.site}
              width={site.width}
              height={Y.server + Y.serverHeight - Y.site + 8}
              rx="8"
            />
          </g>
        ))}
        <Underlay shape={shape} rates={rates} />
        {shape.sites.map((site) => (
          <text key={site.id} className="sitet" x={site.x + 12} y={Y.site + 19}>
            <title>{site.words}</title>
            {site.name}
            <tspan className="sub" dx="8">
              {plural(site.servers, 'server')}
            </tspan>
          </text>
        ))}
        {shape.servers.map((placed) => (
          <path
            key={placed.server.id}
            className="warp"
            d={`M${placed.middle} ${Y.server + Y.serverHeight}V${shape.height - 6}`}
          />
        ))}
        {shape.servers.map((placed) => (
          <ServerBox key={placed.server.id} placed={placed} rates={rates} mayDatapath={mayDatapath} />
        ))}
        {shape.threads.map((thread) => (
          <Thread key={thread.network.id} thread={thread} shape={shape} />
        ))}
      </svg>
    </section>
  )
}
