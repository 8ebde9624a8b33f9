'use client'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { useMemo, useState } from 'react'
import { agentWords, methodWords } from '#server/contract/session-words.ts'
import type { SessionRecord } from '#server/contract/sessions.ts'
import { useAllSessions, useEndOtherSessions, useEndSession, useOwnSessions } from '../queries/sessions.ts'
import { useMay } from '../shell/session.tsx'
import { Button } from '../ui/button.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Empty } from '../ui/empty.tsx'
import { Segmented } from '../ui/segmented.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { Ago, Moment } from '../ui/time.tsx'
import { toast } from '../ui/toast.tsx'
import { SettingsHead } from './settings-head.tsx'

const OF = ['own', 'all'] as const
const CHOICES = [
  { id: 'own', label: 'Yours' },
  { id: 'all', label: 'Everybody’s' },
] as const

const withProvider = (one: SessionRecord) => `${methodWords(one.method)}${one.provider ? `, ${one.provider}` : ''}`

/** Where it was last used from, and what has changed since its person last proved who they are. */
function From({ session: { address, signals } }: { session: SessionRecord }) {
  return (
    <>
      <span className="mono">{address}</span>
      {signals.length > 0 ? (
        <div className="mid small">asks anew: {signals.map(({ words }) => words).join('; ')}</div>
      ) : null}
    </>
  )
}

const WHO: readonly Column<SessionRecord>[] = [
  { id: 'account', header: 'Who', value: (one) => one.accountName, filter: 'text', phone: 'title' },
  { id: 'tenant', header: 'Tenant', value: (one) => one.tenantName ?? 'all tenants', filter: 'choice' },
]
const BASE: readonly Column<SessionRecord>[] = [
  {
    id: 'address',
    header: 'From',
    value: (one) => one.address,
    cell: (one) => <From session={one} />,
    filter: 'text',
    phone: 'under',
    phoneWords: () => ({ before: 'from' }),
  },
  {
    id: 'agent',
    header: 'With',
    value: (one) => agentWords(one.agent),
    cell: (one) => <span title={one.agent}>{agentWords(one.agent)}</span>,
    filter: 'text',
  },
  { id: 'method', header: 'Signed in by', value: withProvider, filter: 'choice' },
  { id: 'created', header: 'Since', value: (one) => one.createdAt, cell: (one) => <Moment time={one.createdAt} /> },
  {
    id: 'seen',
    header: 'Last used',
    value: (one) => one.seenAt,
    cell: (one) => <Ago time={one.seenAt} />,
    phone: 'side-under',
  },
  {
    id: 'expires',
    header: 'Ends',
    value: (one) => one.expiresAt,
    cell: (one) => <Moment time={one.expiresAt} />,
  },
]

/** Ends all of one’s own sessions but this one, where there are others. */
function EndOthers({ count }: { count: number }) {
  const end = useEndOtherSessions()
  const [asked, setAsked] = useState(false)
  if (count === 0) return null
  return (
    <>
      <Button onPress={() => setAsked(true)}>End the others</Button>
      {asked ? (
        <Confirm
          title="End your other sessions?"
          act="End them"
          isPending={end.isPending}
          error={end.error}
          onAct={() =>
            end.mutate(undefined, {
              onSuccess: () => {
                setAsked(false)
                toast({ tone: 'ok', text: 'Your other sessions have ended' })
              },
            })
          }
          onClose={() => setAsked(false)}
        >
          <p>
            {count === 1 ? 'One browser or command line is' : `${count} browsers and command lines are`} signed out at
            once; this one is not. What was drafted there is kept.
          </p>
        </Confirm>
      ) : null}
    </>
  )
}

/** Who is signed in, where from; each session can be ended. */
export function SessionsPage() {
  const mayRead = useMay('session.read')
  const mayEnd = useMay('session.end')
  const [asked, setOf] = useQueryState('of', parseAsStringLiteral(OF).withDefault('own'))
  const of = mayRead ? asked : 'own'
  const own = useOwnSessions(of === 'own')
  const all = useAllSessions(of === 'all')
  const end = useEndSession(of)
  const [doomed, setDoomed] = useState<SessionRecord>()
  const columns = useMemo<readonly Column<SessionRecord>[]>(() => {
    const tools: Column<SessionRecord> = {
      id: 'tools',
      header: 'Tools',
      isTools: true,
      value: () => null,
      className: 'num',
      phone: 'side',
      cell: (one) =>
        one.current ? (
          <span className="dim small">this one</span>
        ) : of === 'own' || mayEnd ? (
          <Button
            small
            look="quiet"
            aria-label={`End the session of ${one.accountName} from ${one.address}`}
            onPress={() => setDoomed(one)}
          >
            End
          </Button>
        ) : null,
    }
    const mine = BASE.map((column) =>
      column.id === 'agent'
        ? { ...column, phone: 'title' as const }
        : column.id === 'address'
          ? { ...column, phone: 'under' as const }
          : column,
    )
    return of === 'own' ? [...mine, tools] : [...WHO, ...BASE, tools]
  }, [of, mayEnd])
  return (
    <>
      <SettingsHead>
        {of === 'own' ? <EndOthers count={(own.data ?? []).filter(({ current }) => !current).length} /> : null}
        {mayRead ? <Segmented label="Whose" options={CHOICES} value={of} onValue={(next) => void setOf(next)} /> : null}
      </SettingsHead>
      <DataTable
        key={of}
        noun="sessions"
        columns={columns}
        query={of === 'own' ? own : all}
        nameOf={(one) => one.accountName}
        sort="-seen"
        empty={
          <Empty icon="screen" title="Nobody is signed in">
            Each browser and command line that signs in has a session here, until it ends or is not used for long.
          </Empty>
        }
      />
      {doomed ? (
        <Confirm
          title="End this session?"
          act="End session"
          isPending={end.isPending}
          error={end.error}
          onAct={() =>
            end.mutate(doomed.id, {
              onSuccess: () => {
                setDoomed(undefined)
                toast({ tone: 'ok', text: `The session of ${doomed.accountName} has ended` })
              },
            })
          }
          onClose={() => setDoomed(undefined)}
        >
          <p>
            {doomed.accountName}, from <span className="mono">{doomed.address}</span> with {agentWords(doomed.agent)},
            is signed out at once. What was drafted there is kept.
          </p>
        </Confirm>
      ) : null}
    </>
  )
}
