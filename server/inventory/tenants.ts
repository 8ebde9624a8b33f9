import { v7 as uuidv7 } from 'uuid'
import type { Tenant } from '#server/contract/inventory.ts'
import { notFound, Refusal, staleRevision } from '#server/kernel/refusal.ts'
import { type Database, isUniqueViolation, lock, type Scope, type Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'

export const TENANT_FIELDS: Fields = {
  ...{ name: 'text', displayName: 'text', thread: 'number', networks: 'number', ports: 'number' },
}

/** Thread colours of the console. */
const THREADS = 6

const OPEN_CREATES = (kind: 'network' | 'port') => Prisma.sql`(SELECT count(*)::int FROM open_edits(t.id, NULL) e
  WHERE e.kind = ${kind}::text AND e.operation = 'create')`

// Quotas count what is committed and what open drafts would add.
const TENANTS = Prisma.sql`SELECT t.id, t.name, t.display_name AS "displayName", t.thread, t.quota_networks AS "quotaNetworks",
    t.quota_ports AS "quotaPorts", t.revision,
    (SELECT count(*)::int FROM network n WHERE n.tenant_id = t.id) + ${OPEN_CREATES('network')} AS networks,
    (SELECT count(*)::int FROM port p WHERE p.tenant_id = t.id) + ${OPEN_CREATES('port')} AS ports
  FROM tenant t`

interface TenantRow {
  id: string
  name: string
  displayName: string
  thread: number
  quotaNetworks: number
  quotaPorts: number
  revision: number
  networks: number
  ports: number
}

const tenantOf = ({ quotaNetworks, quotaPorts, networks, ports, ...rest }: TenantRow): Tenant => ({
  ...rest,
  quotas: { networks: quotaNetworks, ports: quotaPorts },
  used: { networks, ports },
})

export interface NewTenant {
  readonly name: string
  readonly displayName?: string | undefined
  readonly quotas: Tenant['quotas']
}

export interface TenantPatch {
  readonly displayName?: string | undefined
  readonly quotas?: Tenant['quotas'] | undefined
}

export interface TenantStore {
  list(scope: Scope, request: ListRequest): Promise<Page<Tenant>>
  get(scope: Scope, id: string): Promise<Tenant>
  create(scope: Scope, tenant: NewTenant): Promise<Tenant>
  update(scope: Scope, id: string, revision: number, patch: TenantPatch): Promise<Tenant>
  /** Refused while it has networks, accounts or open drafts. */
  remove(scope: Scope, id: string, revision: number): Promise<void>
}

async function find(tx: Transaction, id: string): Promise<Tenant> {
  const [row] = await tx.$queryRaw<TenantRow[]>`SELECT * FROM (${TENANTS}) q WHERE q.id = ${id}::uuid`
  if (!row) throw notFound('tenant')
  return tenantOf(row)
}

/** The colour that fewest tenants have, the first of equals. */
async function nextThread(tx: Transaction): Promise<number> {
  const [row] = await tx.$queryRaw<
    { thread: number }[]
  >`SELECT n::int AS thread FROM generate_series(1, ${THREADS}::int) n
    ORDER BY (SELECT count(*) FROM tenant t WHERE t.thread = n), n LIMIT 1`
  return row?.thread ?? 1
}

const conflict = (pointer: string, rule: string, message: string, mend: string): Refusal =>
  new Refusal('conflict', message, [{ pointer, rule, message, mend }])

function mustBeEmpty(tenant: Tenant, accounts: number): void {
  const { networks, ports } = tenant.used
  if (networks + ports > 0)
    throw conflict(
      ...(['', 'tenant.in-use', `${tenant.displayName} has ${networks} networks and ${ports} ports.`] as const),
      'Delete its networks first, and discard the drafts that would add some.',
    )
  if (accounts > 0)
    throw conflict(
      ...(['', 'tenant.in-use', `${tenant.displayName} has ${accounts} accounts.`] as const),
      'Remove its accounts first.',
    )
}

export function tenantStore(database: Database): TenantStore {
  const locked = async (tx: Transaction, id: string, revision: number): Promise<Tenant> => {
    await lock(tx, `tenant/${id}`)
    const tenant = await find(tx, id)
    if (tenant.revision !== revision) throw staleRevision(revision, tenant.revision)
    return tenant
  }
  return {
    list: (scope, request) =>
      database.inScope(scope, async (tx) => {
        const page = await pageOf<TenantRow>(tx, TENANTS, TENANT_FIELDS, { ...request, sort: request.sort ?? 'name' })
        return { items: page.items.map(tenantOf), next: page.next }
      }),
    get: (scope, id) => database.inScope(scope, (tx) => find(tx, id)),
    create: (scope, { name, displayName, quotas }) =>
      database
        .inScope(scope, async (tx) => {
          const [id, thread] = [uuidv7(), await nextThread(tx)]
          const own = { id, name, displayName: displayName ?? name, thread }
          await tx.tenant.create({ data: { ...own, quotaNetworks: quotas.networks, quotaPorts: quotas.ports } })
          return find(tx, id)
        })
        .catch((error: unknown) => {
          if (!isUniqueViolation(error)) throw error
          throw conflict('/name', 'tenant.name-taken', `There is a tenant ${name} already.`, 'Choose another name.')
        }),
    update: (scope, id, revision, { displayName, quotas }) =>
      database.inScope(scope, async (tx) => {
        await locked(tx, id, revision)
        const numbers = quotas && { quotaNetworks: quotas.networks, quotaPorts: quotas.ports }
        const named = displayName === undefined ? {} : { displayName }
        await tx.tenant.update({ where: { id }, data: { ...named, ...numbers, revision: { increment: 1 } } })
        return find(tx, id)
      }),
    remove: (scope, id, revision) =>
      database.inScope(scope, async (tx) => {
        const tenant = await locked(tx, id, revision)
        mustBeEmpty(tenant, await tx.account.count({ where: { tenantId: id } }))
        await tx.tenant.delete({ where: { id } })
      }),
  }
}
