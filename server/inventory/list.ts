import { Refusal, type RefusalDetail } from '#server/kernel/refusal.ts'
import type { Condition, Fields, ListRequest, Operator, Place } from './page.ts'

/** A list procedure's query, as the contract's `ListQuery` parses it. */
export interface ListInput {
  readonly filter?: string | readonly string[] | undefined
  readonly sort?: string | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

const OPERATORS: readonly string[] = ['eq', 'ne', 'contains', 'gt', 'lt'] satisfies Operator[]

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const names = (fields: Fields): string => Object.keys(fields).join(', ')

const malformed = (pointer: string, rule: string, message: string, mend: string): Refusal => {
  const detail: RefusalDetail = { pointer, rule, message, mend }
  return new Refusal('malformed', message, [detail])
}

function readValue(field: string, text: string, fields: Fields): Condition['value'] {
  const kind = fields[field]
  if (kind === 'number') {
    const number = Number(text)
    if (text.trim() === '' || !Number.isFinite(number))
      throw malformed('/filter', 'list.value', `${field} is a number; ${text} is none.`, `Write ${field}:eq:100.`)
    return number
  }
  if (kind === 'time') {
    const date = new Date(text)
    if (Number.isNaN(date.getTime()))
      throw malformed('/filter', 'list.value', `${text} is no time.`, 'Write it as 2026-11-21T00:00:00Z.')
    return date
  }
  if (kind === 'id' && !UUID.test(text))
    throw malformed('/filter', 'list.value', `${field} is an id; ${text} is none.`, 'Send the id as it was read.')
  return text
}

function condition(text: string, fields: Fields): Condition {
  const [field = '', operator = '', ...rest] = text.split(':')
  if (rest.length === 0 || !OPERATORS.includes(operator))
    throw malformed(
      ...(['/filter', 'list.filter', `${text} is no filter.`] as const),
      `Write field:op:value, with op one of ${OPERATORS.join(', ')}.`,
    )
  if (!Object.hasOwn(fields, field))
    throw malformed('/filter', 'list.field', `There is no field ${field} to filter by.`, `Use one of ${names(fields)}.`)
  return { field, operator: operator as Operator, value: readValue(field, rest.join(':'), fields) }
}

function place(cursor: string): Place {
  try {
    const [key, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    const known = key === null || typeof key === 'string' || typeof key === 'number'
    if (known && typeof id === 'string') return { key, id }
  } catch {
    // Refused below, as everything that is no cursor.
  }
  throw malformed('/cursor', 'list.cursor', 'This is no cursor of ours.', 'Send `next` of the page before, or none.')
}

/** Reads a list query against the fields that the list has. Throws `Refusal` (`malformed`) that names what can be used. */
export function readList(input: ListInput, fields: Fields): ListRequest {
  const { filter = [], sort, limit, cursor } = input
  const filters = typeof filter === 'string' ? [filter] : filter
  const sorted = sort?.replace(/^-/, '')
  if (sorted !== undefined && !Object.hasOwn(fields, sorted))
    throw malformed('/sort', 'list.field', `There is no field ${sorted} to sort by.`, `Use one of ${names(fields)}.`)
  return {
    conditions: filters.map((text) => condition(text, fields)),
    limit,
    ...(sort !== undefined && { sort }),
    ...(cursor !== undefined && { after: place(cursor) }),
  }
}
