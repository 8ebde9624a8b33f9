'use client'
import { useMemo, useState } from 'react'
import type { VnfConsole } from '#server/contract/consoles.ts'
import { useConsoles, useRemoveConsole, useUpdateConsole } from '../queries/consoles.ts'
import { Expiry } from '../settings/certificate.tsx'
import { SettingsHead } from '../settings/settings-head.tsx'
import { MayButton } from '../shell/may-button.tsx'
import { useMay } from '../shell/session.tsx'
import { ErrorBanner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { CopyLine } from '../ui/copy.tsx'
import { Empty } from '../ui/empty.tsx'
import { Status } from '../ui/status.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { useInBrowser } from '../ui/time.tsx'
import { ConsoleForm } from './console-form.tsx'
import './consoles.css'

interface Tools {
  readonly edit: (item: VnfConsole) => void
  readonly turn: (item: VnfConsole) => void
  readonly remove: (item: VnfConsole) => void
}

const BASE: readonly Column<VnfConsole>[] = [
  {
    id: 'name',
    header: 'Name',
    value: (one) => one.name,
    cell: (one) => (
      <>
        {one.name}
        {one.displayName === one.name ? null : <span className="more">{one.displayName}</span>}
      </>
    ),
    filter: 'text',
    phone: 'title',
  },
  {
    id: 'state',
    header: 'State',
    value: (one) => (one.state === 'open' ? 'Open' : 'Closed'),
    cell: (one) => (
      <Status tone={one.state === 'open' ? 'ok' : 'idle'} calm>
        {one.state === 'open' ? 'Open' : 'Closed'}
      </Status>
    ),
    filter: 'choice',
    phone: 'side',
  },
  { id: 'tenant', header: 'For', value: (one) => one.tenantName ?? 'everybody', filter: 'choice', phone: 'side-under' },
  {
    id: 'release',
    header: 'Is told',
    value: (one) => one.release.join(', '),
    cell: (one) => one.release.join(', ') || <span className="dim">nothing</span>,
    phone: 'under',
  },
  {
    id: 'entity',
    header: 'Entity id',
    value: (one) => one.entityId,
    cell: (one) => (
      <span className="mono clip entity" title={one.entityId}>
        {one.entityId}
      </span>
    ),
    filter: 'text',
  },
  {
    id: 'certificate',
    header: 'Certificate',
    value: (one) => one.certificateNotAfter,
    cell: (one) =>
      one.certificateNotAfter ? <Expiry time={one.certificateNotAfter} /> : <span className="dim">none</span>,
  },
]

const toolsColumn = ({ edit, turn, remove }: Tools): Column<VnfConsole> => ({
  id: 'tools',
  header: 'Tools',
  isTools: true,
  value: () => null,
  className: 'num tools',
  phone: 'tools',
  cell: (one) => (
    <>
      {one.homeUrl ? (
        <a className="btn quiet sm" href={one.homeUrl} target="_blank" rel="noopener">
          Test
        </a>
      ) : null}
      <Button small look="quiet" aria-label={`Change ${one.name}`} onPress={() => edit(one)}>
        Change
      </Button>
      <Button
        small
        look="quiet"
        aria-label={`${one.state === 'open' ? 'Close' : 'Open'} ${one.name}`}
        onPress={() => turn(one)}
      >
        {one.state === 'open' ? 'Close' : 'Open'}
      </Button>
      <Button small look="quiet" aria-label={`Forget ${one.name}`} onPress={() => remove(one)}>
        Forget
      </Button>
    </>
  ),
})

/** What a console has to be told to trust Weft. */
function OwnIdp() {
  const inBrowser = useInBrowser()
  const origin = inBrowser ? window.location.origin : ''
  return (
    <section className="card" aria-labelledby="h-own-idp">
      <header>
        <h2 id="h-own-idp">What a console needs to know of Weft</h2>
      </header>
      <div className="in stack wide">
        <CopyLine label="Metadata, and entity id" text={`${origin}/saml/idp/metadata`} />
        <CopyLine label="Single sign-on" text={`${origin}/saml/idp/sso`} />
      </div>
    </section>
  )
}

/** Consoles of VNFs that Weft signs people in to. */
export function ConsolesPage() {
  const consoles = useConsoles()
  const mayWrite = useMay('console.write')
  const [form, setForm] = useState<VnfConsole | 'new'>()
  const [doomed, setDoomed] = useState<VnfConsole>()
  const remove = useRemoveConsole()
  const update = useUpdateConsole()
  const turn = update.mutate
  const columns = useMemo<readonly Column<VnfConsole>[]>(
    () =>
      mayWrite
        ? [
            ...BASE,
            toolsColumn({
              edit: setForm,
              remove: setDoomed,
              turn: ({ id, revision, state }) => turn({ id, revision, state: state === 'open' ? 'closed' : 'open' }),
            }),
          ]
        : BASE,
    [mayWrite, turn],
  )
  const register = (
    <MayButton right="console.write" look="primary" icon="plus" onPress={() => setForm('new')}>
      Register console
    </MayButton>
  )
  return (
    <>
      <SettingsHead>{register}</SettingsHead>
      {update.error ? (
        <div className="body">
          <ErrorBanner error={update.error} />
        </div>
      ) : null}
      <DataTable
        noun="consoles"
        columns={columns}
        query={consoles}
        nameOf={(one) => one.name}
        sort="name"
        empty={
          <Empty icon="inventory" title="No consoles yet">
            Firewalls, load balancers and other VNFs have consoles of their own. Register one with its SAML metadata,
            and people open it with the account that they have here; it is told nothing of them that you do not choose.
          </Empty>
        }
      />
      <div className="body under">
        <OwnIdp />
      </div>
      {form ? <ConsoleForm item={form === 'new' ? null : form} onClose={() => setForm(undefined)} /> : null}
      {doomed ? (
        <Confirm
          title={`Forget ${doomed.name}?`}
          act="Forget console"
          isPending={remove.isPending}
          error={remove.error}
          onAct={() =>
            remove.mutate({ id: doomed.id, revision: doomed.revision }, { onSuccess: () => setDoomed(undefined) })
          }
          onClose={() => setDoomed(undefined)}
        >
          <p>Weft signs nobody in to it any more. Registered again, it knows nobody: the names that it gets are new.</p>
        </Confirm>
      ) : null}
    </>
  )
}
