import {
  applyDifference,
  type Row,
  type RowUpdate,
  type Schema,
  sameValue,
  type Value,
} from '#server/codec/ovsdb/index.ts'

export type Table = ReadonlyMap<string, Row>

/** One row that is not as it was: appeared (no `before`), went (no `after`), or changed. */
export interface RowChange {
  readonly table: string
  readonly uuid: string
  readonly before: Row | undefined
  readonly after: Row | undefined
}

/** A copy in memory of the watched rows of a database. */
export interface Mirror {
  /** A table's rows by their id; empty for a table that is not watched. */
  table(name: string): Table
  /** Applies what `update2` says. Throws when it does not fit what is held: then only reading all again helps. */
  apply(updates: readonly RowUpdate[], schema: Schema): RowChange[]
  /** Takes the whole of the watched tables, and answers how that differs from what was held. */
  replace(updates: readonly RowUpdate[]): RowChange[]
}

const EMPTY: Table = new Map()

function modified(before: Row, update: Extract<RowUpdate, { row: Row }>, schema: Schema): Row {
  const columns = schema.tables.get(update.table)
  const values = Object.entries(update.row).map(([column, value]): [string, Value] => {
    return [column, columns?.get(column)?.several ? applyDifference(before[column], value) : value]
  })
  return Object.freeze({ ...before, ...Object.fromEntries(values) })
}

const sameRow = (one: Row, two: Row): boolean => {
  const columns = Object.keys(two)
  return columns.length === Object.keys(one).length && columns.every((column) => sameValue(one[column], two[column]))
}

type Tables = Map<string, Map<string, Row>>

function set(tables: Tables, table: string, uuid: string, row: Row | undefined): void {
  const rows = tables.get(table) ?? new Map<string, Row>()
  tables.set(table, rows)
  if (row) rows.set(uuid, row)
  else rows.delete(uuid)
}

/** Starts with nothing. */
export function createMirror(): Mirror {
  let tables: Tables = new Map()
  const held = (table: string, uuid: string) => tables.get(table)?.get(uuid)
  const after = (update: RowUpdate, before: Row | undefined, schema: Schema): Row | undefined => {
    if (update.type === 'delete') return undefined
    if (update.type !== 'modify') return Object.freeze(update.row)
    if (!before) throw new Error(`a row of ${update.table} was modified that nobody had announced`)
    return modified(before, update, schema)
  }
  return {
    table: (name) => tables.get(name) ?? EMPTY,
    apply: (updates, schema) =>
      updates.map((update) => {
        const before = held(update.table, update.uuid)
        const row = after(update, before, schema)
        set(tables, update.table, update.uuid, row)
        return { table: update.table, uuid: update.uuid, before, after: row }
      }),
    replace: (updates) => {
      const old = tables
      tables = new Map()
      const changes: RowChange[] = []
      for (const update of updates) {
        if (update.type === 'delete') continue
        const before = old.get(update.table)?.get(update.uuid)
        const row = before && sameRow(before, update.row) ? before : Object.freeze(update.row)
        set(tables, update.table, update.uuid, row)
        if (row !== before) changes.push({ table: update.table, uuid: update.uuid, before, after: row })
      }
      for (const [table, rows] of old)
        for (const [uuid, before] of rows)
          if (!held(table, uuid)) changes.push({ table, uuid, before, after: undefined })
      return changes
    },
  }
}
