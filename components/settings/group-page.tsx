'use client'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import type { Binding, Group } from '#server/contract/access.ts'
import {
  useAddMember,
  useDropMember,
  useGiveGroup,
  useGroups,
  useMembers,
  useRemoveGroup,
  useTakeFromGroup,
} from '../queries/groups.ts'
import { useUsers } from '../queries/users.ts'
import { MayButton } from '../shell/may-button.tsx'
import { roleWords, useMay } from '../shell/session.tsx'
import { Banner, ErrorBanner, Refused } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { ComboBox } from '../ui/choice.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'
import { plural } from '../ui/words.ts'
import { BindingForm } from './binding-form.tsx'
import { BindingTable, bindingPlace } from './bindings.tsx'
import { SettingsHead } from './settings-head.tsx'

const SOURCES = { local: 'chosen here', provider: 'by a rule, at sign-in', scim: 'pushed by SCIM' } as const

function Members({ group }: { group: Group }) {
  const members = useMembers(group.id)
  const users = useUsers()
  const mayWrite = useMay('group.write') && group.providerName === null
  const add = useAddMember()
  const drop = useDropMember()
  const inside = new Set(members.data?.map(({ id }) => id))
  const others = (users.data ?? []).filter(
    ({ id, tenantId }) => !inside.has(id) && (group.tenantId === null || tenantId === group.tenantId),
  )
  return (
    <section className="card" aria-labelledby="h-members">
      <header>
        <h2 id="h-members">Members</h2>
        <span className="dim">{plural(group.members, 'person', 'people')}</span>
      </header>
      <ErrorBanner error={members.error ?? add.error ?? drop.error} />
      {members.isPending ? <Skeleton rows={2} /> : null}
      {members.data?.length === 0 ? (
        <p className="in dim">Nobody yet. Choose people below, or let a provider’s rules put them here.</p>
      ) : null}
      {members.data && members.data.length > 0 ? (
        <TableWrap rows>
          <table className="t">
            <thead>
              <tr>
                <th>Name</th>
                <th>Name for people</th>
                <th>How</th>
                <th>
                  <span className="sr">Tools</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {members.data.map((member) => (
                <tr key={member.id}>
                  <td className="p-title">{member.name}</td>
                  <td className="p-under">{member.displayName}</td>
                  <td className="p-side mid">{SOURCES[member.source]}</td>
                  <td className="num p-tools">
                    {mayWrite && member.source === 'local' ? (
                      <Button
                        small
                        look="quiet"
                        aria-label={`Take out ${member.name}`}
                        isDisabled={drop.isPending}
                        onPress={() => drop.mutate({ id: group.id, userId: member.id })}
                      >
                        Take out
                      </Button>
                    ) : null}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableWrap>
      ) : null}
      {mayWrite ? (
        <div className="in addline">
          <ComboBox
            key={group.members}
            label="Add a person"
            placeholder="Add a person"
            hideLabel
            value={null}
            onValue={(userId) => userId && add.mutate({ id: group.id, userId })}
            options={others.map(({ id, name, displayName }) => ({ id, label: name, note: displayName }))}
            empty="Nobody else fits"
          />
        </div>
      ) : null}
    </section>
  )
}

function OneGroup({ group }: { group: Group }) {
  const router = useRouter()
  const [giving, setGiving] = useState(false)
  const [taken, setTaken] = useState<Binding>()
  const [removing, setRemoving] = useState(false)
  const give = useGiveGroup()
  const take = useTakeFromGroup()
  const remove = useRemoveGroup()
  const mayWrite = useMay('group.write')
  return (
    <>
      <SettingsHead title={group.name}>
        <MayButton right="group.write" look="quiet" onPress={() => setRemoving(true)}>
          Remove
        </MayButton>
      </SettingsHead>
      <div className="body">
        {group.providerName ? (
          <Banner tone="idle" icon="info" title={`${group.providerName} keeps this group`}>
            Its members come by SCIM and are changed there. What it gives is chosen here.
          </Banner>
        ) : null}
        <section className="card" aria-labelledby="h-roles">
          <header>
            <h2 id="h-roles">What it gives</h2>
            <span className="dim">{group.tenantName ? `inside ${group.tenantName}` : ''}</span>
            <span className="push">
              <MayButton right="group.write" small icon="plus" onPress={() => setGiving(true)}>
                Give a role
              </MayButton>
            </span>
          </header>
          <BindingTable ofGroup bindings={group.bindings} {...(mayWrite ? { onTake: setTaken } : {})} />
        </section>
        <Members group={group} />
      </div>
      {giving ? (
        <BindingForm
          to={group.name}
          isPending={give.isPending}
          error={give.error}
          onGive={(given) => give.mutate({ id: group.id, ...given }, { onSuccess: () => setGiving(false) })}
          onClose={() => setGiving(false)}
        />
      ) : null}
      {taken ? (
        <Confirm
          title={`Take ${roleWords(taken.role)} from ${group.name}?`}
          act="Take it away"
          isPending={take.isPending}
          error={take.error}
          onAct={() => take.mutate({ id: group.id, binding: taken.id }, { onSuccess: () => setTaken(undefined) })}
          onClose={() => setTaken(undefined)}
        >
          <p>
            {plural(group.members, 'member')} will not have it any more {bindingPlace(taken)}, unless it comes to them
            in another way.
          </p>
        </Confirm>
      ) : null}
      {removing ? (
        <Confirm
          title={`Remove ${group.name}?`}
          act="Remove group"
          isPending={remove.isPending}
          error={remove.error}
          onAct={() =>
            remove.mutate(
              { id: group.id, revision: group.revision },
              { onSuccess: () => router.push('/settings/groups') },
            )
          }
          onClose={() => setRemoving(false)}
        >
          <p>{plural(group.members, 'member')} will lose what it gave. Their accounts stay.</p>
        </Confirm>
      ) : null}
    </>
  )
}

/** One group: what it gives, and to whom. */
export function GroupPage({ id }: { id: string }) {
  const groups = useGroups()
  const group = groups.data?.find((one) => one.id === id)
  if (groups.isError) return <Refused error={groups.error} onRetry={() => void groups.refetch()} />
  if (!groups.data) return <Skeleton />
  if (group) return <OneGroup group={group} />
  return (
    <>
      <SettingsHead title="No such group" />
      <div className="body">
        <Banner tone="idle" title="This group is gone">
          It was removed, or belongs to a tenant that you do not see.
        </Banner>
      </div>
    </>
  )
}
