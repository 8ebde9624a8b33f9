import { v7 as uuidv7 } from 'uuid'
import type { IntentRow } from '#server/engine/capability.ts'
import type { IntentEdit, IntentSnapshot, IntentSource } from '#server/engine/change/ports.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import { type EditRow, engineEdit, reservedUntil } from './changes.ts'
import type { Database, EngineTransaction } from './database.ts'
import { readInfrastructure } from './facts.ts'

/** Rows of each kind as their capability models them, with the edits of a change laid over. Sorted by kind and id. */
const ROWS = `SELECT 'network' AS kind, id, jsonb_build_object('tenantId', tenant_id, 'name', name, 'vni', vni, 'mtu', mtu) AS value FROM network_in($1)
  UNION ALL SELECT 'port', id, jsonb_build_object('networkId', network_id, 'name', name, 'attachmentId', attachment_id, 'mac', mac,
    'addresses', to_jsonb(addresses), 'vlan', vlan) FROM port_in($1)
  UNION ALL SELECT 'subnet', id, jsonb_build_object('networkId', network_id, 'prefix', prefix, 'gateway', gateway) FROM subnet_in($1)
  ORDER BY 1, 2`

async function snapshot(tx: EngineTransaction, change: string | undefined): Promise<IntentSnapshot> {
  const revision = await tx.query<{ revision: string }>('SELECT revision FROM intent_revision')
  const rows = await tx.query<IntentRow>(ROWS, [change ?? null])
  const infrastructure = await readInfrastructure(tx)
  return { revision: BigInt(revision.rows[0]?.revision ?? 0), rows: rows.rows, facts: { infrastructure } }
}

const operationOf = (edit: IntentEdit): EditRow['operation'] => {
  if (edit.before === undefined) return 'create'
  return edit.after === undefined ? 'delete' : 'update'
}

/** The tenant of an object: its own, or that of the network that it is in, be that committed or brought back beside it. */
async function tenantOf(tx: EngineTransaction, edit: IntentEdit, edits: readonly IntentEdit[]): Promise<string> {
  const value = (edit.after ?? edit.before) as { tenantId?: string; networkId?: string }
  if (value.tenantId) return value.tenantId
  const beside = edits.find((other) => other.kind === 'network' && other.id === value.networkId)
  const tenant = ((beside?.after ?? beside?.before) as { tenantId?: string } | undefined)?.tenantId
  if (tenant) return tenant
  const { rows } = await tx.query<{ tenant_id: string }>('SELECT tenant_id FROM network WHERE id = $1', [
    value.networkId,
  ])
  if (!rows[0]) throw gone(`The network of ${edit.kind} ${edit.id} is no longer there.`)
  return rows[0].tenant_id
}

const gone = (message: string): Refusal =>
  new Refusal('conflict', message, [
    { pointer: '', rule: 'change.rollback', message, mend: 'Make by hand what can still be made.' },
  ])

async function writeEdit(tx: EngineTransaction, change: string, edit: IntentEdit, tenantId: string): Promise<void> {
  const { rows } = await tx.query<{ revision: number }>(
    'SELECT revision FROM intent_object WHERE kind = $1 AND id = $2',
    [edit.kind, edit.id],
  )
  const base = rows[0]?.revision ?? null
  const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value))
  await tx.query(
    `INSERT INTO change_edit (change_id, kind, object_id, tenant_id, operation, base_revision, revision, before, after)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      change,
      edit.kind,
      edit.id,
      tenantId,
      operationOf(edit),
      base,
      (base ?? 0) + 1,
      json(edit.before),
      json(edit.after),
    ],
  )
  const vni = (edit.after as { vni?: number } | undefined)?.vni
  if (edit.kind !== 'network' || edit.before !== undefined || vni === undefined) return
  const taken = await tx.query<{ holder: string | null }>('SELECT take_vni($1, $2, $3, $4) AS holder', [
    ...[vni, edit.id, tenantId, change],
  ])
  if (taken.rows[0]?.holder) throw gone(`VNI ${vni} was given to another network since.`)
}

/** Intent as rows of the database. */
export function intentSource(database: Database): IntentSource {
  return {
    snapshot: (change) => database.asEngine((tx) => snapshot(tx, change), 'snapshot'),
    async edits(change) {
      const { rows } = await database.engine.query<EditRow>(
        `SELECT kind, object_id AS id, operation, before, after FROM change_edit WHERE change_id = $1 ORDER BY kind, object_id`,
        [change],
      )
      return rows.map(engineEdit)
    },
    draftRollback: (rollbackOf, edits, actor) =>
      database.asEngine(async (tx) => {
        const id = uuidv7()
        await tx.query(
          `INSERT INTO change (id, title, tenant_id, actor, rollback_of, reserved_until)
           SELECT $1, 'Roll back C-' || number, tenant_id, $3, id, $4 FROM change WHERE id = $2`,
          [id, rollbackOf, actor, reservedUntil()],
        )
        for (const edit of edits) await writeEdit(tx, id, edit, await tenantOf(tx, edit, edits))
        return id
      }),
  }
}
