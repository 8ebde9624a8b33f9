import { err, ok, type Result } from '#server/kernel/result.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { decodeRow, type Row } from './value.ts'

/** Which columns of which tables are watched. */
export type Watch = Readonly<Record<string, readonly string[]>>

/** What happened to one row, as `update2` says it (ovsdb-server(7), section 4.1.14). */
export type RowUpdate =
  | { readonly type: 'initial' | 'insert' | 'modify'; readonly table: string; readonly uuid: string; readonly row: Row }
  | { readonly type: 'delete'; readonly table: string; readonly uuid: string }

/** The parameter of `monitor_cond` (section 4.1.12): every row of the tables, these columns. */
export const encodeWatch = (watch: Watch): JsonObject =>
  Object.fromEntries(Object.entries(watch).map(([table, columns]) => [table, [{ columns, where: [true] }]]))

const KINDS = ['initial', 'insert', 'modify'] as const

function decodeUpdate(table: string, uuid: string, json: Json): Result<RowUpdate, string> {
  if (!isObject(json)) return err(`table ${table}: an update is not an object`)
  for (const type of KINDS) {
    if (json[type] === undefined) continue
    const row = decodeRow(json[type])
    return row.ok ? ok({ type, table, uuid, row: row.value }) : err(`table ${table}: ${row.error}`)
  }
  return 'delete' in json ? ok({ type: 'delete', table, uuid }) : err(`table ${table}: an update of no kind`)
}

/** Reads table updates: the answer to `monitor_cond`, and the second parameter of `update2`. */
export function decodeUpdates(json: Json | undefined): Result<RowUpdate[], string> {
  if (!isObject(json)) return err('table updates are not an object')
  const updates: RowUpdate[] = []
  for (const [table, rows] of Object.entries(json)) {
    if (!isObject(rows)) return err(`updates of table ${table} are not an object`)
    for (const [uuid, one] of Object.entries(rows)) {
      const update = decodeUpdate(table, uuid, one)
      if (!update.ok) return update
      updates.push(update.value)
    }
  }
  return ok(updates)
}
