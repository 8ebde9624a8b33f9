import {
  completeRow,
  decodeSchema,
  decodeUpdates,
  encodeWatch,
  type RowUpdate,
  type Schema,
  type Watch,
} from '#server/codec/ovsdb/index.ts'
import type { Mirror, RowChange } from './mirror.ts'
import type { Session } from './session.ts'
import { DATABASE } from './transaction.ts'

/** Names our one monitor in the server's notifications. */
const MONITOR = 'weft'

async function readSchema(session: Session, watch: Watch): Promise<Schema> {
  const schema = decodeSchema(await session.call('get_schema', [DATABASE]))
  if (!schema.ok) throw new Error(schema.error)
  for (const [table, columns] of Object.entries(watch)) {
    const known = schema.value.tables.get(table)
    const missing = columns.filter((column) => !known?.has(column))
    if (missing.length > 0) throw new Error(`its table ${table} has no ${missing.join(', ')}`)
  }
  return schema.value
}

/** Table updates with whole rows: the server leaves columns out that have their initial value. */
function rowUpdates(json: Parameters<typeof decodeUpdates>[0], schema: Schema, watch: Watch): RowUpdate[] {
  const updates = decodeUpdates(json)
  if (!updates.ok) throw new Error(updates.error)
  return updates.value.map((update) => {
    if (update.type === 'delete' || update.type === 'modify') return update
    return { ...update, row: completeRow(schema, update.table, watch[update.table] ?? [], update.row) }
  })
}

/**
 * Makes a mirror follow a session's database (`monitor_cond`): resolves with how it differs from what was held once all
 * rows are there; later changes go to `moved`. An update that makes no sense closes the session.
 */
export async function follow(
  session: Session,
  watch: Watch,
  mirror: Mirror,
  moved: (changes: readonly RowChange[]) => void,
): Promise<RowChange[]> {
  const schema = await readSchema(session, watch)
  // Updates can stand in the same bytes as the first answer, before that has been taken over.
  let early: RowUpdate[][] | undefined = []
  session.hear((method, params) => {
    if (method !== 'update2' || params[0] !== MONITOR) return
    const updates = rowUpdates(params[1], schema, watch)
    if (early) early.push(updates)
    else moved(mirror.apply(updates, schema))
  })
  const answer = await session.call('monitor_cond', [DATABASE, MONITOR, encodeWatch(watch)])
  const first = rowUpdates(answer, schema, watch)
  const changes = mirror.replace(first)
  for (const updates of early) changes.push(...mirror.apply(updates, schema))
  early = undefined
  return changes
}
