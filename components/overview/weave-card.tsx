'use client'
import Link from 'next/link'
import { useRouter } from 'next/navigation'
import { useMemo, useState } from 'react'
import type { Overview } from '#server/contract/overview.ts'
import type { Rates } from '../datapaths/rates.ts'
import { useMay } from '../shell/session.tsx'
import { ButtonLink } from '../ui/button.tsx'
import { Empty } from '../ui/empty.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'
import { Thread } from '../ui/thread.tsx'
import { WeavePicture } from './weave.tsx'
import { busiest } from './weave-layout.ts'

const MOST = 10
const VIEWS = [
  { id: 'picture', label: 'Picture' },
  { id: 'table', label: 'Table' },
] as const

/** The same facts as the picture, in rows and columns. */
function WeaveTable({ overview, networks }: { overview: Overview; networks: Overview['networks'] }) {
  return (
    <TableWrap>
      <table className="t tight">
        <thead>
          <tr>
            <th>Network</th>
            <th>Tenant</th>
            <th className="num">VNI</th>
            {overview.servers.map((server) => (
              <th key={server.id} className="num">
                {server.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {networks.map((network) => (
            <tr key={network.id}>
              <td>
                <Link href={`/networks/${network.id}`}>{network.name}</Link>
              </td>
              <td>
                <Thread thread={network.thread}>{network.tenantName}</Thread>
              </td>
              <td className="num">{network.vni}</td>
              {overview.servers.map((server) => (
                <td key={server.id} className="num">
                  {network.knots.find((knot) => knot.serverId === server.id)?.ports ?? <span className="dim">—</span>}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  )
}

/** Fabric and tenant networks, as a picture or as a table. */
export function WeaveCard({
  overview,
  rates,
  mayDatapath,
}: {
  overview: Overview
  rates: Rates
  mayDatapath: boolean
}) {
  const router = useRouter()
  const mayWrite = useMay('network.write')
  const [view, setView] = useState<'picture' | 'table'>('picture')
  const networks = useMemo(() => [...busiest(overview.networks, MOST)], [overview.networks])
  return (
    <section className="card" aria-labelledby="h-topo">
      <header>
        <h2 id="h-topo">Fabric and tenant networks</h2>
        <span className="dim not-s">
          {overview.networks.length > networks.length
            ? `${networks.length} with most ports of ${overview.networks.length}`
            : `${networks.length}`}
        </span>
        <div className="key push">
          <span>
            <svg width="22" height="8" aria-hidden="true">
              <path d="M0 4h22" stroke="var(--line-control)" strokeWidth="3.5" />
            </svg>
            link, by load
          </span>
          <span>
            <svg width="26" height="14" aria-hidden="true">
              <path d="M0 7h26" stroke="var(--thread-1)" strokeWidth="3" />
              <rect
                x="5"
                y="1"
                width="16"
                height="12"
                rx="6"
                fill="var(--surface)"
                stroke="var(--thread-1)"
                strokeWidth="1.6"
              />
            </svg>
            network with ports here
          </span>
        </div>
        <Segmented label="View" options={VIEWS} value={view} onValue={setView} />
      </header>
      {overview.servers.length === 0 ? (
        <Empty icon="inventory" title="No servers yet">
          Servers with their switches and smart NICs come with the inventory. Networks are woven across them.
        </Empty>
      ) : view === 'picture' ? (
        <WeavePicture
          overview={overview}
          networks={networks}
          rates={rates}
          mayDatapath={mayDatapath}
          onOpen={(href) => router.push(href)}
        />
      ) : (
        <WeaveTable overview={overview} networks={networks} />
      )}
      {overview.servers.length > 0 && overview.networks.length === 0 ? (
        <Empty
          icon="network"
          title="No networks yet"
          action={
            mayWrite ? (
              <ButtonLink href="/networks/new" look="primary" icon="plus">
                Create network
              </ButtonLink>
            ) : null
          }
        >
          A network runs across the servers as the weft across the warp: where it has ports there is a knot.
        </Empty>
      ) : null}
    </section>
  )
}
