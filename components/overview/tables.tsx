'use client'
import Link from 'next/link'
import type { Overview } from '#server/contract/overview.ts'
import { ChangeStatus } from '../changes/state.tsx'
import type { Rates } from '../datapaths/rates.ts'
import { TableWrap } from '../ui/table-wrap.tsx'
import { Moment } from '../ui/time.tsx'
import { bytes, rate } from '../ui/words.ts'

/** What the servers send one another through their tunnels. */
export function Links({ overview, rates }: { overview: Overview; rates: Rates }) {
  const most = Math.max(1, ...overview.links.map((link) => rates.now.get(`link ${link.from}`) ?? 0))
  const sorted = [...overview.links].sort(
    (a, b) =>
      (rates.now.get(`link ${b.from}`) ?? 0) - (rates.now.get(`link ${a.from}`) ?? 0) ||
      Number(b.bytes) - Number(a.bytes),
  )
  return (
    <section className="card" aria-labelledby="h-links">
      <header>
        <h2 id="h-links">Underlay links</h2>
        <span className="dim">{overview.links.length}</span>
      </header>
      <TableWrap>
        <table className="t tight">
          <thead>
            <tr>
              <th>Link</th>
              <th>Share</th>
              <th className="num">Now</th>
              <th className="num">In all</th>
            </tr>
          </thead>
          <tbody>
            {sorted.slice(0, 8).map((link) => {
              const perSecond = rates.now.get(`link ${link.from}`)
              const speed = perSecond === undefined ? undefined : rate(perSecond * 8, 'bit/s')
              return (
                <tr key={`${link.from}${link.to}`}>
                  <td>
                    <Link href={`/datapaths/${link.datapathId}`}>
                      {link.from} → {link.to}
                    </Link>
                  </td>
                  <td>
                    <span className="meter">
                      <i style={{ width: `${Math.round(((perSecond ?? 0) / most) * 100)}%` }} />
                    </span>
                  </td>
                  <td className="num">{speed ? `${speed.figure} ${speed.unit}` : '—'}</td>
                  <td className="num mid">{bytes(link.bytes)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </TableWrap>
      {overview.links.length === 0 ? (
        <p className="in dim">No tunnel is up: networks on one server alone need none.</p>
      ) : null}
    </section>
  )
}

export function RecentChanges({ changes }: { changes: Overview['changes'] }) {
  return (
    <section className="card" aria-labelledby="h-ch">
      <header>
        <h2 id="h-ch">Recent changes</h2>
        <Link className="push small" href="/changes">
          All changes
        </Link>
      </header>
      <TableWrap>
        <table className="t tight recent">
          <colgroup>
            <col className="c-name" />
            <col />
            <col className="c-when" />
            <col className="c-state" />
          </colgroup>
          <thead>
            <tr>
              <th>Change</th>
              <th>What</th>
              <th className="num">When</th>
              <th>State</th>
            </tr>
          </thead>
          <tbody>
            {changes.slice(0, 8).map((change) => (
              <tr key={change.id}>
                <td>
                  <Link href={`/changes/${change.name}`}>{change.name}</Link>
                </td>
                <td className="clip" title={`${change.title}, by ${change.actor}`}>
                  {change.title}
                </td>
                <td className="num mid">
                  <Moment time={change.createdAt} />
                </td>
                <td>
                  <ChangeStatus state={change.state} calm />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
      {changes.length === 0 ? <p className="in dim">None yet.</p> : null}
    </section>
  )
}
