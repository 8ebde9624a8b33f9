import Link from 'next/link'
import type { Change, Finding } from '#server/contract/changes.ts'
import { Icon } from '../ui/icon.tsx'
import { Status, type Tone } from '../ui/status.tsx'
import { plural } from '../ui/words.ts'

const TONES: Readonly<Record<Finding['severity'], Tone>> = { error: 'bad', warning: 'warn', info: 'ok' }
const ORDER: readonly Finding['severity'][] = ['error', 'warning', 'info']

/** A packet that proves a finding, hop by hop. */
const Witness = ({ hops, tone }: { hops: readonly string[]; tone: Tone }) => (
  <ol className={`wit ${tone}`} aria-label="A packet that shows it">
    {hops.map((hop, index) => {
      const [place, ...rest] = hop.split(': ')
      return (
        <li key={hop} className={index === hops.length - 1 ? 'hit' : ''}>
          <i />
          <span>{rest.length > 0 ? place : hop}</span>
          {rest.length > 0 ? <span className="dim">{rest.join(': ')}</span> : null}
        </li>
      )
    })}
  </ol>
)

function FindingRow({ finding }: { finding: Finding }) {
  const tone = TONES[finding.severity]
  const [kind, id] = finding.subject?.split('/') ?? []
  return (
    <div className={`fi ${tone}`}>
      <Icon name={tone === 'moving' ? 'info' : tone} />
      <b>{finding.message}</b>
      <span className="dim small">{finding.rule.split('.')[0]}</span>
      {finding.mend && finding.severity !== 'info' ? (
        <p>
          {finding.mend} {kind === 'network' && id ? <Link href={`/networks/${id}`}>Look at it</Link> : null}
        </p>
      ) : null}
      {finding.limit ? <p className="dim small">Limit: {finding.limit}</p> : null}
      {finding.witness && finding.witness.length > 0 ? <Witness hops={finding.witness} tone={tone} /> : null}
    </div>
  )
}

/** What the checks say. Errors block the commit, and stand first. */
export function Findings({ change, compiling }: { change: Change; compiling: boolean }) {
  const count = (severity: Finding['severity']) => change.findings.filter((f) => f.severity === severity).length
  const errors = count('error')
  const warnings = count('warning')
  const sorted = [...change.findings].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
  return (
    <section className="card" aria-labelledby="h-checks">
      <header>
        <h2 id="h-checks">Checks</h2>
        <span className="push row">
          {errors > 0 ? (
            <Status tone="bad" small>
              {plural(errors, 'error')}
            </Status>
          ) : null}
          {warnings > 0 ? (
            <Status tone="warn" small>
              {plural(warnings, 'warning')}
            </Status>
          ) : null}
          {errors + warnings === 0 && change.previewedAt ? (
            <Status tone="ok" small>
              All pass
            </Status>
          ) : null}
        </span>
      </header>
      {sorted.map((finding) => (
        <FindingRow key={`${finding.rule}${finding.message}`} finding={finding} />
      ))}
      {sorted.length === 0 ? (
        <p className="in dim">
          {compiling
            ? 'Being checked…'
            : change.previewedAt
              ? 'Addresses, MACs, unknown ports and groups, room and features of each datapath: nothing to say.'
              : 'Not checked yet.'}
        </p>
      ) : null}
    </section>
  )
}
