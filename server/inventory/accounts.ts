import { v7 as uuidv7 } from 'uuid'
import { type Right, ROLE_RIGHTS, ROLES, type Role } from '#server/contract/rights.ts'
import type { AccountRecord, AccountStore, Binding, SessionStore, StoredSession } from '#server/identity/ports.ts'
import { brokenRules, Refusal } from '#server/kernel/refusal.ts'
import { type Database, EVERYTHING, isUniqueViolation, type Scope, type Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { readList } from './list.ts'
import { type Fields, pageOf } from './page.ts'

export const ACCOUNT_FIELDS: Fields = {
  ...{ name: 'text', displayName: 'text', email: 'text', role: 'text', tenantId: 'id', tenantName: 'text' },
  ...{ providerId: 'id', providerName: 'text', state: 'text' },
}

/** Every account with its bindings: its own, and its groups'. */
export const ACCOUNTS = Prisma.sql`SELECT a.id, a.name, a.display_name AS "displayName", a.email, a.tenant_id AS "tenantId",
    t.name AS "tenantName", a.provider_id AS "providerId", i.name AS "providerName", a.password_hash AS "passwordHash", a.state,
    a.break_glass AS "breakGlass", a.revision, held.bindings, held.roles AS role
  FROM account a LEFT JOIN tenant t ON t.id = a.tenant_id LEFT JOIN identity_provider i ON i.id = a.provider_id
  LEFT JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', b.id, 'builtin', b.builtin, 'role', coalesce(r.name, b.builtin), 'rights', r.rights,
        'tenantId', b.tenant_id, 'tenantName', bt.name, 'siteId', b.site_id, 'siteName', s.name, 'groupName', g.name, 'source', b.source)
        ORDER BY b.created_at, b.id), '[]') AS bindings,
      coalesce(string_agg(DISTINCT coalesce(r.name, b.builtin), ', '), 'none') AS roles
    FROM role_binding b LEFT JOIN role r ON r.id = b.role_id LEFT JOIN user_group g ON g.id = b.group_id
      LEFT JOIN tenant bt ON bt.id = b.tenant_id LEFT JOIN site s ON s.id = b.site_id
    WHERE b.account_id = a.id OR b.group_id IN (SELECT m.group_id FROM group_member m WHERE m.account_id = a.id)
  ) held ON true`

interface BindingRow extends Omit<Binding, 'rights'> {
  readonly builtin: string | null
  readonly rights: string[] | null
}

export interface AccountRow extends Omit<AccountRecord, 'bindings'> {
  readonly bindings: BindingRow[]
}

const isBuiltin = (role: string | null): role is Role => (ROLES as readonly (string | null)[]).includes(role)

const bindingOf = ({ builtin, rights, ...binding }: BindingRow): Binding => ({
  ...binding,
  rights: isBuiltin(builtin) ? ROLE_RIGHTS[builtin] : ((rights ?? []) as Right[]),
})

/** A row of `ACCOUNTS` as everybody else has it. */
export const accountOf = (row: AccountRow): AccountRecord => {
  const { id, name, displayName, email, tenantId, tenantName, providerId, providerName, ...rest } = row
  const { passwordHash, state, breakGlass, revision, bindings } = rest
  const origin = { providerId, providerName, passwordHash, state, breakGlass, revision }
  return { id, name, displayName, email, tenantId, tenantName, ...origin, bindings: bindings.map(bindingOf) }
}

async function find(tx: Transaction, where: Prisma.Sql): Promise<AccountRecord | undefined> {
  const [row] = await tx.$queryRaw<AccountRow[]>`SELECT * FROM (${ACCOUNTS}) q WHERE ${where}`
  return row && accountOf(row)
}

async function create(tx: Transaction, { role, tenantId, ...account }: Parameters<AccountStore['create']>[1]) {
  if (tenantId !== null && !(await tx.tenant.findUnique({ where: { id: tenantId } }))) throw noTenant()
  const id = uuidv7()
  await tx.account.create({ data: { ...account, id, tenantId } })
  await tx.roleBinding.create({ data: { id: uuidv7(), accountId: id, builtin: role, tenantId } })
  const created = await find(tx, Prisma.sql`q.id = ${id}::uuid`)
  if (!created) throw new Error('an account is not there after it was made')
  return created
}

/** Accounts, kept in the database. What signs in sees all of them. */
export function accountStore(database: Database): AccountStore {
  const all = <T>(work: (tx: Transaction) => Promise<T>) => database.inScope(EVERYTHING, work)
  return {
    byName: (name) => all((tx) => find(tx, Prisma.sql`q.name = ${name} AND q."providerId" IS NULL`)),
    byId: (id) => all((tx) => find(tx, Prisma.sql`q.id = ${id}::uuid`)),
    list: (scope: Scope, query) => {
      const request = readList(query, ACCOUNT_FIELDS)
      return database.inScope(scope, async (tx) => {
        const page = await pageOf<AccountRow>(tx, ACCOUNTS, ACCOUNT_FIELDS, {
          ...request,
          sort: request.sort ?? 'name',
        })
        return { items: page.items.map(accountOf), next: page.next }
      })
    },
    count: () => all((tx) => tx.account.count({ where: { providerId: null } })),
    create: (scope, account) =>
      database
        .inScope(scope, (tx) => create(tx, account))
        .catch((error: unknown) => {
          throw isUniqueViolation(error) ? nameTaken(account.name) : error
        }),
    setPassword: async (id, passwordHash) => {
      await all((tx) => tx.account.updateMany({ where: { id }, data: { passwordHash } }))
    },
    remove: (scope, id) =>
      database.inScope(scope, async (tx) => (await tx.account.deleteMany({ where: { id } })).count > 0),
  }
}

const noTenant = (): Refusal =>
  brokenRules([
    {
      ...{ pointer: '/tenantId', rule: 'account.tenant', message: 'There is no such tenant.' },
      mend: 'Name one that exists.',
    },
  ])

const nameTaken = (name: string): Refusal =>
  new Refusal('conflict', `The name ${name} is taken.`, [
    {
      ...{ pointer: '/name', rule: 'account.name-taken', message: `The name ${name} is taken.` },
      mend: 'Choose another name.',
    },
  ])

interface SessionRow extends Omit<StoredSession, 'createdAt_ms' | 'seenAt_ms' | 'authenticatedAt_ms' | 'endsAt_ms'> {
  readonly createdAt: Date
  readonly seenAt: Date
  readonly authenticatedAt: Date
  readonly endsAt: Date | null
}

const sessionOf = ({ createdAt, seenAt, authenticatedAt, endsAt, ...row }: SessionRow): StoredSession => {
  const { hash, id, accountId, address, agent, method, providerId, tenantId, siteId } = row
  return {
    ...{ hash, id, accountId, address, agent, method, providerId, tenantId, siteId },
    ...{ createdAt_ms: createdAt.getTime(), seenAt_ms: seenAt.getTime() },
    ...{ authenticatedAt_ms: authenticatedAt.getTime(), endsAt_ms: endsAt?.getTime() ?? null },
  }
}

/** Sessions, kept in the database under the hashes of their ids. */
export function sessionStore(database: Database): SessionStore {
  const all = <T>(work: (tx: Transaction) => Promise<T>) => database.inScope(EVERYTHING, work)
  return {
    // One statement, not a transaction in somebody's scope: sign-in is what everybody waits for in the morning.
    async insert({ createdAt_ms, seenAt_ms, authenticatedAt_ms, endsAt_ms, ...session }) {
      const { hash, id, accountId, address, agent, method, providerId, tenantId, siteId } = session
      await database.engine.query(
        `INSERT INTO session (hash, id, account_id, address, agent, method, provider_id, tenant_id, site_id,
           created_at, seen_at, authenticated_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
        [
          ...[hash, id, accountId, address, agent, method, providerId, tenantId, siteId],
          ...[createdAt_ms, seenAt_ms, authenticatedAt_ms].map((time_ms) => new Date(time_ms)),
          endsAt_ms === null ? null : new Date(endsAt_ms),
        ],
      )
    },
    find: (hash) =>
      all(async (tx) => {
        const row = await tx.session.findUnique({ where: { hash } })
        const account = row && (await find(tx, Prisma.sql`q.id = ${row.accountId}::uuid`))
        return account ? { session: sessionOf(row), account } : undefined
      }),
    touch: async (hash, at_ms) => {
      await all((tx) => tx.session.updateMany({ where: { hash }, data: { seenAt: new Date(at_ms) } }))
    },
    remove: async (hash) => {
      await all((tx) => tx.session.deleteMany({ where: { hash } }))
    },
    removeOfAccount: async (accountId, except) => {
      const kept = except === undefined ? {} : { hash: { not: except } }
      await all((tx) => tx.session.deleteMany({ where: { accountId, ...kept } }))
    },
    prune: (unusedSince_ms, begunBefore_ms) =>
      all(async (tx) => {
        const unused = { seenAt: { lt: new Date(unusedSince_ms) } }
        const old = { createdAt: { lt: new Date(begunBefore_ms) } }
        return (await tx.session.deleteMany({ where: { OR: [unused, old] } })).count
      }),
  }
}
