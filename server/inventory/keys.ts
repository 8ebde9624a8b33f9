import type { KeyStore, StoredKey } from '#server/keys/ports.ts'
import { type Database, isUniqueViolation } from './database.ts'

const KEYS = `SELECT id, purpose, algorithm, state, certificate, public_key AS "publicKey", wrapped, wrapped_by AS "wrappedBy",
  token_label AS "tokenLabel", created_at AS "createdAt", not_after AS "notAfter", retired_at AS "retiredAt" FROM key`

/** Keys, kept in the database: their private halves wrapped, or in the token. */
export function keyStore(database: Database): KeyStore {
  const { engine } = database
  return {
    all: async () => (await engine.query<StoredKey>(`${KEYS} ORDER BY created_at DESC, id DESC`)).rows,
    async insert(key) {
      const { id, purpose, algorithm, state, certificate, publicKey, wrapped, wrappedBy, tokenLabel } = key
      const values = [id, purpose, algorithm, state, certificate, publicKey, wrapped, wrappedBy, tokenLabel]
      try {
        await engine.query(
          `INSERT INTO key (id, purpose, algorithm, state, certificate, public_key, wrapped, wrapped_by, token_label, created_at, not_after)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
          [...values, key.createdAt, key.notAfter],
        )
        return true
      } catch (error) {
        if (isUniqueViolation(error)) return false
        throw error
      }
    },
    promote: (id, retiresAt) =>
      database.asEngine(async (tx) => {
        const { rows } = await tx.query<{ purpose: string }>(
          "SELECT purpose FROM key WHERE id = $1 AND state = 'next' FOR UPDATE",
          [id],
        )
        if (!rows[0]) return false
        await tx.query("UPDATE key SET state = 'retiring', retired_at = $2 WHERE purpose = $1 AND state = 'active'", [
          rows[0].purpose,
          retiresAt,
        ])
        await tx.query("UPDATE key SET state = 'active' WHERE id = $1", [id])
        return true
      }),
    async retire(id, at) {
      const { rowCount } = await engine.query(
        `UPDATE key SET state = 'retired', retired_at = $2, wrapped = NULL, wrapped_by = NULL, token_label = NULL
         WHERE id = $1 AND state <> 'active'`,
        [id, at],
      )
      return rowCount === 1
    },
    rewrap: (keys) =>
      database.asEngine(async (tx) => {
        for (const { id, wrapped, wrappedBy } of keys)
          await tx.query('UPDATE key SET wrapped = $2, wrapped_by = $3 WHERE id = $1 AND wrapped IS NOT NULL', [
            ...[id, wrapped, wrappedBy],
          ])
      }),
    async addUses(uses) {
      // Keys that were removed meanwhile have no use log any more.
      await engine.query(
        `INSERT INTO key_use (key_id, day, operation, count)
         SELECT u.key_id, u.day, u.operation, u.count FROM unnest($1::uuid[], $2::date[], $3::text[], $4::bigint[])
           AS u(key_id, day, operation, count) JOIN key k ON k.id = u.key_id
         ON CONFLICT (key_id, day, operation) DO UPDATE SET count = key_use.count + excluded.count`,
        [
          uses.map(({ keyId }) => keyId),
          uses.map(({ day }) => day),
          uses.map(({ operation }) => operation),
          uses.map(({ count }) => count),
        ],
      )
    },
    async uses() {
      const { rows } = await engine.query<{ id: string; count: number }>(
        'SELECT key_id AS id, sum(count)::float8 AS count FROM key_use GROUP BY key_id',
      )
      return new Map(rows.map(({ id, count }) => [id, count]))
    },
  }
}
