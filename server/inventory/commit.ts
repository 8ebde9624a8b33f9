import { IntentMoved } from '#server/engine/change/journal.ts'
import type { EngineTransaction } from './database.ts'

/** Edits that do not start from what is committed now. */
const MOVED = `SELECT e.kind, e.object_id FROM change_edit e
  LEFT JOIN intent_object r ON r.kind = e.kind AND r.id = e.object_id
  WHERE e.change_id = $1 AND r.revision IS DISTINCT FROM e.base_revision`

const OF = (kind: string) => `FROM change_edit e WHERE e.change_id = $1 AND e.kind = '${kind}' AND e.after IS NOT NULL`

/** Uniqueness and references are checked when the transaction ends, so the order of rows does not matter. */
const STEPS = [
  ...['port', 'subnet', 'network'].map(
    (kind) =>
      `DELETE FROM ${kind} o USING change_edit e WHERE e.change_id = $1 AND e.kind = '${kind}' AND e.object_id = o.id AND e.after IS NULL`,
  ),
  `INSERT INTO network (id, tenant_id, name, vni, mtu, revision)
   SELECT e.object_id, e.tenant_id, e.after->>'name', (e.after->>'vni')::int, (e.after->>'mtu')::int, e.revision ${OF('network')}
   ON CONFLICT (id) DO UPDATE SET name = excluded.name, vni = excluded.vni, mtu = excluded.mtu, revision = excluded.revision`,
  `INSERT INTO subnet (id, tenant_id, network_id, prefix, gateway, revision)
   SELECT e.object_id, e.tenant_id, (e.after->>'networkId')::uuid, e.after->>'prefix', e.after->>'gateway', e.revision ${OF('subnet')}
   ON CONFLICT (id) DO UPDATE SET prefix = excluded.prefix, gateway = excluded.gateway, revision = excluded.revision`,
  `INSERT INTO port (id, tenant_id, network_id, name, attachment_id, mac, addresses, vlan, revision)
   SELECT e.object_id, e.tenant_id, (e.after->>'networkId')::uuid, e.after->>'name', (e.after->>'attachmentId')::uuid, e.after->>'mac',
     ARRAY(SELECT jsonb_array_elements_text(e.after->'addresses')), (e.after->>'vlan')::int, e.revision ${OF('port')}
   ON CONFLICT (id) DO UPDATE SET network_id = excluded.network_id, name = excluded.name, attachment_id = excluded.attachment_id,
     mac = excluded.mac, addresses = excluded.addresses, vlan = excluded.vlan, revision = excluded.revision`,
  `DELETE FROM vni_reservation v USING change_edit e
   WHERE e.change_id = $1 AND e.kind = 'network' AND e.after IS NULL AND v.network_id = e.object_id`,
  'UPDATE vni_reservation SET change_id = NULL WHERE change_id = $1',
]

const isUnique = (error: unknown): boolean => (error as { code?: unknown }).code === '23505'
const isReference = (error: unknown): boolean => (error as { code?: unknown }).code === '23503'

/**
 * Makes the edits of a change committed intent. Throws `IntentMoved` when a row is no longer as it was when it was edited,
 * or when another row came to stand in its place.
 */
export async function applyEdits(tx: EngineTransaction, change: string): Promise<void> {
  const moved = await tx.query<{ kind: string; object_id: string }>(MOVED, [change])
  const [first] = moved.rows
  if (first) throw new IntentMoved(`The ${first.kind} ${first.object_id} was changed since it was edited.`)
  try {
    for (const sql of STEPS) await tx.query(sql, [change])
    await tx.query('SET CONSTRAINTS ALL IMMEDIATE')
  } catch (error) {
    if (isUnique(error) || isReference(error))
      throw new IntentMoved(`Another change stands in the way: ${(error as Error).message}`)
    throw error
  }
}
