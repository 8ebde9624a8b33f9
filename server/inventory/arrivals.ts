import { createHash } from 'node:crypto'
import type { ArrivalStore, EndedSessions, KeptArrival } from '#server/identity/federation/arrival-ports.ts'
import type { Database } from './database.ts'

interface Row extends Omit<KeptArrival, 'account' | 'proved' | 'unsolicited' | 'expiresAt_ms'> {
  readonly accountId: string
  readonly name: string
  readonly displayName: string
  readonly tenantId: string | null
  readonly content: Pick<KeptArrival, 'proved' | 'unsolicited'>
  readonly expiresAt: Date
}

const arrivalOf = ({ accountId, name, displayName, tenantId, content, expiresAt, ...row }: Row): KeptArrival => ({
  ...{ ...row, ...content, account: { id: accountId, name, displayName, tenantId } },
  expiresAt_ms: expiresAt.getTime(),
})

/** People at the door, kept in the database: of parallel answers one gets through. */
export function arrivalStore({ engine }: Database): ArrivalStore {
  return {
    async insert({ hash, providerId, account, browserHash, proved, unsolicited, expiresAt_ms }) {
      await engine.query(
        `INSERT INTO arrival (hash, provider_id, account_id, browser_hash, content, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)`,
        [
          ...[hash, providerId, account.id, browserHash, JSON.stringify({ proved, unsolicited })],
          new Date(expiresAt_ms),
        ],
      )
    },
    async find(hash, now_ms) {
      const { rows } = await engine.query<Row>(
        `SELECT r.hash, r.provider_id AS "providerId", r.browser_hash AS "browserHash", r.content, r.expires_at AS "expiresAt",
           a.id AS "accountId", a.name, a.display_name AS "displayName", a.tenant_id AS "tenantId"
         FROM arrival r JOIN account a ON a.id = r.account_id WHERE r.hash = $1 AND r.expires_at > $2`,
        [hash, new Date(now_ms)],
      )
      return rows[0] && arrivalOf(rows[0])
    },
    async take(hash, now_ms) {
      const { rowCount } = await engine.query('DELETE FROM arrival WHERE hash = $1 AND expires_at > $2', [
        ...[hash, new Date(now_ms)],
      ])
      return rowCount === 1
    },
    async forget(providerId, { subject, sid }) {
      const { rowCount } = await engine.query(
        `DELETE FROM arrival WHERE provider_id = $1
           AND ($2::text IS NULL OR content #>> '{proved,known,subject}' = $2)
           AND ($3::text IS NULL OR content #>> '{proved,known,sid}' = $3) AND num_nonnulls($2, $3) > 0`,
        [providerId, subject ?? null, sid ?? null],
      )
      return rowCount ?? 0
    },
  }
}

const hashOf = (nameKey: string) => createHash('sha256').update(nameKey).digest('hex')

/** Sessions that SAML providers ended a moment ago. */
export function endedSessions({ engine }: Database): EndedSessions {
  return {
    async end(providerId, nameKey, indices, at_ms, expiresAt_ms) {
      await engine.query(
        `INSERT INTO ended_at_provider (provider_id, name_hash, session_index, ended_at, expires_at)
         SELECT $1, $2, named.one, $4, $5 FROM (SELECT DISTINCT unnest($3::text[]) AS one) named
         ON CONFLICT (provider_id, name_hash, session_index) DO UPDATE
           SET ended_at = greatest(ended_at_provider.ended_at, excluded.ended_at),
             expires_at = greatest(ended_at_provider.expires_at, excluded.expires_at)`,
        [
          ...[providerId, hashOf(nameKey), indices.length === 0 ? [''] : indices],
          ...[new Date(at_ms), new Date(expiresAt_ms)],
        ],
      )
    },
    async hasEnded(providerId, nameKey, { sessionIndex, authnInstant_ms }, now_ms) {
      const { rowCount } = await engine.query(
        `SELECT 1 FROM ended_at_provider WHERE provider_id = $1 AND name_hash = $2 AND expires_at > $5
           AND CASE session_index WHEN '' THEN ended_at >= $4 ELSE session_index = $3 END LIMIT 1`,
        [providerId, hashOf(nameKey), sessionIndex, new Date(authnInstant_ms), new Date(now_ms)],
      )
      return (rowCount ?? 0) > 0
    },
  }
}
