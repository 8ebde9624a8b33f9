import { err, ok, type Result } from '#server/kernel/result.ts'
import { isArray, isObject, type Json, type JsonObject } from './json.ts'
import { decodeRow, encodeRow, encodeValue, type Row, type Value } from './value.ts'

/** RFC 7047, section 5.1: `[column, function, value]`. */
export type Condition = readonly [
  column: string,
  is: '<' | '<=' | '==' | '!=' | '>=' | '>' | 'includes' | 'excludes',
  value: Value,
]
/** RFC 7047, section 5.1: `[column, mutator, value]`. */
export type Mutation = readonly [
  column: string,
  mutator: '+=' | '-=' | '*=' | '/=' | '%=' | 'insert' | 'delete',
  value: Value,
]

/** The operations of RFC 7047, section 5.2. */
export type Operation =
  | { readonly op: 'insert'; readonly table: string; readonly row: Row; readonly uuidName?: string }
  | {
      readonly op: 'select'
      readonly table: string
      readonly where: readonly Condition[]
      readonly columns?: readonly string[]
    }
  | { readonly op: 'update'; readonly table: string; readonly where: readonly Condition[]; readonly row: Row }
  | {
      readonly op: 'mutate'
      readonly table: string
      readonly where: readonly Condition[]
      readonly mutations: readonly Mutation[]
    }
  | { readonly op: 'delete'; readonly table: string; readonly where: readonly Condition[] }
  | {
      readonly op: 'wait'
      readonly table: string
      readonly where: readonly Condition[]
      readonly columns: readonly string[]
      readonly until: '==' | '!='
      readonly rows: readonly Row[]
      /** How long the server may wait for it; 0: it must hold now. */
      readonly timeout_ms: number
    }
  | { readonly op: 'commit'; readonly durable: boolean }
  | { readonly op: 'abort' }
  | { readonly op: 'comment'; readonly comment: string }
  | { readonly op: 'assert'; readonly lock: string }

const encodeWhere = (where: readonly Condition[]): Json =>
  where.map(([column, is, value]) => [column, is, encodeValue(value)])

function encodeInsert(operation: Extract<Operation, { op: 'insert' }>): JsonObject {
  const { op, table, row, uuidName } = operation
  return { op, table, row: encodeRow(row), ...(uuidName === undefined ? {} : { 'uuid-name': uuidName }) }
}

function encodeWait(operation: Extract<Operation, { op: 'wait' }>): JsonObject {
  const { op, table, where, columns, until, rows, timeout_ms } = operation
  return { op, table, where: encodeWhere(where), columns, until, rows: rows.map(encodeRow), timeout: timeout_ms }
}

/** Writes an operation as it stands in the parameters of `transact`. */
export function encodeOperation(operation: Operation): JsonObject {
  switch (operation.op) {
    case 'insert':
      return encodeInsert(operation)
    case 'select': {
      const { op, table, where, columns } = operation
      return { op, table, where: encodeWhere(where), ...(columns === undefined ? {} : { columns }) }
    }
    case 'update':
      return { ...operation, where: encodeWhere(operation.where), row: encodeRow(operation.row) }
    case 'mutate': {
      const mutations = operation.mutations.map(([column, mutator, value]) => [column, mutator, encodeValue(value)])
      return { ...operation, where: encodeWhere(operation.where), mutations }
    }
    case 'delete':
      return { ...operation, where: encodeWhere(operation.where) }
    case 'wait':
      return encodeWait(operation)
    default:
      return { ...operation }
  }
}

/** What one operation did: rows selected, rows touched, the id of the row inserted. Empty for the others. */
export interface Outcome {
  readonly rows?: readonly Row[]
  readonly count?: number
  readonly uuid?: string
}

/** Why a transaction failed: the error that RFC 7047 names, the operation (by place) it belongs to, and the server's words. */
export interface Refusal {
  readonly error: string
  readonly details: string
  /** Undefined when the transaction as a whole failed at commit. */
  readonly operation: number | undefined
}

function decodeOutcome(json: JsonObject): Result<Outcome, string> {
  if (isArray(json.rows)) {
    const rows: Row[] = []
    for (const one of json.rows) {
      const row = decodeRow(one)
      if (!row.ok) return row
      rows.push(row.value)
    }
    return ok({ rows })
  }
  if (typeof json.count === 'number') return ok({ count: json.count })
  if (isArray(json.uuid) && json.uuid[0] === 'uuid' && typeof json.uuid[1] === 'string')
    return ok({ uuid: json.uuid[1] })
  return ok({})
}

function decodeRefusal(json: JsonObject, place: number, operations: number): Refusal {
  return {
    error: String(json.error),
    details: typeof json.details === 'string' ? json.details : '',
    operation: place < operations ? place : undefined,
  }
}

/**
 * Reads the answer to a transaction of so many operations (RFC 7047, section 4.1.3): all outcomes, or why none of them
 * took effect. `err` is an answer that breaks the protocol.
 */
export function decodeOutcomes(
  json: Json,
  operations: number,
): Result<{ readonly outcomes: readonly Outcome[] } | { readonly refusal: Refusal }, string> {
  if (!isArray(json)) return err('the answer to a transaction is not an array')
  const outcomes: Outcome[] = []
  for (const [place, one] of json.entries()) {
    if (!isObject(one)) return err(`outcome ${place} is not an object`)
    if (typeof one.error === 'string') return ok({ refusal: decodeRefusal(one, place, operations) })
    const outcome = decodeOutcome(one)
    if (!outcome.ok) return err(`outcome ${place}: ${outcome.error}`)
    outcomes.push(outcome.value)
  }
  if (outcomes.length !== operations) return err(`${outcomes.length} outcomes for ${operations} operations`)
  return ok({ outcomes })
}
