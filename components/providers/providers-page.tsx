'use client'
import Link from 'next/link'
import { useRouter } from 'next/navigation'
import type { IdentityProvider } from '#server/contract/providers.ts'
import { useProviders } from '../queries/providers.ts'
import { Expiry } from '../settings/certificate.tsx'
import { SettingsHead } from '../settings/settings-head.tsx'
import { MayButton } from '../shell/may-button.tsx'
import { Empty } from '../ui/empty.tsx'
import type { Column } from '../ui/table/columns.ts'
import { DataTable } from '../ui/table/data-table.tsx'
import { plural } from '../ui/words.ts'
import { OwnSp } from './own-sp.tsx'
import { ProviderState } from './state.tsx'
import './providers.css'

const PROTOCOLS = { saml: 'SAML 2.0', oidc: 'OpenID Connect' } as const

/** When the first of its keys ends. */
const firstEnd = ({ certificates }: IdentityProvider): string | null =>
  certificates.map(({ notAfter }) => notAfter).sort()[0] ?? null

const COLUMNS: readonly Column<IdentityProvider>[] = [
  {
    id: 'name',
    header: 'Name',
    value: (one) => one.displayName,
    cell: (one) => <Link href={`/settings/identity-providers/${one.id}`}>{one.displayName}</Link>,
    filter: 'text',
    phone: 'title',
  },
  {
    id: 'state',
    header: 'State',
    value: (one) => one.state,
    cell: (one) => <ProviderState provider={one} />,
    filter: 'choice',
    phone: 'side',
  },
  {
    id: 'whose',
    header: 'Signs in',
    value: (one) => one.tenantName ?? 'the installation’s people',
    filter: 'choice',
    phone: 'under',
  },
  {
    id: 'protocol',
    header: 'Protocol',
    value: (one) => PROTOCOLS[one.protocol],
    filter: 'choice',
    phone: 'side-under',
  },
  {
    id: 'domains',
    header: 'E-mail domains',
    value: (one) => one.emailDomains.join(', '),
    cell: (one) => one.emailDomains.join(', ') || <span className="dim">none</span>,
    filter: 'text',
  },
  {
    id: 'rules',
    header: 'Rules',
    value: (one) => one.rules.length,
    cell: (one) => (one.rules.length === 0 ? <span className="dim">none</span> : plural(one.rules.length, 'rule')),
    filter: 'number',
  },
  {
    id: 'certificate',
    header: 'Certificate ends in',
    value: firstEnd,
    cell: (one) => {
      const end = firstEnd(one)
      return end ? <Expiry time={end} /> : <span className="dim">—</span>
    },
  },
  {
    id: 'metadata',
    header: 'Metadata',
    value: (one) => one.metadataProblem ?? '',
    cell: (one) =>
      one.metadataProblem ? (
        <span className="clip entity" title={one.metadataProblem}>
          {one.metadataProblem}
        </span>
      ) : one.metadataValidUntil ? (
        <>
          valid for <Expiry time={one.metadataValidUntil} />
        </>
      ) : (
        <span className="dim">—</span>
      ),
  },
]

/** Whom Weft asks who people are. */
export function ProvidersPage() {
  const providers = useProviders()
  const router = useRouter()
  const add = (
    <MayButton
      right="provider.write"
      look="primary"
      icon="plus"
      onPress={() => router.push('/settings/identity-providers/new')}
    >
      Add provider
    </MayButton>
  )
  return (
    <>
      <SettingsHead>{add}</SettingsHead>
      <DataTable
        noun="providers"
        columns={COLUMNS}
        query={providers}
        nameOf={(one) => one.name}
        sort="name"
        empty={
          <Empty icon="badge" title="No identity providers yet">
            With one, people sign in with the account that they have at work. Rules say who gets which role; a tenant’s
            provider can give rights in that tenant alone.
          </Empty>
        }
      />
      <div className="body under">
        <OwnSp />
      </div>
    </>
  )
}
