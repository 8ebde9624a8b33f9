import type { AuditLine, AuditRecord } from '#server/contract/audit.ts'
import type { AuditSink } from '#server/identity/ports.ts'
import { notFound, Refusal } from '#server/kernel/refusal.ts'
import { auditWriter } from './audit-chain.ts'
import type { Database, Scope, Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { conditionsSql, encodePlace, type Fields, type ListRequest, type Page, pageOf } from './page.ts'

export const AUDIT_FIELDS: Fields = {
  ...{ at: 'time', actor: 'text', actorId: 'id', provider: 'text', address: 'text', action: 'text', outcome: 'text' },
  ...{ reason: 'text', subject: 'text', tenantId: 'id', tenantName: 'text', changeId: 'id', detail: 'text' },
  number: 'number',
}

const RECORD_COLUMNS = Prisma.sql`q.number, q.at, q.actor, q."actorId", q.provider, q.address, q.action, q.outcome, q.reason, q.subject,
  q."tenantId", q."tenantName", q."changeId", q.detail`
const ALL_COLUMNS = Prisma.sql`q.*`

const OF_RECORD = Prisma.sql`a.id AS number, a.at, a.actor, a.actor_id AS "actorId", a.provider, a.address, a.action, a.outcome,
  a.reason, a.subject, a.tenant_id AS "tenantId", t.name AS "tenantName", a.change_id AS "changeId", a.detail`
const FROM = Prisma.sql`FROM audit a LEFT JOIN tenant t ON t.id = a.tenant_id`

const LINES = Prisma.sql`SELECT ${OF_RECORD}, a.before::text, a.after::text, a.chain, a.sequence::float8, a.hash ${FROM}`

interface RecordRow extends Omit<AuditRecord, 'id' | 'at'> {
  number: bigint
  at: Date
}
interface LineRow extends RecordRow {
  before: string | null
  after: string | null
  chain: string | null
  sequence: number | null
  hash: Uint8Array | null
}

/** A list of lines, with text that may stand anywhere in them. */
export type AuditRequest = ListRequest & { readonly search?: string | undefined }

export interface AuditLog extends AuditSink {
  /** Newest first unless sorted otherwise. */
  list(scope: Scope, request: AuditRequest): Promise<Page<AuditRecord>>
  /** Whole lines, newest first. */
  lines(scope: Scope, request: AuditRequest): Promise<Page<AuditLine>>
  /** Is told how many lines were stored. */
  subscribe(told: (lines: number) => void): void
  /** Throws `Refusal` (`not-found`). */
  get(scope: Scope, id: string): Promise<AuditLine>
}

const recordOf = ({ number, at, ...row }: RecordRow): AuditRecord => ({
  ...{ id: String(number), at: at.toISOString(), actor: row.actor, actorId: row.actorId, provider: row.provider },
  ...{ address: row.address, action: row.action, outcome: row.outcome, reason: row.reason, subject: row.subject },
  ...{ tenantId: row.tenantId, tenantName: row.tenantName, changeId: row.changeId, detail: row.detail },
})

const parsed = (json: string | null): unknown => (json === null ? null : JSON.parse(json))

const lineOf = (row: LineRow): AuditLine => ({
  ...recordOf(row),
  ...{ before: parsed(row.before), after: parsed(row.after), chain: row.chain, sequence: row.sequence },
  hash: row.hash && Buffer.from(row.hash).toString('hex'),
})

const searchSql = (search: string | undefined): Prisma.Sql[] =>
  search === undefined
    ? []
    : [
        Prisma.sql`strpos(lower(concat_ws(' ', q.actor, q.provider, q.address, q.action, q.outcome, q.reason, q.subject,
          q."tenantName", q."changeId", q.detail, q.before::text, q.after::text)), lower(${search}::text)) > 0`,
      ]

/** A page in the order in which lines were written, which the primary key gives: no page costs more than another. */
async function newestFirst<T extends { number: bigint }>(
  tx: Transaction,
  columns: Prisma.Sql,
  { conditions, search, limit, after }: AuditRequest,
): Promise<{ rows: T[]; next: string | null }> {
  const wanted = [...conditionsSql(conditions, AUDIT_FIELDS), ...searchSql(search)]
  if (after) {
    const number = Number(after.id)
    if (!Number.isSafeInteger(number)) throw new Refusal('malformed', 'This is no cursor of this list.')
    wanted.push(Prisma.sql`q.number < ${BigInt(number)}`)
  }
  const where = wanted.length > 0 ? Prisma.sql`WHERE ${Prisma.join(wanted, ' AND ')}` : Prisma.empty
  const found = await tx.$queryRaw<
    T[]
  >`SELECT ${columns} FROM (${LINES}) q ${where} ORDER BY q.number DESC LIMIT ${limit + 1}`
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  const next = found.length > limit && last ? encodePlace({ key: Number(last.number), id: String(last.number) }) : null
  return { rows, next }
}

const isNewestFirst = ({ sort }: AuditRequest) => sort === undefined || sort === '-number'

/** A page in another order. */
async function sorted(tx: Transaction, request: AuditRequest, sort: string): Promise<Page<AuditRecord>> {
  const search = searchSql(request.search)[0] ?? Prisma.sql`true`
  // Ids sort as text here, which numbers of different lengths would not.
  const query = Prisma.sql`SELECT ${RECORD_COLUMNS}, lpad(q.number::text, 19, '0') AS id FROM (${LINES}) q WHERE ${search}`
  const { items, next } = await pageOf<RecordRow & { id: string }>(tx, query, AUDIT_FIELDS, { ...request, sort })
  return { items: items.map(recordOf), next }
}

/**
 * Who did what. Lines are added, each to the chain of its tenant, and read; the database refuses anything else to the
 * roles that serve.
 */
export function auditLog(database: Database): AuditLog {
  const listeners = new Set<(lines: number) => void>()
  return {
    record: auditWriter(database, (lines) => {
      for (const told of listeners) told(lines)
    }),
    subscribe: (told) => void listeners.add(told),
    list: (scope, request) =>
      database.inScope(scope, async (tx) => {
        if (!isNewestFirst(request)) return sorted(tx, request, request.sort ?? '')
        const { rows, next } = await newestFirst<RecordRow>(tx, RECORD_COLUMNS, request)
        return { items: rows.map(recordOf), next }
      }),
    lines: (scope, request) =>
      database.inScope(scope, async (tx) => {
        const { rows, next } = await newestFirst<LineRow>(tx, ALL_COLUMNS, request)
        return { items: rows.map(lineOf), next }
      }),
    get: (scope, id) =>
      database.inScope(scope, async (tx) => {
        const [row] = await tx.$queryRaw<LineRow[]>`${LINES} WHERE a.id = ${BigInt(id)}`
        if (!row) throw notFound('audit line')
        return lineOf(row)
      }),
  }
}
