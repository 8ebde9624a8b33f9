import type { PasskeyStore, StoredPasskey, TotpStore } from '#server/identity/credentials/ports.ts'
import type { Database } from './database.ts'

type Engine = Pick<Database, 'engine'>

/** Secrets of codes by time. Each account has one at most, and only its own person writes it. */
export function totpStore({ engine }: Engine): TotpStore {
  const changes = async (sql: string, values: unknown[]) => (await engine.query(sql, values)).rowCount === 1
  return {
    async find(accountId) {
      const { rows } = await engine.query<{ secret: Buffer; confirmed: boolean }>(
        'SELECT secret, confirmed_at IS NOT NULL AS confirmed FROM totp WHERE account_id = $1',
        [accountId],
      )
      return rows[0]
    },
    propose: (accountId, secret) =>
      changes(
        `INSERT INTO totp (account_id, secret) VALUES ($1, $2)
         ON CONFLICT (account_id) DO UPDATE SET secret = excluded.secret, last_step = 0 WHERE totp.confirmed_at IS NULL`,
        [accountId, secret],
      ),
    confirm: (accountId, step) =>
      changes(
        'UPDATE totp SET confirmed_at = now(), last_step = $2 WHERE account_id = $1 AND confirmed_at IS NULL AND last_step < $2',
        [accountId, step],
      ),
    use: (accountId, step) =>
      changes('UPDATE totp SET last_step = $2 WHERE account_id = $1 AND confirmed_at IS NOT NULL AND last_step < $2', [
        accountId,
        step,
      ]),
    remove: (accountId) => changes('DELETE FROM totp WHERE account_id = $1', [accountId]),
  }
}

interface PasskeyRow extends Omit<StoredPasskey, 'counter' | 'createdAt_ms' | 'usedAt_ms'> {
  readonly counter: string
  readonly createdAt: Date
  readonly usedAt: Date | null
}

const passkeyOf = ({ counter, createdAt, usedAt, ...row }: PasskeyRow): StoredPasskey => ({
  ...row,
  ...{ counter: Number(counter), createdAt_ms: createdAt.getTime(), usedAt_ms: usedAt?.getTime() ?? null },
})

const PASSKEYS = `SELECT id, account_id AS "accountId", name, public_key AS "publicKey", counter, transports,
  backed_up AS "backedUp", synced, created_at AS "createdAt", used_at AS "usedAt" FROM passkey`

/** Passkeys, and the challenges that wait for one. */
export function passkeyStore({ engine }: Engine): PasskeyStore {
  const changes = async (sql: string, values: unknown[]) => (await engine.query(sql, values)).rowCount === 1
  return {
    async ofAccount(accountId) {
      const sql = `${PASSKEYS} WHERE account_id = $1 ORDER BY created_at, id`
      return (await engine.query<PasskeyRow>(sql, [accountId])).rows.map(passkeyOf)
    },
    async find(id) {
      const [row] = (await engine.query<PasskeyRow>(`${PASSKEYS} WHERE id = $1`, [id])).rows
      return row && passkeyOf(row)
    },
    insert: ({ id, accountId, name, publicKey, counter, transports, backedUp, synced, createdAt_ms }) =>
      changes(
        `INSERT INTO passkey (id, account_id, name, public_key, counter, transports, backed_up, synced, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
        [id, accountId, name, publicKey, counter, transports, backedUp, synced, new Date(createdAt_ms)],
      ),
    // An authenticator that does not count says 0 each time.
    use: (id, counter, backedUp, at_ms) =>
      changes(
        `UPDATE passkey SET counter = $2, backed_up = $3, synced = synced OR $3, used_at = $4
         WHERE id = $1 AND (counter < $2 OR (counter = 0 AND $2::bigint = 0))`,
        [id, counter, backedUp, new Date(at_ms)],
      ),
    remove: (accountId, id) => changes('DELETE FROM passkey WHERE account_id = $1 AND id = $2', [accountId, id]),
    async putChallenge(challenge, purpose, accountId, expiresAt_ms) {
      const sql = 'INSERT INTO webauthn_challenge (challenge, purpose, account_id, expires_at) VALUES ($1, $2, $3, $4)'
      await engine.query(sql, [challenge, purpose, accountId, new Date(expiresAt_ms)])
    },
    async takeChallenge(challenge, purpose, now_ms) {
      const { rows } = await engine.query<{ accountId: string | null }>(
        `DELETE FROM webauthn_challenge WHERE challenge = $1 AND purpose = $2 AND expires_at > $3
         RETURNING account_id AS "accountId"`,
        [challenge, purpose, new Date(now_ms)],
      )
      return rows[0]
    },
    async prune(now_ms) {
      const { rowCount } = await engine.query('DELETE FROM webauthn_challenge WHERE expires_at <= $1', [
        new Date(now_ms),
      ])
      return rowCount ?? 0
    },
  }
}
