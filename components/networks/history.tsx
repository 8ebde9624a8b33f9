'use client'
import Link from 'next/link'
import type { Network } from '#server/contract/networks.ts'
import { useChanges } from '../queries/changes.ts'
import { useHistory } from '../queries/history.ts'
import { useMay } from '../shell/session.tsx'
import { Ago } from '../ui/time.tsx'

const WORDS: Readonly<Record<string, string>> = {
  'networks.create': 'created it',
  'networks.update': 'changed it',
  'networks.remove': 'asked for its deletion',
}

/** Who did what to a network, from the audit log; with the change that carried it. */
export function NetworkHistory({ network }: { network: Network }) {
  const mayAudit = useMay('audit.read')
  const history = useHistory(`network/${network.id}`, mayAudit)
  const changes = useChanges(useMay('change.read'))
  if (!mayAudit) return null
  const nameOf = (id: string | null) => changes.data?.find((change) => change.id === id)?.name
  return (
    <section className="card" aria-labelledby="h-history">
      <header>
        <h2 id="h-history">History</h2>
      </header>
      <ul className="ev">
        {(history.data ?? []).map((record) => (
          <li key={record.id}>
            <span>
              <b>{record.actor}</b> {WORDS[record.action] ?? record.action}
              {nameOf(record.changeId) ? (
                <>
                  {' '}
                  in <Link href={`/changes/${nameOf(record.changeId)}`}>{nameOf(record.changeId)}</Link>
                </>
              ) : null}
              {record.outcome === 'done' ? '' : `, ${record.outcome}: ${record.detail}`}
            </span>
            <span className="dim small push nowrap">
              <Ago time={record.at} />
            </span>
          </li>
        ))}
        {history.data?.length === 0 ? <li className="dim">Nothing is on record.</li> : null}
      </ul>
    </section>
  )
}
