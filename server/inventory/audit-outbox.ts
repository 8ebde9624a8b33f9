import type { Checkpoint } from '#server/identity/audit/checkpoint.ts'
import type { CheckpointStore } from '#server/identity/audit/checkpoints.ts'
import type { LinkedLine } from '#server/identity/audit/line.ts'
import type { ShippingSource } from '#server/identity/audit/shipping/shipper.ts'
import type { Database } from './database.ts'

const UNSIGNED = `SELECT c.chain, c.sequence::float8 AS sequence, c.hash FROM audit_chain c
  WHERE c.sequence > coalesce((SELECT max(p.sequence) FROM audit_checkpoint p WHERE p.chain = c.chain), 0) ORDER BY c.chain`

const LINES = `SELECT chain, sequence::float8 AS sequence, hash, (extract(epoch FROM at) * 1000)::float8 AS at_ms, actor,
    actor_id AS "actorId", provider, address, action, outcome, reason, subject, tenant_id AS "tenantId",
    change_id AS "changeId", detail, before::text AS before, after::text AS after
  FROM audit WHERE chain = $1 AND sequence > $2 ORDER BY sequence LIMIT $3`

const CHECKPOINTS = `SELECT id::float8 AS id, chain, sequence::float8 AS sequence, hash, signature, key_id AS "keyId",
    (extract(epoch FROM at) * 1000)::float8 AS at_ms FROM audit_checkpoint WHERE id > $1 ORDER BY id LIMIT $2`

/** What the engine signs of the audit log, and sends to the outside. */
export function auditOutbox({ engine }: Pick<Database, 'engine'>): CheckpointStore & ShippingSource {
  return {
    async unsigned() {
      const { rows } = await engine.query<{ chain: string; sequence: number; hash: Buffer }>(UNSIGNED)
      return rows
    },
    async keep(checkpoints) {
      const rows = checkpoints.map(({ chain, sequence, hash, at_ms, keyId, signature }) => ({
        ...{ chain, sequence, hash: hash.toString('hex'), at: new Date(at_ms).toISOString(), key_id: keyId },
        signature: signature.toString('hex'),
      }))
      await engine.query(
        `INSERT INTO audit_checkpoint (chain, tenant_id, sequence, hash, at, key_id, signature)
         SELECT k.chain, c.tenant_id, k.sequence, decode(k.hash, 'hex'), k.at, k.key_id, decode(k.signature, 'hex')
         FROM json_to_recordset($1::json) AS k(chain text, sequence bigint, hash text, at timestamptz, key_id uuid, signature text)
         JOIN audit_chain c ON c.chain = k.chain ORDER BY k.chain`,
        [JSON.stringify(rows)],
      )
    },
    async ends() {
      const { rows } = await engine.query<{ chain: string; sequence: number }>(
        'SELECT chain, sequence::float8 AS sequence FROM audit_chain ORDER BY chain',
      )
      return new Map(rows.map(({ chain, sequence }) => [chain, sequence]))
    },
    async lines(chain, after, limit) {
      const { rows } = await engine.query<LinkedLine>(LINES, [chain, after, limit])
      return rows
    },
    async checkpoints(after, limit) {
      const { rows } = await engine.query<Checkpoint & { id: number }>(CHECKPOINTS, [after, limit])
      return rows
    },
  }
}
