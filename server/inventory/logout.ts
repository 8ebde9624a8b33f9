import { consoleName } from '#server/identity/federation/logout-names.ts'
import type {
  Known,
  LogoutRun,
  LogoutRunStore,
  LogoutSessions,
  SessionParts,
} from '#server/identity/federation/logout-ports.ts'
import type { Database } from './database.ts'

interface SessionRow {
  readonly hash: string
  readonly account: SessionParts['account']
  readonly provider: Known | null
  readonly openId: SessionParts['openId'] | null
  readonly consoles: readonly (Omit<Known, 'nameId'> & { readonly value: string; readonly entityId: string })[]
}

const SESSIONS = `SELECT s.hash, jsonb_build_object('id', a.id, 'name', a.name, 'tenantId', a.tenant_id) AS account,
    CASE WHEN m.session_hash IS NOT NULL THEN jsonb_build_object('id', p.id, 'displayName', p.display_name,
      'nameId', jsonb_build_object('value', m.name_id, 'format', m.name_id_format, 'nameQualifier', m.name_qualifier,
        'spNameQualifier', m.sp_name_qualifier),
      'sessionIndex', m.session_index) END AS provider,
    CASE WHEN p.protocol = 'oidc' THEN jsonb_build_object('id', p.id, 'displayName', p.display_name) END AS "openId",
    (SELECT coalesce(jsonb_agg(jsonb_build_object('id', v.id, 'displayName', v.display_name, 'entityId', v.entity_id,
        'value', c.name_id, 'sessionIndex', c.session_index) ORDER BY c.created_at), '[]')
      FROM console_session c JOIN service_provider v ON v.id = c.service_provider_id
      WHERE c.session_hash = s.hash) AS consoles
  FROM session s JOIN account a ON a.id = s.account_id
    LEFT JOIN saml_session m ON m.session_hash = s.hash LEFT JOIN identity_provider p ON p.id = coalesce(m.provider_id, s.provider_id)`

/** Sessions with everybody who takes part in them; `ownIdp`: what consoles know us by. */
export function logoutSessions({ engine }: Database, ownIdp: string): LogoutSessions {
  const find = async (where: string, values: readonly string[]): Promise<SessionParts[]> => {
    const { rows } = await engine.query<SessionRow>(`${SESSIONS} WHERE ${where} ORDER BY s.created_at`, [...values])
    return rows.map(({ hash, account, provider, openId, consoles }) => ({
      ...{ hash, account, provider: provider ?? undefined, openId: openId ?? undefined },
      consoles: consoles.map(({ value, entityId, ...known }) => ({
        ...known,
        nameId: consoleName(ownIdp, entityId, value),
      })),
    }))
  }
  return {
    byHash: async (hash) => (await find('s.hash = $1', [hash]))[0],
    ofProvider: (providerId, name) => find('m.provider_id = $1 AND m.name_id = $2', [providerId, name]),
    ofConsole: (consoleId, name) =>
      find(
        `s.hash IN (SELECT c.session_hash FROM console_session c WHERE c.service_provider_id = $1 AND c.name_id = $2)`,
        [consoleId, name],
      ),
  }
}

interface RunRow {
  readonly state: Omit<LogoutRun, 'expiresAt_ms'>
  readonly expiresAt: Date
}
const RUN = 'state, expires_at AS "expiresAt"'
const runOf = ({ state, expiresAt }: RunRow): LogoutRun => ({ ...state, expiresAt_ms: expiresAt.getTime() })

/** Logouts on their way, kept in the database: of two answers at once one goes on. */
export function logoutRunStore({ engine }: Database): LogoutRunStore {
  const find = async (where: string, value: string, now_ms: number): Promise<LogoutRun | undefined> => {
    const { rows } = await engine.query<RunRow>(
      `SELECT ${RUN} FROM logout_run WHERE ${where} = $1 AND expires_at > $2`,
      [value, new Date(now_ms)],
    )
    return rows[0] && runOf(rows[0])
  }
  const change = async (text: string, values: readonly string[]): Promise<boolean> =>
    (await engine.query(text, [...values])).rowCount === 1
  return {
    async insert({ expiresAt_ms, ...state }) {
      await engine.query('INSERT INTO logout_run (id, state, expires_at) VALUES ($1, $2, $3)', [
        ...[state.id, JSON.stringify(state), new Date(expiresAt_ms)],
      ])
    },
    find: (id, now_ms) => find('id', id, now_ms),
    findAsked: (requestId, now_ms) => find(`state->'asked'->>'requestId'`, requestId, now_ms),
    bind: (id, browserHash) =>
      change(
        `UPDATE logout_run SET state = jsonb_set(state, '{browserHash}', to_jsonb($2::text))
         WHERE id = $1 AND state->>'browserHash' IS NULL`,
        [id, browserHash],
      ),
    claim: (id, requestId) =>
      change(
        `UPDATE logout_run SET state = jsonb_set(state, '{asked}', 'null')
         WHERE id = $1 AND state->'asked'->>'requestId' = $2`,
        [id, requestId],
      ),
    async save({ expiresAt_ms: _, ...state }) {
      await engine.query('UPDATE logout_run SET state = $2 WHERE id = $1', [state.id, JSON.stringify(state)])
    },
    async takeExpired(now_ms) {
      const { rows } = await engine.query<RunRow>(`DELETE FROM logout_run WHERE expires_at <= $1 RETURNING ${RUN}`, [
        new Date(now_ms),
      ])
      return rows.map(runOf)
    },
  }
}
