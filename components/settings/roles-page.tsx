'use client'
import { Fragment, useState } from 'react'
import type { RoleRecord } from '#server/contract/access.ts'
import { ROLES } from '#server/contract/rights.ts'
import { useRemoveRole, useRoles } from '../queries/roles.ts'
import { MayButton } from '../shell/may-button.tsx'
import { RIGHT_AREAS, RIGHT_WORDS } from '../shell/rights.ts'
import { roleWords, useMay } from '../shell/session.tsx'
import { Refused } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Icon } from '../ui/icon.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'
import { plural } from '../ui/words.ts'
import { RoleForm } from './role-form.tsx'
import { SettingsHead } from './settings-head.tsx'

const BUILT_IN: Readonly<Record<string, string>> = {
  operator: 'Everything, everywhere.',
  auditor: 'Sees everything, changes nothing.',
  'tenant-administrator': 'Runs one tenant: its networks, its people, its sign-in.',
  'tenant-member': 'Sees one tenant’s networks and changes.',
}

interface CardProps {
  readonly role: RoleRecord
  readonly onEdit: () => void
  readonly onRemove: () => void
}

function RoleCard({ role, onEdit, onRemove }: CardProps) {
  const mayWrite = useMay('role.write')
  return (
    <section className="card role" aria-label={roleWords(role.name)}>
      <header>
        <h2>{roleWords(role.name)}</h2>
        {role.id === null ? <span className="tag line">built in</span> : null}
        {role.tenantName ? <span className="tag">{role.tenantName}</span> : null}
      </header>
      <div className="in">
        <p className="mid">{role.words || BUILT_IN[role.name] || 'No words yet.'}</p>
        <p className="row dim small">
          {plural(role.rights.length, 'right')}, held {plural(role.holders, 'time')}
          {role.id !== null && mayWrite ? (
            <span className="push row">
              <Button small look="quiet" aria-label={`Change ${role.name}`} onPress={onEdit}>
                Change
              </Button>
              <Button small look="quiet" aria-label={`Remove ${role.name}`} onPress={onRemove}>
                Remove
              </Button>
            </span>
          ) : null}
        </p>
      </div>
    </section>
  )
}

function Matrix({ roles }: { roles: readonly RoleRecord[] }) {
  return (
    <section className="card" aria-labelledby="h-matrix">
      <header>
        <h2 id="h-matrix">What each role may do</h2>
      </header>
      <TableWrap>
        <table className="t tight matrix">
          <thead>
            <tr>
              <th>Right</th>
              {roles.map((role) => (
                <th key={`${role.name}${role.tenantId}`} className="ctr">
                  {roleWords(role.name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {RIGHT_AREAS.map((area) => (
              <Fragment key={area.label}>
                <tr className="area">
                  <th scope="rowgroup" colSpan={roles.length + 1}>
                    {area.label}
                  </th>
                </tr>
                {area.rights.map((right) => (
                  <tr key={right}>
                    <td>
                      <code className="mono">{right}</code>
                      <span className="more not-s">{RIGHT_WORDS[right]}</span>
                    </td>
                    {roles.map((role) => (
                      <td key={`${role.name}${role.tenantId}`} className="ctr">
                        {role.rights.includes(right) ? (
                          <>
                            <Icon name="check" small className="yes" />
                            <span className="sr">yes</span>
                          </>
                        ) : (
                          <span className="no">
                            <span aria-hidden="true">·</span>
                            <span className="sr">no</span>
                          </span>
                        )}
                      </td>
                    ))}
                  </tr>
                ))}
              </Fragment>
            ))}
          </tbody>
        </table>
      </TableWrap>
    </section>
  )
}

/** The roles in code first, the strongest at their head. */
const rank = ({ id, name }: RoleRecord): number =>
  id === null ? (ROLES as readonly string[]).indexOf(name) : ROLES.length

/** The roles that there are, and what each may do. */
export function RolesPage() {
  const roles = useRoles()
  const [form, setForm] = useState<RoleRecord | 'new'>()
  const [doomed, setDoomed] = useState<RoleRecord>()
  const sorted = roles.data?.toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))
  const remove = useRemoveRole()
  return (
    <>
      <SettingsHead>
        <MayButton right="role.write" look="primary" icon="plus" onPress={() => setForm('new')}>
          Make role
        </MayButton>
      </SettingsHead>
      {roles.isError ? <Refused error={roles.error} onRetry={() => void roles.refetch()} /> : null}
      <div className="body wide">
        {roles.isPending ? <Skeleton rows={6} /> : null}
        {sorted ? (
          <>
            <div className="rolecards">
              {sorted.map((role) => (
                <RoleCard
                  key={`${role.name}${role.tenantId}`}
                  role={role}
                  onEdit={() => setForm(role)}
                  onRemove={() => setDoomed(role)}
                />
              ))}
            </div>
            <Matrix roles={sorted} />
          </>
        ) : null}
      </div>
      {form ? <RoleForm role={form === 'new' ? null : form} onClose={() => setForm(undefined)} /> : null}
      {doomed ? (
        <Confirm
          title={`Remove ${doomed.name}?`}
          act="Remove role"
          isPending={remove.isPending}
          error={remove.error}
          onAct={() =>
            doomed.id &&
            doomed.revision &&
            remove.mutate({ id: doomed.id, revision: doomed.revision }, { onSuccess: () => setDoomed(undefined) })
          }
          onClose={() => setDoomed(undefined)}
        >
          <p>
            {doomed.holders > 0
              ? `It is held ${plural(doomed.holders, 'time')}: take it from those who have it first.`
              : 'Nobody holds it. Rules of providers that name it give nothing any more.'}
          </p>
        </Confirm>
      ) : null}
    </>
  )
}
