'use client'
import type { Binding } from '#server/contract/access.ts'
import { roleWords } from '../shell/session.tsx'
import { Button } from '../ui/button.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'

export const bindingPlace = ({ tenantName, siteName }: Pick<Binding, 'tenantName' | 'siteName'>): string =>
  tenantName ? `tenant ${tenantName}` : siteName ? `site ${siteName}` : 'everywhere'

/** `from 10.0.0.0/8, Mon-Fri 07:00-19:00 Europe/Berlin`; empty for a role that counts always. */
export const conditionWords = ({ from, hours }: Pick<Binding, 'from' | 'hours'>): string =>
  [from.length > 0 ? `from ${from.join(' or ')}` : '', hours ?? ''].filter((words) => words !== '').join(', ')

/** Where a role counts, and under which conditions. */
function Counting({ binding }: { binding: Binding }) {
  const conditions = conditionWords(binding)
  return (
    <>
      {bindingPlace(binding)}
      {conditions === '' ? null : <div className="mid small clip">{conditions}</div>}
    </>
  )
}

const SOURCES = { local: 'given here', provider: 'by a rule, at sign-in', scim: 'pushed by SCIM' } as const
const fromWhere = ({ groupName, source }: Binding) => (groupName ? `through the group ${groupName}` : SOURCES[source])

interface Props {
  readonly bindings: readonly Binding[]
  /** A group’s own: what it gives, not what comes through it. */
  readonly ofGroup?: boolean
  readonly onTake?: (one: Binding) => void
}

/** Roles with where they count and where they come from; those that were given here can be taken away. */
export function BindingTable({ bindings, ofGroup = false, onTake }: Props) {
  if (bindings.length === 0)
    return (
      <p className="in dim">
        {ofGroup ? 'Nothing yet: give it a role.' : 'No role: signing in works, seeing or doing anything does not.'}
      </p>
    )
  return (
    <TableWrap rows>
      <table className="t">
        <thead>
          <tr>
            <th>Role</th>
            <th>Counts</th>
            <th>Comes from</th>
            <th>
              <span className="sr">Tools</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {bindings.map((binding) => (
            <tr key={binding.id}>
              <td className="p-title">{roleWords(binding.role)}</td>
              <td className="p-side">
                <Counting binding={binding} />
              </td>
              <td className="p-under mid">{ofGroup ? SOURCES[binding.source] : fromWhere(binding)}</td>
              <td className="num p-tools">
                {onTake && binding.source === 'local' && (ofGroup || !binding.groupName) ? (
                  <Button
                    small
                    look="quiet"
                    aria-label={`Take away ${roleWords(binding.role)}, ${bindingPlace(binding)}`}
                    onPress={() => onTake(binding)}
                  >
                    Take away
                  </Button>
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  )
}
