import type {
  ProviderDirectory,
  ProviderRecord,
  SamlSession,
  SamlSessionStore,
  SignInRequest,
  SignInRequestStore,
} from '#server/identity/federation/ports.ts'
import type { Database } from './database.ts'
import { PROVIDERS, type ProviderRow, providerOf } from './provider-rows.ts'

interface RequestRow extends Omit<SignInRequest, 'expiresAt_ms'> {
  readonly expiresAt: Date
}

const REQUEST = `id, provider_id AS "providerId", browser_hash AS "browserHash", purpose, return_to AS "returnTo",
  account_id AS "accountId", memory, expires_at AS "expiresAt"`

const requestOf = ({ expiresAt, ...row }: RequestRow): SignInRequest => ({ ...row, expiresAt_ms: expiresAt.getTime() })

/** Requests that wait for their answer, and messages that were seen, kept in the database: of parallel answers one gets through. */
export function signInRequestStore({ engine }: Database): SignInRequestStore {
  return {
    async insert({ id, providerId, browserHash, purpose, returnTo, accountId, memory, expiresAt_ms }) {
      await engine.query(
        `INSERT INTO sign_in_request (id, provider_id, browser_hash, purpose, return_to, account_id, memory, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [id, providerId, browserHash, purpose, returnTo, accountId, JSON.stringify(memory), new Date(expiresAt_ms)],
      )
    },
    async find(id, now_ms) {
      const { rows } = await engine.query<RequestRow>(
        `SELECT ${REQUEST} FROM sign_in_request WHERE id = $1 AND expires_at > $2`,
        [id, new Date(now_ms)],
      )
      return rows[0] && requestOf(rows[0])
    },
    async consume(id, providerId, now_ms) {
      const { rows } = await engine.query<RequestRow>(
        `DELETE FROM sign_in_request WHERE id = $1 AND provider_id = $2 AND expires_at > $3 RETURNING ${REQUEST}`,
        [id, providerId, new Date(now_ms)],
      )
      return rows[0] && requestOf(rows[0])
    },
    async firstTime(kind, senderId, messageId, expiresAt_ms) {
      const { rowCount } = await engine.query(
        `INSERT INTO seen_message (kind, sender_id, message_id, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
        [kind, senderId, messageId, new Date(expiresAt_ms)],
      )
      return rowCount === 1
    },
    async prune(now_ms) {
      const now = [new Date(now_ms)]
      const { rowCount } = await engine.query('DELETE FROM sign_in_request WHERE expires_at <= $1', now)
      for (const table of ['seen_message', 'console_request', 'arrival', 'ended_at_provider'])
        await engine.query(`DELETE FROM ${table} WHERE expires_at <= $1`, now)
      return rowCount ?? 0
    },
  }
}

interface SessionRow extends Omit<SamlSession, 'nameId' | 'authnInstant_ms'> {
  readonly value: string
  readonly format: string
  readonly nameQualifier: string
  readonly spNameQualifier: string
  readonly authnInstant: Date
}

const SESSION = `session_hash AS "sessionHash", provider_id AS "providerId", name_id AS value, name_id_format AS format,
  name_qualifier AS "nameQualifier", sp_name_qualifier AS "spNameQualifier", session_index AS "sessionIndex",
  authn_context AS "authnContext", authn_instant AS "authnInstant", authorities, proxy_count AS "proxyCount"`

const sessionOf = ({
  value,
  format,
  nameQualifier,
  spNameQualifier,
  authnInstant,
  ...row
}: SessionRow): SamlSession => ({
  ...row,
  nameId: { value, format, nameQualifier, spNameQualifier },
  authnInstant_ms: authnInstant.getTime(),
})

/** What SAML providers know sessions by, kept with the sessions. */
export function samlSessionStore({ engine }: Database): SamlSessionStore {
  return {
    async insert({ sessionHash, providerId, nameId, sessionIndex, authnContext, authnInstant_ms, ...proxying }) {
      const { value, format, nameQualifier, spNameQualifier } = nameId
      await engine.query(
        `INSERT INTO saml_session (session_hash, provider_id, name_id, name_id_format, name_qualifier, sp_name_qualifier,
           session_index, authn_context, authn_instant, authorities, proxy_count)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [
          ...[sessionHash, providerId, value, format, nameQualifier, spNameQualifier],
          ...[sessionIndex, authnContext, new Date(authnInstant_ms), proxying.authorities, proxying.proxyCount],
        ],
      )
    },
    async ofSession(sessionHash) {
      const { rows } = await engine.query<SessionRow>(`SELECT ${SESSION} FROM saml_session WHERE session_hash = $1`, [
        sessionHash,
      ])
      return rows[0] && sessionOf(rows[0])
    },
    async find(providerId, { value, format, nameQualifier, spNameQualifier }, indices) {
      const { rows } = await engine.query<SessionRow>(
        `SELECT ${SESSION} FROM saml_session WHERE provider_id = $1 AND name_id = $2 AND name_id_format = $3
           AND name_qualifier = $4 AND sp_name_qualifier = $5 AND (cardinality($6::text[]) = 0 OR session_index = ANY ($6))
         ORDER BY authn_instant`,
        [providerId, value, format, nameQualifier, spNameQualifier, indices],
      )
      return rows.map(sessionOf)
    },
  }
}

/** More than one installation has; nobody reads a longer list of them. */
const PROVIDERS_MAX = 1_000

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Identity providers as sign-in finds them: all of them, whoever asks. */
export function providerDirectory({ engine }: Database): ProviderDirectory {
  const find = async (where: string, values: readonly string[]): Promise<ProviderRecord[]> => {
    const { rows } = await engine.query<ProviderRow>(
      `SELECT * FROM (${PROVIDERS.text}) q WHERE ${where} ORDER BY q."displayName", q.name LIMIT ${PROVIDERS_MAX}`,
      [...values],
    )
    return rows.map(providerOf)
  }
  return {
    byId: async (id) => (UUID.test(id) ? (await find('q.id = $1', [id]))[0] : undefined),
    byName: async (name) => (await find('q.name = $1', [name]))[0],
    byIssuer: async (issuer) => (await find('q.issuer = $1', [issuer]))[0],
    offered: (by) =>
      'domain' in by
        ? find(`q.state = 'open' AND q."emailDomains" @> ARRAY[$1::text]`, [by.domain])
        : find(`q.state = 'open' AND q."tenantName" = $1`, [by.tenant]),
    all: () => find('true', []),
    ofOperators: () => find(`q.state = 'open' AND q."tenantId" IS NULL`, []),
  }
}
