import { v7 as uuidv7 } from 'uuid'
import type { Role } from '#server/contract/rights.ts'
import type { AccountStore, LocalAccount, SessionStore, StoredSession } from '#server/identity/ports.ts'
import { brokenRules, Refusal } from '#server/kernel/refusal.ts'
import { type Database, EVERYTHING, isUniqueViolation, type Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { readList } from './list.ts'
import { type Fields, pageOf } from './page.ts'

export const ACCOUNT_FIELDS: Fields = {
  ...{ name: 'text', displayName: 'text', role: 'text', tenantId: 'id', tenantName: 'text' },
}

const ACCOUNTS = Prisma.sql`SELECT a.id, a.name, a.display_name AS "displayName", a.role, a.tenant_id AS "tenantId",
  t.name AS "tenantName", a.password_hash AS "passwordHash" FROM account a LEFT JOIN tenant t ON t.id = a.tenant_id`

interface AccountRow {
  id: string
  name: string
  displayName: string
  role: string
  tenantId: string | null
  passwordHash: string
  tenant: { name: string } | null
}

const accountOf = ({ tenant, role, ...rest }: AccountRow): LocalAccount => {
  const { id, name, displayName, tenantId, passwordHash } = rest
  return { id, name, displayName, role: role as Role, tenantId, tenantName: tenant?.name ?? null, passwordHash }
}

const WITH_TENANT = { tenant: { select: { name: true } } } as const

/** Local accounts, kept in the database. Only signing in and operators come here, so it sees all tenants. */
export function accountStore(database: Database): AccountStore {
  const all = <T>(work: (tx: Transaction) => Promise<T>) => database.inScope(EVERYTHING, work)
  return {
    byName: (name) =>
      all(async (tx) => {
        const row = await tx.account.findUnique({ where: { name }, include: WITH_TENANT })
        return row ? accountOf(row) : undefined
      }),
    byId: (id) =>
      all(async (tx) => {
        const row = await tx.account.findUnique({ where: { id }, include: WITH_TENANT })
        return row ? accountOf(row) : undefined
      }),
    list: (query) => {
      const request = readList(query, ACCOUNT_FIELDS)
      return all((tx) =>
        pageOf<LocalAccount>(tx, ACCOUNTS, ACCOUNT_FIELDS, { ...request, sort: request.sort ?? 'name' }),
      )
    },
    count: () => all((tx) => tx.account.count()),
    create: (account) =>
      all(async (tx) => {
        const { tenantId } = account
        if (tenantId !== null && !(await tx.tenant.findUnique({ where: { id: tenantId } }))) throw noTenant()
        return accountOf(await tx.account.create({ data: { ...account, id: uuidv7() }, include: WITH_TENANT }))
      }).catch((error: unknown) => {
        throw isUniqueViolation(error) ? nameTaken(account.name) : error
      }),
    setPassword: async (id, passwordHash) => {
      await all((tx) => tx.account.updateMany({ where: { id }, data: { passwordHash } }))
    },
    remove: (id) => all(async (tx) => (await tx.account.deleteMany({ where: { id } })).count > 0),
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

interface SessionRow {
  hash: string
  accountId: string
  createdAt: Date
  seenAt: Date
  address: string
  agent: string
}

const sessionOf = ({ hash, accountId, createdAt, seenAt, address, agent }: SessionRow): StoredSession => ({
  ...{ hash, accountId, address, agent },
  ...{ createdAt_ms: createdAt.getTime(), seenAt_ms: seenAt.getTime() },
})

/** Sessions, kept in the database under the hashes of their ids. */
export function sessionStore(database: Database): SessionStore {
  const all = <T>(work: (tx: Transaction) => Promise<T>) => database.inScope(EVERYTHING, work)
  return {
    insert: async ({ createdAt_ms, seenAt_ms, ...session }) => {
      const times = { createdAt: new Date(createdAt_ms), seenAt: new Date(seenAt_ms) }
      await all((tx) => tx.session.create({ data: { ...session, ...times } }))
    },
    find: (hash) =>
      all(async (tx) => {
        const row = await tx.session.findUnique({ where: { hash }, include: { account: { include: WITH_TENANT } } })
        return row ? { session: sessionOf(row), account: accountOf(row.account) } : undefined
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
