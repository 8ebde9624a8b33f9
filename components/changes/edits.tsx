import Link from 'next/link'
import type { Change, Edit } from '#server/contract/changes.ts'
import { Icon, type IconName } from '../ui/icon.tsx'

const ICONS: Readonly<Record<string, IconName>> = { network: 'network', subnet: 'range', port: 'port' }
const FIELDS: Readonly<Record<string, string>> = {
  vni: 'VNI',
  mtu: 'MTU',
  mac: 'MAC',
  vlan: 'VLAN',
  tenantId: 'tenant',
  networkId: 'network',
  attachmentId: 'attachment',
}
/** What is said of an object, in the order in which people ask; the rest follows. */
const ORDER: readonly string[] = ['name', 'vni', 'mtu', 'prefix', 'gateway', 'addresses', 'mac', 'vlan']
const rank = (field: string) => (ORDER.includes(field) ? ORDER.indexOf(field) : ORDER.length)
const KINDS: readonly string[] = ['network', 'subnet', 'port']
const kindRank = (kind: string) => (KINDS.includes(kind) ? KINDS.indexOf(kind) : KINDS.length)

const word = (field: string) => FIELDS[field] ?? field.replace(/([A-Z])/g, ' $1').toLowerCase()

const Fields = ({ edit }: { edit: Edit }) => (
  <span>
    <span className={edit.operation === 'delete' ? 'gone' : 'dim'}>
      {edit.operation === 'create' ? `new ${edit.kind}` : edit.operation === 'delete' ? `${edit.kind} deleted` : ''}
    </span>
    {edit.fields
      // The label says this already.
      .filter(
        ({ before, after }) => before !== after && (edit.operation === 'update' || (after ?? before) !== edit.label),
      )
      .sort((a, b) => rank(a.field) - rank(b.field))
      .map(({ field, before, after }, index) => (
        <span key={field}>
          {index > 0 || edit.operation !== 'update' ? ', ' : ''}
          <span className="dim">{word(field)}</span> {before === null ? null : <del>{before}</del>}
          {before !== null && after !== null ? ' → ' : ''}
          {after === null ? null : <ins>{after}</ins>}
        </span>
      ))}
  </span>
)

/** Where an object can be looked at: one that is only in a draft has no page yet. */
const hrefOf = (edit: Edit, change: Change): string | undefined => {
  const exists =
    edit.operation === 'create'
      ? change.state === 'committed'
      : edit.operation === 'update' || change.state !== 'committed'
  return edit.kind === 'network' && exists ? `/networks/${edit.id}` : undefined
}

/** What the change says about intent, field by field. */
export function Edits({ change, mayWrite }: { change: Change; mayWrite: boolean }) {
  const made = change.edits.find(({ kind, operation }) => kind === 'network' && operation === 'create')
  return (
    <section className="card" aria-labelledby="h-edits">
      <header>
        <h2 id="h-edits">Edits to intent</h2>
        <span className="dim">{change.edits.length}</span>
        {change.state === 'draft' && made && mayWrite ? (
          <Link className="push small" href={`/networks/new?change=${change.id}&network=${made.id}&step=3`}>
            Edit
          </Link>
        ) : null}
      </header>
      {change.edits.length === 0 ? <p className="in dim">This change has no edits.</p> : null}
      <ul className="ed">
        {[...change.edits]
          .sort((a, b) => kindRank(a.kind) - kindRank(b.kind))
          .map((edit) => {
            const href = hrefOf(edit, change)
            return (
              <li key={`${edit.kind}/${edit.id}`}>
                <Icon name={ICONS[edit.kind] ?? 'info'} small />
                {href ? <Link href={href}>{edit.label}</Link> : <b>{edit.label}</b>}
                <Fields edit={edit} />
              </li>
            )
          })}
      </ul>
    </section>
  )
}
