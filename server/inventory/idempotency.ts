import type { IdempotencyStore, StoredAnswer } from '#server/identity/ports.ts'
import type { Database } from './database.ts'

interface Row {
  fingerprint: string
  status: number | null
  headers: Record<string, string> | null
  body: string | null
}

/** Idempotency keys, kept in the database. */
export function idempotencyStore({ engine }: Database): IdempotencyStore {
  return {
    async claim(scope, key, fingerprint) {
      const claimed = await engine.query(
        'INSERT INTO idempotency_key (scope, key, fingerprint) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
        [scope, key, fingerprint],
      )
      if (claimed.rowCount) return 'new'
      const { rows } = await engine.query<Row>(
        'SELECT fingerprint, status, headers, body FROM idempotency_key WHERE scope = $1 AND key = $2',
        [scope, key],
      )
      const [row] = rows
      // It was released a moment ago: whoever asks again gets it.
      if (!row) return 'running'
      if (row.fingerprint !== fingerprint) return 'other'
      return row.status === null ? 'running' : { status: row.status, headers: row.headers ?? {}, body: row.body ?? '' }
    },
    async finish(scope, key, { status, headers, body }: StoredAnswer) {
      await engine.query(
        'UPDATE idempotency_key SET status = $3, headers = $4, body = $5 WHERE scope = $1 AND key = $2',
        [scope, key, status, JSON.stringify(headers), body],
      )
    },
    async release(scope, key) {
      await engine.query('DELETE FROM idempotency_key WHERE scope = $1 AND key = $2', [scope, key])
    },
    async prune(before_ms) {
      const { rowCount } = await engine.query('DELETE FROM idempotency_key WHERE claimed_at < $1', [
        new Date(before_ms),
      ])
      return rowCount ?? 0
    },
  }
}
