'use client'
import Link from 'next/link'
import type { Port } from '#server/contract/networks.ts'
import { useMay } from '../shell/session.tsx'
import { Status } from '../ui/status.tsx'
import { count } from '../ui/words.ts'
import { HeldWord } from './state.tsx'
import '../ui/table/table.css'

function Spoofed({ value }: { value: string | null }) {
  if (value === null) return <span className="dim">not read yet</span>
  if (value === '0') return <span className="dim">0</span>
  return (
    <Status tone="warn" small>
      {count(value)}
      <span className="only-s">spoofed</span>
    </Status>
  )
}

/** The ports of a network, server by server, with what was dropped because it did not come from them. */
export function PortTable({ ports }: { ports: readonly Port[] }) {
  const mayDatapath = useMay('datapath.read')
  const sorted = [...ports].sort((a, b) =>
    `${a.serverName} ${a.name}`.localeCompare(`${b.serverName} ${b.name}`, 'en', { numeric: true }),
  )
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <div className="tablewrap twoline" tabIndex={0}>
      <table className="t">
        <thead>
          <tr>
            <th>Port</th>
            <th>Server</th>
            <th>MAC</th>
            <th>Addresses</th>
            <th className="num">VLAN</th>
            <th className="num">Spoofed, dropped</th>
            <th>Wanted / held</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((port) => (
            <tr key={port.id}>
              <td className="name p-title">{port.name}</td>
              <td className="p-tools">
                {mayDatapath ? <Link href={`/datapaths/${port.datapathId}`}>{port.serverName}</Link> : port.serverName}{' '}
                <span className="dim small">{port.attachmentName === port.name ? '' : port.attachmentName}</span>
              </td>
              <td className="mono p-side-under">{port.mac}</td>
              <td className="mono p-under">{port.addresses.join(', ') || <span className="dim">none</span>}</td>
              <td className="num p-figure">
                {port.vlan === null ? null : <span className="only-s">VLAN </span>}
                {port.vlan ?? <span className="dim">untagged</span>}
              </td>
              <td className={`num${port.spoofed && port.spoofed !== '0' ? ' p-third' : ''}`}>
                <Spoofed value={port.spoofed} />
              </td>
              <td className="p-side">
                <HeldWord state={port.state} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
