import { randomBytes } from 'node:crypto'
import type {
  ConsoleRequest,
  ConsoleRequestStore,
  ConsoleSession,
  ConsoleSessionStore,
  Membership,
} from '#server/identity/federation/console-ports.ts'
import type { Database } from './database.ts'

interface RequestRow extends Omit<ConsoleRequest, 'expiresAt_ms'> {
  readonly expiresAt: Date
}

const REQUEST = `id, service_provider_id AS "consoleId", browser_hash AS "browserHash", asked, sent,
  session_hash AS "sessionHash", expires_at AS "expiresAt"`

const requestOf = ({ expiresAt, ...row }: RequestRow): ConsoleRequest => ({ ...row, expiresAt_ms: expiresAt.getTime() })

/** Sign-ins that consoles wait for, kept in the database: each is answered once. */
export function consoleRequestStore({ engine }: Database): ConsoleRequestStore {
  const one = async (sql: string, id: string, now_ms: number) => {
    const { rows } = await engine.query<RequestRow>(sql, [id, new Date(now_ms)])
    return rows[0] && requestOf(rows[0])
  }
  return {
    async insert({ id, consoleId, browserHash, asked, expiresAt_ms }) {
      await engine.query(
        `INSERT INTO console_request (id, service_provider_id, browser_hash, asked, expires_at) VALUES ($1, $2, $3, $4, $5)`,
        [id, consoleId, browserHash, JSON.stringify(asked), new Date(expiresAt_ms)],
      )
    },
    find: (id, now_ms) => one(`SELECT ${REQUEST} FROM console_request WHERE id = $1 AND expires_at > $2`, id, now_ms),
    async send(id, sessionHash) {
      await engine.query('UPDATE console_request SET sent = sent + 1, session_hash = $2 WHERE id = $1', [
        id,
        sessionHash,
      ])
    },
    consume: (id, now_ms) =>
      one(`DELETE FROM console_request WHERE id = $1 AND expires_at > $2 RETURNING ${REQUEST}`, id, now_ms),
  }
}

/** 160 bits of chance, which say nothing of anybody. */
const byChance = () => `_${randomBytes(20).toString('hex')}`

interface SessionRow extends Omit<ConsoleSession, 'createdAt_ms'> {
  readonly createdAt: Date
}

/** What consoles know people by, and the consoles that a session has signed in to. */
export function consoleSessionStore({ engine }: Database): ConsoleSessionStore {
  return {
    async nameOf(consoleId, accountId) {
      const { rows } = await engine.query<{ name: string }>(
        'SELECT name_id AS name FROM pairwise_name WHERE service_provider_id = $1 AND account_id = $2',
        [consoleId, accountId],
      )
      return rows[0]?.name
    },
    async giveName(consoleId, accountId) {
      // The update changes nothing: it is what makes a row that is there already come back.
      const { rows } = await engine.query<{ name: string }>(
        `INSERT INTO pairwise_name (service_provider_id, account_id, name_id) VALUES ($1, $2, $3)
         ON CONFLICT (service_provider_id, account_id) DO UPDATE SET name_id = pairwise_name.name_id RETURNING name_id AS name`,
        [consoleId, accountId, byChance()],
      )
      return rows[0]?.name ?? ''
    },
    async remember(sessionHash, consoleId, nameId) {
      const { rows } = await engine.query<{ index: string }>(
        `INSERT INTO console_session (session_hash, service_provider_id, name_id, session_index) VALUES ($1, $2, $3, $4)
         ON CONFLICT (session_hash, service_provider_id) DO UPDATE SET created_at = now() RETURNING session_index AS index`,
        [sessionHash, consoleId, nameId, byChance()],
      )
      return rows[0]?.index ?? ''
    },
    async ofSession(sessionHash) {
      const { rows } = await engine.query<SessionRow>(
        `SELECT service_provider_id AS "consoleId", name_id AS "nameId", session_index AS "sessionIndex", created_at AS "createdAt"
         FROM console_session WHERE session_hash = $1 ORDER BY created_at`,
        [sessionHash],
      )
      return rows.map(({ createdAt, ...row }) => ({ ...row, createdAt_ms: createdAt.getTime() }))
    },
    async follow(sessionHash, by) {
      await engine.query(
        `UPDATE console_session c SET session_hash = n.hash FROM session o JOIN session n ON n.account_id = o.account_id
         WHERE c.session_hash = o.hash AND o.hash = $1 AND n.hash = $2
           AND NOT EXISTS (SELECT FROM console_session h WHERE h.session_hash = n.hash
             AND h.service_provider_id = c.service_provider_id)`,
        [sessionHash, by],
      )
    },
    async memberships(accountId) {
      const { rows } = await engine.query<Membership>(
        `SELECT g.name, g.tenant_id AS "tenantId" FROM group_member m JOIN user_group g ON g.id = m.group_id
         WHERE m.account_id = $1 ORDER BY g.name`,
        [accountId],
      )
      return rows
    },
  }
}
