'use client'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import type { Binding } from '#server/contract/access.ts'
import type { Account } from '#server/contract/session.ts'
import { agentWords, methodWords } from '#server/contract/session-words.ts'
import { useAllSessions, useEndSession } from '../queries/sessions.ts'
import { useGive, useNewPassword, useRemoveUser, useTake, useUpdateUser, useUser } from '../queries/users.ts'
import { MayButton } from '../shell/may-button.tsx'
import { roleWords, useMay, useSession } from '../shell/session.tsx'
import { ErrorBanner, Refused } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Checkbox } from '../ui/checkbox.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Status } from '../ui/status.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'
import { Ago, Moment, useInBrowser } from '../ui/time.tsx'
import { toast } from '../ui/toast.tsx'
import { BindingForm } from './binding-form.tsx'
import { BindingTable, bindingPlace } from './bindings.tsx'
import { FirstPassword } from './first-password.tsx'
import { SettingsHead } from './settings-head.tsx'

type Asked =
  | { readonly what: 'give' }
  | { readonly what: 'take'; readonly binding: Binding }
  | { readonly what: 'remove' | 'disable' | 'password' }

/** Until when somebody has time to choose an own password. */
function FirstPasswordEnd({ at }: { at: string }) {
  const ended = useInBrowser() && Date.parse(at) <= Date.now()
  return (
    <>
      {ended ? 'ended ' : 'not changed yet, ends '}
      <Moment time={at} long />
    </>
  )
}

function Identity({ user, self }: { user: Account; self: boolean }) {
  const update = useUpdateUser()
  const mayWrite = useMay('user.write')
  return (
    <section className="card" aria-labelledby="h-identity">
      <header>
        <h2 id="h-identity">{user.displayName}</h2>
        {self ? <span className="push tag">you</span> : null}
      </header>
      <div className="in">
        <dl className="facts">
          <dt>Name</dt>
          <dd>{user.name}</dd>
          <dt>E-mail</dt>
          <dd>{user.email ?? <span className="dim">not known</span>}</dd>
          <dt>Whose</dt>
          <dd>{user.tenantName ? `of the tenant ${user.tenantName}` : 'of the installation'}</dd>
          <dt>Signs in</dt>
          <dd>{user.providerName ? `through ${user.providerName}` : 'with a local account'}</dd>
          {user.passwordEndsAt ? (
            <>
              <dt>First password</dt>
              <dd>
                <FirstPasswordEnd at={user.passwordEndsAt} />
              </dd>
            </>
          ) : null}
          <dt>Last sign-in</dt>
          <dd>{user.signedInAt ? <Moment time={user.signedInAt} long /> : <span className="dim">never</span>}</dd>
        </dl>
        {user.providerName === null ? (
          <div className="glass">
            <Checkbox
              isSelected={user.breakGlass}
              isDisabled={!mayWrite || update.isPending}
              onChange={(breakGlass) => update.mutate({ id: user.id, revision: user.revision, breakGlass })}
            >
              Break-glass account
            </Checkbox>
            <p className="hint">For when every provider is down. Each of its sign-ins raises an alert.</p>
          </div>
        ) : null}
        <ErrorBanner error={update.error} />
      </div>
    </section>
  )
}

