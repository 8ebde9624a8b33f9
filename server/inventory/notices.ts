import type { NewNotice, NoticeStore, StoredNotice } from '#server/identity/notices/ports.ts'
import { type Database, EVERYTHING, type Transaction } from './database.ts'
import { Prisma } from './generated/client.ts'
import { readList } from './list.ts'
import { type Fields, pageOf } from './page.ts'

const NOTICE_FIELDS: Fields = {
  id: 'id',
  kind: 'text',
  state: 'text',
  times: 'number',
  firstAt: 'time',
  lastAt: 'time',
}

/** The statement by which whoever changes something of an account tells its person, in the same transaction. */
export const ADD_NOTICE = 'SELECT add_notice($1, $2)'

const NOTICES = Prisma.sql`SELECT n.id, n.kind, n.what, n.by, n.addresses, n.methods, n.ends_at AS "endsAt", n.times, n.first_at AS "firstAt",
    n.last_at AS "lastAt", CASE WHEN n.read_at IS NULL THEN 'unread' ELSE 'read' END AS state
  FROM notice n`

/** Of tries by name those are told whose name it is here; providers' people have other doors. */
const ADD_TRIES = `SELECT add_notice(a.id, t - 'whose') FROM jsonb_array_elements($1::jsonb) AS t CROSS JOIN LATERAL (
    SELECT id FROM account WHERE id = (t->'whose'->>'id')::uuid
    UNION ALL SELECT id FROM account WHERE provider_id IS NULL AND name = t->'whose'->>'name') a`

const SIGNED_IN = `WITH before AS (SELECT max(last_at) AS at FROM known_browser WHERE account_id = $1),
  seen AS (INSERT INTO known_browser AS k (account_id, agent, network, first_at, last_at) VALUES ($1, $2, $3, $4, $4)
    ON CONFLICT (account_id, agent, network) DO UPDATE SET last_at = greatest(k.last_at, excluded.last_at)
    RETURNING xmax = 0 AS "isNew")
  SELECT seen."isNew", before.at AS before FROM before, seen`

/** So many places of an account are known; the ones that it was not at for longest are forgotten. */
const FORGET_PLACES = `DELETE FROM known_browser WHERE account_id = $1 AND (agent, network) IN (
  SELECT agent, network FROM known_browser WHERE account_id = $1 ORDER BY last_at DESC OFFSET 50)`

// One that was made for less time than that has been known to end all along.
const ADD_ENDING = `SELECT add_notice(k.account_id, jsonb_build_object('kind', 'token.ends', 'subject', k.id || '/' || d.days, 'what', k.name,
    'ends', k.expires_at))
  FROM api_token k JOIN account a ON a.id = k.account_id AND a.state = 'active'
  CROSS JOIN LATERAL (SELECT min(days) AS days FROM unnest($1::int[]) AS days WHERE k.expires_at <= $2::timestamptz + make_interval(days => days)) d
  WHERE k.expires_at > $2::timestamptz AND k.created_at < k.expires_at - make_interval(days => d.days)
    AND NOT EXISTS (SELECT FROM notice n WHERE n.account_id = k.account_id AND n.kind = 'token.ends' AND n.subject = k.id || '/' || d.days)`

/** In the transaction in which a provider, or SCIM, says that somebody is called otherwise: before it is written. */
export async function addDetailsNotice(
  tx: Transaction,
  accountId: string,
  { displayName, email }: { readonly displayName: string; readonly email: string | null },
  by: string,
): Promise<void> {
  await tx.$executeRaw`SELECT add_notice(a.id, jsonb_build_object('kind', 'account.details', 'by', ${by}::text, 'what',
      concat_ws(' and ', CASE WHEN a.display_name IS DISTINCT FROM ${displayName} THEN 'name' END,
        CASE WHEN a.email IS DISTINCT FROM ${email} THEN 'e-mail address' END)))
    FROM account a WHERE a.id = ${accountId}::uuid AND (a.display_name, a.email) IS DISTINCT FROM (${displayName}, ${email}::text)`
}

/** What people are told. One's own are read in a transaction that sees nobody else's. */
export function noticeStore(database: Database): NoticeStore {
  const { engine } = database
  const own = <T>(accountId: string, work: (tx: Transaction) => Promise<T>) =>
    database.inScope(EVERYTHING, async (tx) => {
      await tx.$queryRaw`SELECT set_config('weft.account', ${accountId}, true)`
      return work(tx)
    })
  return {
    async add(accountId, notice: NewNotice) {
      await engine.query(ADD_NOTICE, [accountId, notice])
    },
    async addTries(tries) {
      const said = tries.map(({ first_ms, last_ms, ...rest }) => ({
        ...rest,
        ...{ first: new Date(first_ms), last: new Date(last_ms) },
      }))
      await engine.query(ADD_TRIES, [JSON.stringify(said)])
    },
    async signedIn(accountId, { agent, network }, now_ms) {
      const values = [accountId, agent, network, new Date(now_ms)]
      const { rows } = await engine.query<{ isNew: boolean; before: Date | null }>(SIGNED_IN, values)
      const { isNew = false, before = null } = rows[0] ?? {}
      if (isNew) await engine.query(FORGET_PLACES, [accountId])
      return { isNew, before_ms: before?.getTime() ?? null }
    },
    async addEnding(days, now_ms) {
      await engine.query(ADD_ENDING, [days, new Date(now_ms)])
    },
    async list(accountId, query) {
      const request = readList(query, NOTICE_FIELDS)
      const sort = request.sort ?? '-lastAt'
      const page = await own(accountId, (tx) => pageOf<StoredNotice>(tx, NOTICES, NOTICE_FIELDS, { ...request, sort }))
      return { items: page.items, next: page.next }
    },
    read: (accountId, id, until) =>
      own(
        accountId,
        (tx) => tx.$executeRaw`UPDATE notice SET read_at = now() WHERE read_at IS NULL
          AND (${id ?? null}::uuid IS NULL OR id = ${id ?? null}::uuid)
          AND (${until ?? null}::timestamptz IS NULL OR last_at <= ${until ?? null}::timestamptz)`,
      ),
    async prune(readBefore_ms) {
      const { rowCount } = await engine.query('DELETE FROM notice WHERE read_at < $1', [new Date(readBefore_ms)])
      return rowCount ?? 0
    },
  }
}
