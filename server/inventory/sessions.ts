import type {
  Lifetimes,
  ListedSession,
  SessionRegister,
  SessionStore,
  StoredSession,
  Whose,
} from '#server/identity/ports.ts'
import { ACCOUNTS, type AccountRow, accountOf } from './accounts.ts'
import { type Database, EVERYTHING, type Scope, type Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { readList } from './list.ts'
import { type Fields, pageOf } from './page.ts'

interface SessionRow extends Omit<StoredSession, 'createdAt_ms' | 'seenAt_ms' | 'authenticatedAt_ms' | 'endsAt_ms'> {
  readonly createdAt: Date
  readonly seenAt: Date
  readonly authenticatedAt: Date
  readonly endsAt: Date | null
}

const COLUMNS = `s.hash, s.id, s.account_id AS "accountId", s.address, s.agent, s.method, s.provider_id AS "providerId",
  s.tenant_id AS "tenantId", s.site_id AS "siteId", s.created_at AS "createdAt", s.seen_at AS "seenAt",
  s.authenticated_at AS "authenticatedAt", s.ends_at AS "endsAt", s.proved_networks AS "provedNetworks",
  coalesce(s.proved_agent, s.agent) AS "provedAgent"`

const sessionOf = ({ createdAt, seenAt, authenticatedAt, endsAt, ...row }: SessionRow): StoredSession => {
  const { hash, id, accountId, address, agent, method, providerId, tenantId, siteId, provedNetworks, provedAgent } = row
  return {
    ...{ hash, id, accountId, address, agent, method, providerId, tenantId, siteId, provedNetworks, provedAgent },
    ...{ createdAt_ms: createdAt.getTime(), seenAt_ms: seenAt.getTime() },
    ...{ authenticatedAt_ms: authenticatedAt.getTime(), endsAt_ms: endsAt?.getTime() ?? null },
  }
}

/** A row of `session` as JSON, beside the account in the same row. */
interface JsonRow {
  readonly [name: string]: string | null | readonly string[]
  readonly hash: string
  readonly id: string
  readonly account_id: string
  readonly method: string
  readonly address: string
  readonly agent: string
  readonly created_at: string
  readonly seen_at: string
  readonly authenticated_at: string
  readonly provider_id: string | null
  readonly tenant_id: string | null
  readonly site_id: string | null
  readonly ends_at: string | null
  readonly proved_networks: readonly string[]
  readonly proved_agent: string | null
}

function fromJson({ hash, id, method, address, agent, ...row }: JsonRow): StoredSession {
  return {
    ...{ hash, id, accountId: row.account_id, address, agent, method, providerId: row.provider_id ?? null },
    ...{ tenantId: row.tenant_id ?? null, siteId: row.site_id ?? null },
    ...{ createdAt_ms: Date.parse(row.created_at), seenAt_ms: Date.parse(row.seen_at) },
    ...{ provedNetworks: row.proved_networks, provedAgent: row.proved_agent ?? agent },
    authenticatedAt_ms: Date.parse(row.authenticated_at),
    endsAt_ms: row.ends_at ? Date.parse(row.ends_at) : null,
  }
}

// One statement each, not transactions in somebody's scope: every request waits for them, and sign-ins all come at once.
// Of somebody whom a provider vouches for, admission has written down already when that was.
const INSERT = `WITH entered AS (
    UPDATE account SET signed_in_at = $10 WHERE id = $3 AND provider_id IS NULL
  ) INSERT INTO session (hash, id, account_id, address, agent, method, provider_id, tenant_id, site_id,
  created_at, seen_at, authenticated_at, ends_at, proved_networks, proved_agent)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`
const FIND = {
  name: 'find-session',
  text: `SELECT a.*, to_jsonb(s) AS session FROM session s JOIN (${ACCOUNTS.sql}) a ON a.id = s.account_id WHERE s.hash = $1`,
}
const RENEW = `UPDATE session SET hash = $2, method = $3, authenticated_at = $4, seen_at = $5, address = $6, agent = $7,
  proved_networks = $8, proved_agent = $9 WHERE hash = $1`

/** Sessions, kept in the database under the hashes of their ids. */
export function sessionStore({ engine }: Pick<Database, 'engine'>): SessionStore {
  return {
    async insert({ createdAt_ms, seenAt_ms, authenticatedAt_ms, endsAt_ms, ...session }) {
      const { hash, id, accountId, address, agent, method, providerId, tenantId, siteId } = session
      await engine.query(INSERT, [
        ...[hash, id, accountId, address, agent, method, providerId, tenantId, siteId],
        ...[createdAt_ms, seenAt_ms, authenticatedAt_ms].map((time_ms) => new Date(time_ms)),
        ...[endsAt_ms === null ? null : new Date(endsAt_ms), session.provedNetworks, session.provedAgent],
      ])
    },
    async find(hash) {
      const { rows } = await engine.query<AccountRow & { session: JsonRow }>({ ...FIND, values: [hash] })
      const [row] = rows
      return row && { session: fromJson(row.session), account: accountOf(row) }
    },
    async touch(hash, { seenAt_ms, address, agent }) {
      await engine.query('UPDATE session SET seen_at = $2, address = $3, agent = $4 WHERE hash = $1', [
        ...[hash, new Date(seenAt_ms), address, agent],
      ])
    },
    async renew(hash, next) {
      const { rowCount } = await engine.query(RENEW, [
        ...[hash, next.hash, next.method, new Date(next.authenticatedAt_ms), new Date(next.seenAt_ms)],
        ...[next.address, next.agent, next.provedNetworks, next.provedAgent],
      ])
      return rowCount === 1
    },
    async move(hash, { tenantId, siteId = null }) {
      await engine.query('UPDATE session SET tenant_id = $2, site_id = $3 WHERE hash = $1', [hash, tenantId, siteId])
    },
    async remove(hash) {
      await engine.query('DELETE FROM session WHERE hash = $1', [hash])
    },
    async removeOfAccount(accountId, except = '') {
      await engine.query('DELETE FROM session WHERE account_id = $1 AND hash <> $2', [accountId, except])
    },
    async prune(unusedSince_ms, begunBefore_ms) {
      const limits = [unusedSince_ms, begunBefore_ms].map((time_ms) => new Date(time_ms))
      const { rowCount } = await engine.query('DELETE FROM session WHERE seen_at < $1 OR created_at < $2', limits)
      return rowCount ?? 0
    },
  }
}

const SESSION_FIELDS: Fields = {
  ...{ accountName: 'text', accountId: 'id', tenantName: 'text', method: 'text', providerName: 'text' },
  ...{ address: 'text', agent: 'text', createdAt: 'time', seenAt: 'time' },
}

type ListedRow = SessionRow &
  Pick<ListedSession, 'accountName' | 'tenantName' | 'providerName'> & { readonly failedAt: Date | null }

const listed = (row: ListedRow): ListedSession => {
  const { accountName, tenantName, providerName, failedAt } = row
  return { ...sessionOf(row), accountName, tenantName, providerName, failedAt_ms: failedAt?.getTime() ?? null }
}

const LISTED = Prisma.sql`SELECT ${Prisma.raw(COLUMNS)}, a.name AS "accountName", t.name AS "tenantName", i.name AS "providerName",
    a.failed_at AS "failedAt"
  FROM session s JOIN account a ON a.id = s.account_id LEFT JOIN tenant t ON t.id = a.tenant_id
  LEFT JOIN identity_provider i ON i.id = s.provider_id`

const living = ({ seenSince_ms, begunSince_ms, now_ms }: Lifetimes) => {
  const [seen, begun, now] = [seenSince_ms, begunSince_ms, now_ms].map((time_ms) => new Date(time_ms))
  return Prisma.sql`s.seen_at > ${seen} AND s.created_at > ${begun} AND coalesce(s.ends_at > ${now}, true)`
}

async function find(tx: Transaction, which: Prisma.Sql): Promise<ListedSession | undefined> {
  const [row] = await tx.$queryRaw<ListedRow[]>`${LISTED} WHERE ${which}`
  return row && listed(row)
}

/** Sessions as people list them: within a scope those of the accounts that are seen in it. */
export function sessionRegister(database: Database): SessionRegister {
  const everybodys = <T>(work: (tx: Transaction) => Promise<T>) => database.inScope(EVERYTHING, work)
  return {
    own: (accountId, alive) =>
      everybodys(async (tx) => {
        const own = Prisma.sql`s.account_id = ${accountId}::uuid AND ${living(alive)}`
        const rows = await tx.$queryRaw<ListedRow[]>`${LISTED} WHERE ${own} ORDER BY s.seen_at DESC, s.id LIMIT 500`
        return rows.map(listed)
      }),
    list: (scope: Whose & Scope, query, alive) => {
      const request = readList(query, SESSION_FIELDS)
      return database.inScope(scope, async (tx) => {
        const sessions = Prisma.sql`${LISTED} WHERE ${living(alive)}`
        const sort = request.sort ?? '-seenAt'
        const { items, next } = await pageOf<ListedRow>(tx, sessions, SESSION_FIELDS, { ...request, sort })
        return { items: items.map(listed), next }
      })
    },
    findOwn: (accountId, id) =>
      everybodys((tx) => find(tx, Prisma.sql`s.id = ${id}::uuid AND s.account_id = ${accountId}::uuid`)),
    findAny: (scope: Whose & Scope, id) => database.inScope(scope, (tx) => find(tx, Prisma.sql`s.id = ${id}::uuid`)),
  }
}