function Sessions({ user }: { user: Account }) {
  const mayRead = useMay('session.read')
  const mayEnd = useMay('session.end')
  const sessions = useAllSessions(mayRead)
  const end = useEndSession('all')
  const [ending, setEnding] = useState(false)
  if (!mayRead) return null
  const theirs = (sessions.data ?? []).filter(({ accountId }) => accountId === user.id)
  const endAll = async () => {
    setEnding(true)
    try {
      for (const { id, current } of theirs) if (!current) await end.mutateAsync(id)
      toast({ tone: 'ok', text: `${user.name} is signed out everywhere` })
    } catch {
      // What went wrong stands above the table.
    }
    setEnding(false)
  }
  return (
    <section className="card" aria-labelledby="h-sessions">
      <header>
        <h2 id="h-sessions">Sessions</h2>
        <span className="dim">{theirs.length === 0 ? 'not signed in' : `signed in ${theirs.length} times`}</span>
        {mayEnd && theirs.some(({ current }) => !current) ? (
          <span className="push">
            <Button small isDisabled={ending} onPress={() => void endAll()}>
              End all
            </Button>
          </span>
        ) : null}
      </header>
      <ErrorBanner error={sessions.error ?? end.error} />
      {theirs.length > 0 ? (
        <TableWrap rows>
          <table className="t">
            <thead>
              <tr>
                <th>With</th>
                <th>From</th>
                <th>By</th>
                <th>Last used</th>
              </tr>
            </thead>
            <tbody>
              {theirs.map((one) => (
                <tr key={one.id}>
                  <td className="p-title">
                    {agentWords(one.agent)}
                    {one.current ? <span className="more">this one</span> : null}
                  </td>
                  <td className="p-under mono">{one.address}</td>
                  <td className="p-side">{methodWords(one.method)}</td>
                  <td className="p-side-under">
                    <Ago time={one.seenAt} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableWrap>
      ) : null}
    </section>
  )
}

function Asking({ user, asked, onClose }: { user: Account; asked: Asked; onClose: () => void }) {
  const router = useRouter()
  const give = useGive()
  const take = useTake()
  const update = useUpdateUser()
  const remove = useRemoveUser()
  const renew = useNewPassword()
  const done = { onSuccess: onClose }
  if (asked.what === 'give')
    return (
      <BindingForm
        to={user.name}
        isPending={give.isPending}
        error={give.error}
        onGive={(given) => give.mutate({ id: user.id, ...given }, done)}
        onClose={onClose}
      />
    )
  if (asked.what === 'take')
    return (
      <Confirm
        title={`Take ${roleWords(asked.binding.role)} from ${user.name}?`}
        act="Take it away"
        isPending={take.isPending}
        error={take.error}
        onAct={() => take.mutate({ id: user.id, binding: asked.binding.id }, done)}
        onClose={onClose}
      >
        <p>It counts {bindingPlace(asked.binding)}. Their next request is decided without it.</p>
      </Confirm>
    )
  if (renew.data) return <FirstPassword {...renew.data} onClose={onClose} />
  if (asked.what === 'password')
    return (
      <Confirm
        title={`Make a new first password for ${user.name}?`}
        act="Make password"
        keep="Cancel"
        isPending={renew.isPending}
        error={renew.error}
        onAct={() => renew.mutate(user.id)}
        onClose={onClose}
      >
        <p>
          The present one ends, and so do their sessions. They sign in with the new one once and choose another.
          Passkeys and codes stay.
        </p>
      </Confirm>
    )
  if (asked.what === 'disable') {
    const off = user.state === 'active'
    return (
      <Confirm
        title={off ? `Disable ${user.name}?` : `Enable ${user.name}?`}
        act={off ? 'Disable' : 'Enable'}
        keep="Cancel"
        isPending={update.isPending}
        error={update.error}
        onAct={() => update.mutate({ id: user.id, revision: user.revision, state: off ? 'disabled' : 'active' }, done)}
        onClose={onClose}
      >
        <p>
          {off
            ? 'Their sessions and API tokens end at once and they cannot sign in, through a provider neither. Roles are kept.'
            : 'They can sign in again, with the roles below.'}
        </p>
      </Confirm>
    )
  }
  return (
    <Confirm
      title={`Remove ${user.name}?`}
      act="Remove account"
      isPending={remove.isPending}
      error={remove.error}
      onAct={() => remove.mutate(user.id, { onSuccess: () => router.push('/settings/users') })}
      onClose={onClose}
    >
      <p>
        They are signed out at once, and their API tokens end. What they did stays in the history.
        {user.providerName ? ` Who signs in through ${user.providerName} again gets a new account.` : ''}
      </p>
    </Confirm>
  )
}

function Person({ user }: { user: Account }) {
  const { account } = useSession()
  const [asked, setAsked] = useState<Asked>()
  const mayWrite = useMay('user.write')
  const self = user.id === account.id
  return (
    <>
      <SettingsHead title={user.name}>
        <Status tone={user.state === 'active' ? 'ok' : 'idle'} pill>
          {user.state === 'active' ? 'Active' : 'Disabled'}
        </Status>
        {self ? null : (
          <>
            <MayButton right="user.write" onPress={() => setAsked({ what: 'disable' })}>
              {user.state === 'active' ? 'Disable' : 'Enable'}
            </MayButton>
            {user.providerName === null ? (
              <MayButton right="user.write" onPress={() => setAsked({ what: 'password' })}>
                New password
              </MayButton>
            ) : null}
            <MayButton right="user.write" look="quiet" onPress={() => setAsked({ what: 'remove' })}>
              Remove
            </MayButton>
          </>
        )}
      </SettingsHead>
      <div className="body">
        <Identity user={user} self={self} />
        <section className="card" aria-labelledby="h-roles">
          <header>
            <h2 id="h-roles">Roles</h2>
            <span className="push">
              <MayButton right="user.write" small icon="plus" onPress={() => setAsked({ what: 'give' })}>
                Give a role
              </MayButton>
            </span>
          </header>
          <BindingTable
            bindings={user.bindings}
            {...(mayWrite ? { onTake: (binding: Binding) => setAsked({ what: 'take', binding }) } : {})}
          />
        </section>
        <Sessions user={user} />
      </div>
      {asked ? <Asking user={user} asked={asked} onClose={() => setAsked(undefined)} /> : null}
    </>
  )
}

/** One person: who they are, what they may do where, and where they are signed in. */
export function UserPage({ id }: { id: string }) {
  const user = useUser(id)
  if (user.data) return <Person user={user.data} />
  return (
    <>
      <SettingsHead title="Person" />
      {user.isError ? (
        <Refused error={user.error} onRetry={() => void user.refetch()} />
      ) : (
        <div className="body">
          <Skeleton />
        </div>
      )}
    </>
  )
}
