import { v7 as uuidv7 } from 'uuid'
import type { AccountPatch, AccountRecord, AccountStore, NewAccount } from '#server/identity/ports.ts'
import { brokenRules, notFound, Refusal, staleRevision } from '#server/kernel/refusal.ts'
import { BINDING_JOINS, BINDING_JSON, type BindingRow, bindingOf } from './binding-rows.ts'
import { type Database, EVERYTHING, isUniqueViolation, type Scope, type Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { readList } from './list.ts'
import { keepingAnOperator } from './operators.ts'
import { type Fields, pageOf } from './page.ts'

export const ACCOUNT_FIELDS: Fields = {
  ...{ name: 'text', displayName: 'text', email: 'text', role: 'text', tenantId: 'id', tenantName: 'text' },
  ...{ providerId: 'id', providerName: 'text', state: 'text', signedInAt: 'time' },
}

/** Every account with its bindings: its own, and its groups'. */
export const ACCOUNTS = Prisma.sql`SELECT a.id, a.name, a.display_name AS "displayName", a.email, a.tenant_id AS "tenantId",
    t.name AS "tenantName", a.provider_id AS "providerId", i.name AS "providerName", a.password_hash AS "passwordHash",
    a.password_ends_at AS "passwordEndsAt", a.state,
    a.break_glass AS "breakGlass", a.signed_in_at AS "signedInAt", a.failed_at AS "failedAt", a.revision, held.bindings, held.roles AS role
  FROM account a LEFT JOIN tenant t ON t.id = a.tenant_id LEFT JOIN identity_provider i ON i.id = a.provider_id
  LEFT JOIN LATERAL (
    SELECT coalesce(jsonb_agg(${BINDING_JSON} ORDER BY b.created_at, b.id), '[]') AS bindings,
      coalesce(string_agg(DISTINCT coalesce(r.name, b.builtin), ', '), 'none') AS roles
    FROM role_binding b ${BINDING_JOINS}
    WHERE b.account_id = a.id OR b.group_id IN (SELECT m.group_id FROM group_member m WHERE m.account_id = a.id)
  ) held ON true`

export interface AccountRow
  extends Omit<AccountRecord, 'bindings' | 'signedInAt_ms' | 'passwordEndsAt_ms' | 'failedAt_ms'> {
  readonly signedInAt: Date | null
  readonly passwordEndsAt: Date | null
  readonly failedAt: Date | null
  readonly bindings: BindingRow[]
}

/** A row of `ACCOUNTS` as everybody else has it. */
export const accountOf = (row: AccountRow): AccountRecord => {
  const { id, name, displayName, email, tenantId, tenantName, providerId, providerName, ...rest } = row
  const { passwordHash, state, breakGlass, revision, bindings } = rest
  const at = (time: Date | null) => time?.getTime() ?? null
  const times = {
    ...{ passwordEndsAt_ms: at(rest.passwordEndsAt), signedInAt_ms: at(rest.signedInAt) },
    failedAt_ms: at(rest.failedAt),
  }
  const origin = { providerId, providerName, passwordHash, state, breakGlass, ...times, revision }
  return { id, name, displayName, email, tenantId, tenantName, ...origin, bindings: bindings.map(bindingOf) }
}

async function find(tx: Transaction, where: Prisma.Sql): Promise<AccountRecord | undefined> {
  const [row] = await tx.$queryRaw<AccountRow[]>`SELECT * FROM (${ACCOUNTS}) q WHERE ${where}`
  return row && accountOf(row)
}

const timeOf = (at_ms: number | null) => (at_ms === null ? null : new Date(at_ms))

async function create(tx: Transaction, { role, tenantId, passwordEndsAt_ms = null, ...account }: NewAccount) {
  if (tenantId !== null && !(await tx.tenant.findUnique({ where: { id: tenantId } }))) throw noTenant()
  const id = uuidv7()
  await tx.account.create({ data: { ...account, id, tenantId, passwordEndsAt: timeOf(passwordEndsAt_ms) } })
  await tx.roleBinding.create({ data: { id: uuidv7(), accountId: id, builtin: role, tenantId } })
  const created = await find(tx, Prisma.sql`q.id = ${id}::uuid`)
  if (!created) throw new Error('an account is not there after it was made')
  return created
}

async function held(tx: Transaction, id: string): Promise<AccountRecord> {
  const account = await find(tx, Prisma.sql`q.id = ${id}::uuid`)
  if (!account) throw notFound('user')
  return account
}

async function update(tx: Transaction, id: string, revision: number, patch: AccountPatch): Promise<AccountRecord> {
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
  const data = { ...given, revision: { increment: 1 } }
  const { count } = await tx.account.updateMany({ where: { id, revision }, data })
  const account = await held(tx, id)
  if (count === 0) throw staleRevision(revision, account.revision)
  return account
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
    setPassword: async (id, passwordHash, endsAt_ms = null) => {
      const data = { passwordHash, passwordEndsAt: timeOf(endsAt_ms) }
      await all((tx) => tx.account.updateMany({ where: { id }, data }))
    },
    noteFailure: async (name, at_ms) => {
      await all((tx) =>
        tx.account.updateMany({ where: { name, providerId: null }, data: { failedAt: new Date(at_ms) } }),
      )
    },
    get: (scope, id) => database.inScope(scope, (tx) => held(tx, id)),
    update: (scope, id, revision, patch) =>
      database.inScope(scope, (tx) => keepingAnOperator(tx, scope, () => update(tx, id, revision, patch))),
    remove: (scope, id) =>
      database.inScope(scope, (tx) =>
        keepingAnOperator(tx, scope, async () => (await tx.account.deleteMany({ where: { id } })).count > 0),
      ),
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
