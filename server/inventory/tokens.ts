import { v7 as uuidv7 } from 'uuid'
import type { ApiToken } from '#server/contract/access.ts'
import type { Right } from '#server/contract/rights.ts'
import type { StoredToken, TokenDirectory } from '#server/identity/ports.ts'
import { brokenRules, notFound, Refusal } from '#server/kernel/refusal.ts'
import { ACCOUNTS, type AccountRow, accountOf } from './accounts.ts'
import { type Database, EVERYTHING, isUniqueViolation, lock, type Scope, type Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { type Fields, type ListRequest, type Page, pageOf } from './page.ts'
import { mustExist } from './places.ts'

export const TOKEN_FIELDS: Fields = {
  ...{ name: 'text', prefix: 'text', ownerId: 'id', ownerName: 'text', tenantId: 'id', tenantName: 'text' },
  ...{ siteId: 'id', siteName: 'text', createdAt: 'time', expiresAt: 'time', usedAt: 'time' },
}

const MOST = 100

const PLACE = `k.tenant_id AS "tenantId", t.name AS "tenantName", k.site_id AS "siteId", s.name AS "siteName"`

const TOKENS = Prisma.sql`SELECT k.id, k.name, k.prefix, a.id AS "ownerId", a.name AS "ownerName", k.rights, ${Prisma.raw(PLACE)},
    k.created_at AS "createdAt", k.expires_at AS "expiresAt", k.used_at AS "usedAt", k.used_from AS "usedFrom"
  FROM api_token k JOIN account a ON a.id = k.account_id LEFT JOIN tenant t ON t.id = k.tenant_id LEFT JOIN site s ON s.id = k.site_id`

// One statement, not a transaction in somebody's scope: every request with a token waits for it.
const FIND = {
  name: 'find-token',
  text: `SELECT a.*, jsonb_build_object('id', k.id, 'name', k.name, 'rights', k.rights, 'tenantId', k.tenant_id, 'tenantName', t.name,
      'siteId', k.site_id, 'siteName', s.name, 'createdAt', k.created_at, 'expiresAt', k.expires_at, 'usedAt', k.used_at,
      'ownerMethods', ARRAY(SELECT 'password+totp' FROM totp f WHERE f.account_id = a.id AND f.confirmed_at IS NOT NULL
        UNION ALL SELECT CASE WHEN p.synced THEN 'passkey' ELSE 'passkey+hardware' END FROM passkey p WHERE p.account_id = a.id)) AS token
    FROM api_token k JOIN (${ACCOUNTS.sql}) a ON a.id = k.account_id LEFT JOIN tenant t ON t.id = k.tenant_id
      LEFT JOIN site s ON s.id = k.site_id WHERE k.hash = $1`,
}

interface TokenRow extends Omit<ApiToken, 'createdAt' | 'expiresAt' | 'usedAt'> {
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly usedAt: Date | null
}

const viewOf = ({ createdAt, expiresAt, usedAt, ...row }: TokenRow): ApiToken => ({
  ...row,
  ...{ createdAt: createdAt.toISOString(), expiresAt: expiresAt.toISOString() },
  usedAt: usedAt?.toISOString() ?? null,
})

interface TokenJson extends Omit<StoredToken, 'createdAt_ms' | 'expiresAt_ms' | 'usedAt_ms'> {
  readonly createdAt: string
  readonly expiresAt: string
  readonly usedAt: string | null
}

const storedOf = ({ createdAt, expiresAt, usedAt, ...token }: TokenJson): StoredToken => ({
  ...token,
  ...{ createdAt_ms: Date.parse(createdAt), expiresAt_ms: Date.parse(expiresAt) },
  usedAt_ms: usedAt === null ? null : Date.parse(usedAt),
})

export interface NewApiToken {
  readonly accountId: string
  readonly name: string
  readonly hash: string
  readonly prefix: string
  readonly rights: readonly Right[]
  readonly tenantId: string | null
  readonly siteId: string | null
  readonly expiresAt: Date
}

export interface TokenStore extends TokenDirectory {
  own(accountId: string, request: ListRequest): Promise<Page<ApiToken>>
  /** Those of the accounts that the scope sees. */
  all(scope: Scope, request: ListRequest): Promise<Page<ApiToken>>
  /** Throws `Refusal`: `conflict` for a name that its owner has used, `rule` past the most that one may have. */
  create(token: NewApiToken): Promise<ApiToken>
  /** Throws `Refusal` (`not-found`). Answers what was ended. */
  endOwn(accountId: string, id: string): Promise<ApiToken>
  endAny(scope: Scope, id: string): Promise<ApiToken>
}

async function list(tx: Transaction, query: Prisma.Sql, request: ListRequest): Promise<Page<ApiToken>> {
  const page = await pageOf<TokenRow>(tx, query, TOKEN_FIELDS, { ...request, sort: request.sort ?? 'name' })
  return { items: page.items.map(viewOf), next: page.next }
}

async function end(tx: Transaction, where: Prisma.Sql): Promise<ApiToken> {
  const [row] = await tx.$queryRaw<TokenRow[]>`${TOKENS} WHERE ${where}`
  if (!row) throw notFound('token')
  await tx.apiToken.deleteMany({ where: { id: row.id } })
  return viewOf(row)
}

async function create(tx: Transaction, { rights, ...token }: NewApiToken): Promise<ApiToken> {
  await lock(tx, `tokens/${token.accountId}`)
  await mustExist(tx, token)
  if ((await tx.apiToken.count({ where: { accountId: token.accountId } })) >= MOST) throw tooMany()
  const id = uuidv7()
  await tx.apiToken.create({ data: { ...token, id, rights: [...rights] } })
  const [row] = await tx.$queryRaw<TokenRow[]>`${TOKENS} WHERE k.id = ${id}::uuid`
  if (!row) throw new Error('a token is not there after it was made')
  return viewOf(row)
}

/** API tokens, kept under their hashes. One’s own are found by whose they are, wherever one works. */
export function tokenStore(database: Database): TokenStore {
  const { engine } = database
  const everybodys = <T>(work: (tx: Transaction) => Promise<T>) => database.inScope(EVERYTHING, work)
  return {
    own: (accountId, request) =>
      everybodys((tx) => list(tx, Prisma.sql`${TOKENS} WHERE k.account_id = ${accountId}::uuid`, request)),
    all: (scope, request) => database.inScope(scope, (tx) => list(tx, TOKENS, request)),
    create: (token) =>
      everybodys((tx) => create(tx, token)).catch((error: unknown) => {
        throw isUniqueViolation(error) ? nameTaken(token.name) : error
      }),
    endOwn: (accountId, id) =>
      everybodys((tx) => end(tx, Prisma.sql`k.id = ${id}::uuid AND k.account_id = ${accountId}::uuid`)),
    endAny: (scope, id) => database.inScope(scope, (tx) => end(tx, Prisma.sql`k.id = ${id}::uuid`)),
    async find(hash) {
      const { rows } = await engine.query<AccountRow & { token: TokenJson }>({ ...FIND, values: [hash] })
      const [row] = rows
      return row && { token: storedOf(row.token), account: accountOf(row) }
    },
    async touch(id, at_ms, address) {
      await engine.query('UPDATE api_token SET used_at = $2, used_from = $3 WHERE id = $1', [
        ...[id, new Date(at_ms), address],
      ])
    },
  }
}

const nameTaken = (name: string): Refusal => {
  const message = `You have a token ${name} already.`
  return new Refusal('conflict', message, [
    { pointer: '/name', rule: 'token.name-taken', message, mend: 'Choose another name, or end that one first.' },
  ])
}

const tooMany = (): Refusal =>
  brokenRules([
    {
      ...{ pointer: '', rule: 'token.count', limit: `${MOST} tokens`, message: `You have ${MOST} tokens already.` },
      mend: 'End some that are not used.',
    },
  ])
