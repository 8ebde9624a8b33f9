import type { Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'

/** The fields by which a list can be filtered and sorted, and how their values compare. */
export type Fields = Readonly<Record<string, 'text' | 'number' | 'time' | 'id'>>

export type Operator = 'eq' | 'ne' | 'contains' | 'gt' | 'lt'

export interface Condition {
  readonly field: string
  readonly operator: Operator
  readonly value: string | number | Date
}

/** A list request that was checked against its fields. */
export interface ListRequest {
  readonly conditions: readonly Condition[]
  /** A field; `-` before it turns the order round. Absent: the list's own order. */
  readonly sort?: string
  readonly limit: number
  /** Where the page before ended. */
  readonly after?: Place
}

/** The last item of a page: what it was sorted by, and its id. */
export interface Place {
  readonly key: string | number | null
  readonly id: string
}

export interface Page<T> {
  readonly items: T[]
  readonly next: string | null
}

export const encodePlace = ({ key, id }: Place): string => Buffer.from(JSON.stringify([key, id])).toString('base64url')

const column = (field: string): Prisma.Sql => Prisma.raw(`q."${field.replaceAll('"', '')}"`)

/** How a field compares: times and numbers as they are, all else as text. */
function comparable(field: string, fields: Fields): Prisma.Sql {
  return fields[field] === 'text' ? Prisma.sql`${column(field)}::text` : column(field)
}

function conditionSql({ field, operator, value }: Condition, fields: Fields): Prisma.Sql {
  const at = comparable(field, fields)
  switch (operator) {
    case 'eq':
      return Prisma.sql`${at} IS NOT DISTINCT FROM ${typed(value, fields[field])}`
    case 'ne':
      return Prisma.sql`${at} IS DISTINCT FROM ${typed(value, fields[field])}`
    case 'gt':
      return Prisma.sql`${at} > ${typed(value, fields[field])}`
    case 'lt':
      return Prisma.sql`${at} < ${typed(value, fields[field])}`
    case 'contains':
      return Prisma.sql`strpos(lower(${column(field)}::text), lower(${String(value)}::text)) > 0`
  }
}

/** What a row must be to fit the conditions. */
export const conditionsSql = (conditions: readonly Condition[], fields: Fields): Prisma.Sql[] =>
  conditions.map((condition) => conditionSql(condition, fields))

function typed(value: string | number | Date | null, kind: Fields[string] | undefined): Prisma.Sql {
  if (kind === 'number') return Prisma.sql`${value}::float8`
  if (kind === 'id') return Prisma.sql`${value}::uuid`
  return kind === 'time' ? Prisma.sql`${value}::timestamptz` : Prisma.sql`${value}::text`
}

/** Rows after a place in an order in which absent values come last, or first when it is turned round. */
function afterSql({ key, id }: Place, at: Prisma.Sql, kind: Fields[string] | undefined, down: boolean): Prisma.Sql {
  const past = down ? Prisma.sql`q.id::text < ${id}` : Prisma.sql`q.id::text > ${id}`
  if (key === null) return down ? Prisma.sql`(${at} IS NOT NULL OR ${past})` : Prisma.sql`(${at} IS NULL AND ${past})`
  const value = typed(key, kind)
  return down
    ? Prisma.sql`(${at} < ${value} OR (${at} = ${value} AND ${past}))`
    : Prisma.sql`(${at} > ${value} OR ${at} IS NULL OR (${at} = ${value} AND ${past}))`
}

const placeKey = (value: unknown): Place['key'] => {
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'number' ? value : String(value)
}

/**
 * One page of a query whose rows have an `id` and a column for each field. Pages follow each other by key, so that rows
 * which come and go between two of them are neither seen twice nor skipped.
 */
export async function pageOf<T extends { id: unknown }>(
  tx: Transaction,
  query: Prisma.Sql,
  fields: Fields,
  request: ListRequest & { readonly sort: string },
): Promise<Page<T>> {
  const down = request.sort.startsWith('-')
  const field = down ? request.sort.slice(1) : request.sort
  const at = comparable(field, fields)
  const wanted = conditionsSql(request.conditions, fields)
  if (request.after) wanted.push(afterSql(request.after, at, fields[field], down))
  const where = wanted.length > 0 ? Prisma.sql`WHERE ${Prisma.join(wanted, ' AND ')}` : Prisma.empty
  const order = down ? Prisma.sql`${at} DESC, q.id::text DESC` : Prisma.sql`${at}, q.id::text`
  const rows = await tx.$queryRaw<
    T[]
  >`SELECT q.* FROM (${query}) q ${where} ORDER BY ${order} LIMIT ${request.limit + 1}`
  const items = rows.slice(0, request.limit)
  const last = items.at(-1)
  const more = rows.length > request.limit && last !== undefined
  const key = last && placeKey((last as Record<string, unknown>)[field])
  return { items, next: more ? encodePlace({ key: key ?? null, id: String(last.id) }) : null }
}
