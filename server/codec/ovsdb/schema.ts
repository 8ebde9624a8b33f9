import { err, ok, type Result } from '#server/kernel/result.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import type { Atom, Row, Value } from './value.ts'

export interface Column {
  /** It may hold more than one atom or pair: `update2` then says what differs, and otherwise the new value. */
  readonly several: boolean
  /** Its value in a row that says nothing of it (RFC 7047, section 5.2.1). */
  readonly initial: Value
}

/** The part of a database schema (RFC 7047, section 3.2) that a client needs. */
export interface Schema {
  readonly name: string
  readonly version: string
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, Column>>
}

const ZERO: Readonly<Record<string, Atom>> = {
  integer: 0,
  real: 0,
  boolean: false,
  string: '',
  uuid: { uuid: '00000000-0000-0000-0000-000000000000' },
}

/** The zero of a base type, which is its name or an object that names it. */
function zeroOf(base: Json | undefined): Atom | undefined {
  const name = isObject(base) ? base.type : base
  return typeof name === 'string' ? ZERO[name] : undefined
}

function decodeColumn(type: Json | undefined): Column | undefined {
  const zero = isObject(type) ? zeroOf(type.key) : zeroOf(type)
  if (zero === undefined) return undefined
  if (!isObject(type)) return { several: false, initial: zero }
  const { min = 1, max = 1 } = type
  const several = max !== 1
  if (type.value !== undefined) return { several, initial: new Map() }
  // The initial value of an optional column is the empty set.
  return { several, initial: min === 0 ? [] : zero }
}

function decodeColumns(table: JsonObject): Result<ReadonlyMap<string, Column>, string> {
  if (!isObject(table.columns)) return err('a table has no columns')
  const columns = new Map<string, Column>()
  for (const [name, json] of Object.entries(table.columns)) {
    const column = isObject(json) ? decodeColumn(json.type) : undefined
    if (column === undefined) return err(`column ${name} has no type`)
    columns.set(name, column)
  }
  return ok(columns)
}

/** Reads the answer to `get_schema` (section 4.1.2). */
export function decodeSchema(json: Json): Result<Schema, string> {
  if (!isObject(json) || !isObject(json.tables) || typeof json.name !== 'string') return err('not a database schema')
  const tables = new Map<string, ReadonlyMap<string, Column>>()
  for (const [name, table] of Object.entries(json.tables)) {
    const columns: Result<ReadonlyMap<string, Column>, string> = isObject(table)
      ? decodeColumns(table)
      : err('not a table')
    if (!columns.ok) return err(`table ${name}: ${columns.error}`)
    tables.set(name, columns.value)
  }
  return ok({ name: json.name, version: typeof json.version === 'string' ? json.version : '', tables })
}

/** A row with all of the columns named: those that it leaves out have their initial value. */
export function completeRow(schema: Schema, table: string, columns: readonly string[], row: Row): Row {
  const known = schema.tables.get(table)
  const value = (column: string): Value => row[column] ?? known?.get(column)?.initial ?? []
  return Object.fromEntries(columns.map((column) => [column, value(column)]))
}
