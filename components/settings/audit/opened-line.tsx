'use client'
import Link from 'next/link'
import type { ReactNode } from 'react'
import type { AuditLine } from '#server/contract/audit.ts'
import { useAuditLine } from '../../queries/audit.ts'
import { ErrorBanner } from '../../ui/banner.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { differenceOf, type FieldDifference, isCut } from './difference.ts'

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </>
)

/** Fields that said nothing before or say nothing now stand on one side alone. */
const Row = ({ field, before, after }: FieldDifference) => (
  <li>
    <span className="dim">{field}</span>
    <span className="vals">
      {before === undefined ? null : <del>{before}</del>}
      {before !== undefined && after !== undefined ? <span className="dim"> → </span> : null}
      {after === undefined ? null : <ins>{after}</ins>}
    </span>
  </li>
)

function titleOf({ before, after }: Pick<AuditLine, 'before' | 'after'>): string {
  if (before === null) return 'As it became'
  return after === null ? 'As it was' : 'What changed'
}

function Difference({ line }: { line: AuditLine }) {
  const { before, after } = line
  if (before === null && after === null)
    return <p className="dim">The line says nothing of the object before and after.</p>
  const fields = differenceOf(before, after)
  return (
    <>
      <h3>{titleOf(line)}</h3>
      {isCut(before) || isCut(after) ? (
        <p className="dim">It was too large for the log: its beginning is kept, and the hash of the whole.</p>
      ) : null}
      {fields.length === 0 ? <p className="dim">No field differs.</p> : null}
      <ul className="fields mono">
        {fields.map((one) => (
          <Row key={one.field} {...one} />
        ))}
      </ul>
    </>
  )
}

/** All that a line says: who and from where, what it did to the object, and its place in its chain. */
export function OpenedLine({ id, changeName }: { id: string; changeName: string | undefined }) {
  const { data: line, error, isPending } = useAuditLine(id)
  if (isPending) return <Skeleton rows={3} />
  if (!line) return <ErrorBanner error={error} />
  return (
    <div className="opened">
      <dl className="facts">
        <Fact name="Action">
          <code className="mono">{line.action}</code>
        </Fact>
        {line.reason ? (
          <Fact name="Reason">
            <code className="mono">{line.reason}</code>
          </Fact>
        ) : null}
        {line.detail ? <Fact name="Detail">{line.detail}</Fact> : null}
        {line.subject ? (
          <Fact name="Object">
            <code className="mono">{line.subject}</code>
          </Fact>
        ) : null}
        {line.changeId ? (
          <Fact name="Change">
            <Link href={`/changes/${changeName ?? line.changeId}`}>{changeName ?? line.changeId}</Link>
          </Fact>
        ) : null}
        <Fact name="Tenant">{line.tenantName ?? line.tenantId ?? 'none'}</Fact>
        {line.address ? (
          <Fact name="From">
            <code className="mono">{line.address}</code>
          </Fact>
        ) : null}
        <Fact name="Account">
          {line.provider ? `by ${line.provider}` : 'kept here'}
          {line.actorId ? <code className="mono dim small"> {line.actorId}</code> : null}
        </Fact>
        <Fact name="In its chain">
          {line.sequence === null ? (
            'written before there were chains'
          ) : (
            <>
              line {line.sequence.toLocaleString('en')} <code className="mono dim small hash">{line.hash}</code>
            </>
          )}
        </Fact>
      </dl>
      <div className="whatchanged">
        <Difference line={line} />
      </div>
    </div>
  )
}
