import type { OidcSession, OidcSessionStore } from '#server/identity/federation/oidc-ports.ts'
import type { Database } from './database.ts'

const SESSION = `session_hash AS "sessionHash", provider_id AS "providerId", subject, sid, id_token AS "idToken"`

/** What OpenID Connect providers know sessions by, kept with the sessions. */
export function oidcSessionStore({ engine }: Database): OidcSessionStore {
  return {
    async insert({ sessionHash, providerId, subject, sid, idToken }) {
      await engine.query(
        'INSERT INTO oidc_session (session_hash, provider_id, subject, sid, id_token) VALUES ($1, $2, $3, $4, $5)',
        [sessionHash, providerId, subject, sid, idToken],
      )
    },
    async ofSession(sessionHash) {
      const { rows } = await engine.query<OidcSession>(`SELECT ${SESSION} FROM oidc_session WHERE session_hash = $1`, [
        sessionHash,
      ])
      return rows[0]
    },
    async find(providerId, { subject, sid }) {
      // Neither would be everybody.
      if (subject === undefined && sid === undefined) return []
      const { rows } = await engine.query<OidcSession>(
        `SELECT ${SESSION} FROM oidc_session WHERE provider_id = $1 AND ($2::text IS NULL OR subject = $2)
           AND ($3::text IS NULL OR sid = $3)`,
        [providerId, subject ?? null, sid ?? null],
      )
      return rows
    },
  }
}
