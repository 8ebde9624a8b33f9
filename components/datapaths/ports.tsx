'use client'
import { useMemo } from 'react'
import { useDatapathPorts } from '../queries/datapaths.ts'
import { ErrorBanner } from '../ui/banner.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Status } from '../ui/status.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'
import { bytes, count, rate } from '../ui/words.ts'
import { useRates } from './rates.ts'

/** OFPP_LOCAL: the switch's own port. */
const LOCAL = 0xfffffffe

/** The ports that the switch reports, with counters. */
export function DatapathPorts({ id }: { id: string }) {
  const ports = useDatapathPorts(id, true)
  const items = ports.data?.items
  const counters = useMemo(
    () =>
      new Map(
        (items ?? []).flatMap((p) => [[`rx ${p.port}`, p.rxBytes] as const, [`tx ${p.port}`, p.txBytes] as const]),
      ),
    [items],
  )
  const rates = useRates(counters, ports.dataUpdatedAt)
  const speed = (key: string) => {
    const perSecond = rates.now.get(key)
    if (perSecond === undefined) return '—'
    const { figure, unit } = rate(perSecond * 8, 'bit/s')
    return `${figure} ${unit}`
  }
  return (
    <section className="card" aria-label="Ports">
      <ErrorBanner error={ports.error} onRetry={() => void ports.refetch()} />
      <TableWrap rows>
        <table className="t">
          <thead>
            <tr>
              <th className="num">Port</th>
              <th>Name</th>
              <th>Link</th>
              <th>MAC</th>
              <th>Attachment</th>
              <th className="num">Received</th>
              <th className="num">Now</th>
              <th className="num">Sent</th>
              <th className="num">Now</th>
            </tr>
          </thead>
          <tbody>
            {(items ?? []).map((port) => (
              <tr key={port.port}>
                <td className="num p-under">
                  <span className="only-s">port </span>
                  {port.port === LOCAL ? 'local' : port.port}
                </td>
                <td className="mono p-title">{port.name}</td>
                <td className="p-side">
                  {port.up ? (
                    <Status tone="ok" calm>
                      Up
                    </Status>
                  ) : (
                    <Status tone="idle" calm>
                      Down
                    </Status>
                  )}
                </td>
                <td className="mono p-side-under">{port.mac}</td>
                <td className={port.attachment ? 'p-figure' : ''}>
                  {port.attachment ?? <span className="dim">—</span>}
                </td>
                <td className="num p-tools">
                  {bytes(port.rxBytes)}
                  <span className="only-s"> received</span> <span className="dim">{count(port.rxPackets)} packets</span>
                </td>
                <td className="num">{speed(`rx ${port.port}`)}</td>
                <td className="num">
                  {bytes(port.txBytes)} <span className="dim">{count(port.txPackets)} packets</span>
                </td>
                <td className="num">{speed(`tx ${port.port}`)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
      {ports.isPending ? <Skeleton /> : null}
    </section>
  )
}
