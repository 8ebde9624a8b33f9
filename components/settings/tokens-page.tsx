'use client'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { useMemo, useState } from 'react'
import type { ApiToken } from '#server/contract/access.ts'
import { useAllTokens, useEndToken, useOwnTokens } from '../queries/tokens.ts'
import { useMay } from '../shell/session.tsx'
import { Button } from '../ui/button.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Empty } from '../ui/empty.tsx'
import { SecretOnce } from '../ui/secret-once.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { Status } from '../ui/status.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { Ago, useNow } from '../ui/time.tsx'
import { toast } from '../ui/toast.tsx'
import { plural } from '../ui/words.ts'
import { SettingsHead } from './settings-head.tsx'
import { TokenForm } from './token-form.tsx'

const OF = ['own', 'all'] as const
const CHOICES = [
  { id: 'own', label: 'Yours' },
  { id: 'all', label: 'Everybody’s' },
] as const
const DAY_MS = 86_400_000
const SOON_DAYS = 14

/** When a token ends, in days from now. */
function Ends({ token }: { token: ApiToken }) {
  const days = Math.ceil((Date.parse(token.expiresAt) - useNow(60_000)) / DAY_MS)
  if (days <= 0) return <Status tone="idle">Ended</Status>
  if (days <= SOON_DAYS) return <Status tone="warn">{`In ${plural(days, 'day')}`}</Status>
  return (
    <Status tone="ok" calm>
      {`In ${plural(days, 'day')}`}
    </Status>
  )
}

const where = ({ tenantName, siteName }: ApiToken) =>
  tenantName ? `tenant ${tenantName}` : siteName ? `site ${siteName}` : 'everywhere'

const BASE: readonly Column<ApiToken>[] = [
  { id: 'name', header: 'Name', value: (one) => one.name, filter: 'text', phone: 'title' },
  {
    id: 'prefix',
    header: 'Begins with',
    value: (one) => one.prefix,
    cell: (one) => <code className="mono">{one.prefix}…</code>,
    filter: 'text',
  },
  {
    id: 'rights',
    header: 'Rights',
    value: (one) => one.rights.join(' '),
    cell: (one) => (
      <span title={one.rights.join('\n')}>
        {one.rights.length === 1 ? one.rights[0] : plural(one.rights.length, 'right')}
      </span>
    ),
    filter: 'text',
    phone: 'under',
  },
  { id: 'where', header: 'Counts', value: where, filter: 'choice' },
  {
    id: 'used',
    header: 'Last used',
    value: (one) => one.usedAt,
    cell: (one) =>
      one.usedAt ? (
        <span>
          <Ago time={one.usedAt} /> {one.usedFrom ? <span className="more mono">{one.usedFrom}</span> : null}
        </span>
      ) : (
        <span className="dim">never used</span>
      ),
    phone: 'side-under',
  },
  { id: 'expires', header: 'Ends', value: (one) => one.expiresAt, cell: (one) => <Ends token={one} />, phone: 'side' },
]
const OWNER: Column<ApiToken> = { id: 'owner', header: 'Whose', value: (one) => one.ownerName, filter: 'text' }

/** Tokens for scripts: one's own, and everybody's for those who may see them. */
export function TokensPage() {
  const mayRead = useMay('token.read')
  const mayEnd = useMay('token.end')
  const [asked, setOf] = useQueryState('of', parseAsStringLiteral(OF).withDefault('own'))
  const of = mayRead ? asked : 'own'
  const own = useOwnTokens(of === 'own')
  const all = useAllTokens(of === 'all')
  const end = useEndToken(of)
  const [making, setMaking] = useState(false)
  const [secret, setSecret] = useState<{ readonly name: string; readonly token: string }>()
  const [doomed, setDoomed] = useState<ApiToken>()
  const columns = useMemo<readonly Column<ApiToken>[]>(() => {
    const tools: Column<ApiToken> = {
      id: 'tools',
      header: 'Tools',
      isTools: true,
      value: () => null,
      className: 'num',
      phone: 'tools',
      cell: (one) => (
        <Button small look="quiet" aria-label={`End ${one.name}`} onPress={() => setDoomed(one)}>
          End
        </Button>
      ),
    }
    const shown = of === 'own' ? BASE : [BASE[0] as Column<ApiToken>, OWNER, ...BASE.slice(1)]
    return of === 'own' || mayEnd ? [...shown, tools] : shown
  }, [of, mayEnd])
  const make = (
    <Button look="primary" icon="plus" onPress={() => setMaking(true)}>
      Make token
    </Button>
  )
  return (
    <>
      <SettingsHead>
        {mayRead ? <Segmented label="Whose" options={CHOICES} value={of} onValue={(next) => void setOf(next)} /> : null}
        {make}
      </SettingsHead>
      <DataTable
        key={of}
        noun="tokens"
        columns={columns}
        query={of === 'own' ? own : all}
        nameOf={(one) => one.name}
        sort="expires"
        empty={
          <Empty icon="key" title="No API tokens" action={of === 'own' ? make : undefined}>
            A script signs in with a token instead of a password: it holds only the rights that you choose, ends by
            itself, and ends with your account. It is sent as <code className="mono">Authorization: Bearer …</code>
          </Empty>
        }
      />
      {making ? (
        <TokenForm
          onClose={() => setMaking(false)}
          onMade={(made) => {
            setMaking(false)
            setSecret(made)
          }}
        />
      ) : null}
      {secret ? (
        <SecretOnce
          title={`The token ${secret.name}`}
          words="It is shown this once and kept nowhere: Weft holds its hash alone."
          lines={[
            { label: 'Token', text: secret.token },
            {
              label: 'Try it',
              text: `curl -H 'Authorization: Bearer ${secret.token}' ${window.location.origin}/api/v1/session`,
            },
          ]}
          onClose={() => setSecret(undefined)}
        />
      ) : null}
      {doomed ? (
        <Confirm
          title={`End ${doomed.name}?`}
          act="End token"
          isPending={end.isPending}
          error={end.error}
          onAct={() =>
            end.mutate(doomed.id, {
              onSuccess: () => {
                setDoomed(undefined)
                toast({ tone: 'ok', text: `The token ${doomed.name} has ended` })
              },
            })
          }
          onClose={() => setDoomed(undefined)}
        >
          <p>Whatever uses it is refused from the next request on. It cannot be brought back.</p>
        </Confirm>
      ) : null}
    </>
  )
}
