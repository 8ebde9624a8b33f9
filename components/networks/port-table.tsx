'use client'
import Link from 'next/link'
import type { Port } from '#server/contract/networks.ts'
import { useMay } from '../shell/session.tsx'
import { Status } from '../ui/status.tsx'
import { count } from '../ui/words.ts'
import { HeldWord } from './state.tsx'

function Spoofed({ value }: { value: string | null }) {
  if (value === null) return <span className="dim">not read yet</span>
  if (value === '0') return <span className="dim">0</span>
  return (
    <Status tone="warn" small>
      {count(value)}
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
    <div className="tablewrap" tabIndex={0}>
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
              <td className="name">{port.name}</td>
              <td>
                {mayDatapath ? <Link href={`/datapaths/${port.datapathId}`}>{port.serverName}</Link> : port.serverName}{' '}
                <span className="dim small">{port.attachmentName === port.name ? '' : port.attachmentName}</span>
              </td>
              <td className="mono">{port.mac}</td>
              <td className="mono">{port.addresses.join(', ') || <span className="dim">none</span>}</td>
              <td className="num">{port.vlan ?? <span className="dim">untagged</span>}</td>
              <td className="num">
                <Spoofed value={port.spoofed} />
              </td>
              <td>
                <HeldWord state={port.state} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
