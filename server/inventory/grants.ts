import type { Grant } from '#server/engine/change/journal.ts'
import { type GrantStore, GrantTaken } from '#server/engine/change/ports.ts'
import type { Database, EngineTransaction } from './database.ts'

const columns = (grants: readonly Grant[]) => [
  grants.map((grant) => grant.pool),
  grants.map((grant) => grant.number),
  grants.map((grant) => grant.key),
]

const ROWS = 'unnest($1::text[], $2::bigint[], $3::text[]) AS wanted (pool, number, key)'

/** Takes numbers for a change that is not committed yet. Throws `GrantTaken` when another key has one, or a key another number. */
export async function claimGrants(tx: EngineTransaction, change: string, grants: readonly Grant[]): Promise<void> {
  if (grants.length === 0) return
  const wanted = columns(grants)
  await tx.query(
    `INSERT INTO number_grant (pool, number, key) SELECT pool, number, key FROM ${ROWS} ORDER BY pool, number
     ON CONFLICT DO NOTHING`,
    wanted,
  )
  // Locked in one order, so that two changes with the same keys cannot wait for each other.
  const held = await tx.query(
    `SELECT g.key FROM number_grant g JOIN ${ROWS} USING (pool, number, key) ORDER BY pool, number FOR UPDATE OF g`,
    wanted,
  )
  if (held.rowCount !== grants.length) throw new GrantTaken('Another draft was granted one of the numbers.')
  await tx.query(
    `INSERT INTO number_grant_claim (key, change_id) SELECT key, $2 FROM unnest($1::text[]) AS key ON CONFLICT DO NOTHING`,
    [grants.map((grant) => grant.key), change],
  )
}

/** Numbers that nobody committed and no draft counts on any more are free again. */
export async function dropClaims(tx: EngineTransaction, change: string): Promise<void> {
  await tx.query(
    `WITH dropped AS (DELETE FROM number_grant_claim WHERE change_id = $1 RETURNING key)
     DELETE FROM number_grant g USING dropped WHERE g.key = dropped.key AND NOT g.committed
       AND NOT EXISTS (SELECT FROM number_grant_claim c WHERE c.key = g.key AND c.change_id <> $1)`,
    [change],
  )
}

/** The numbers of a committed change become its keys' own; released ones are free unless a draft counts on them. */
export async function commitGrants(
  tx: EngineTransaction,
  change: string,
  granted: readonly Grant[],
  released: readonly string[],
): Promise<void> {
  await claimGrants(tx, change, granted)
  await tx.query('UPDATE number_grant SET committed = true WHERE key = ANY($1)', [granted.map((grant) => grant.key)])
  await tx.query('UPDATE number_grant SET committed = false WHERE key = ANY($1)', [released])
  await dropClaims(tx, change)
  await tx.query(
    `DELETE FROM number_grant g WHERE g.key = ANY($1) AND NOT g.committed
       AND NOT EXISTS (SELECT FROM number_grant_claim c WHERE c.key = g.key)`,
    [released],
  )
}

/** Numbers that were granted, kept in the database. */
export function grantStore(database: Database): GrantStore {
  return {
    async granted() {
      const { rows } = await database.engine.query<{ key: string; pool: string; number: string }>(
        'SELECT key, pool, number FROM number_grant ORDER BY key',
      )
      return rows.map(({ key, pool, number }) => ({ key, pool, number: Number(number) }))
    },
    reserve: (change, grants) => database.asEngine((tx) => claimGrants(tx, change, grants)),
  }
}
