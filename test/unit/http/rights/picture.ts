import type { TestDatabase } from '#test/peers/postgres.ts'

/**
 * What moves by itself, or is nobody's: logs of what was asked, keys of the installation, the engine's own records, numbers.
 * Everything else is compared.
 */
const PASSED_OVER: readonly string[] = [
  ...['_prisma_migrations', 'audit', 'audit_chain', 'audit_checkpoint', 'decision', 'idempotency_key', 'alert'],
  ...['intent_revision', 'journal', 'journal_part', 'program', 'change_pending', 'provenance', 'number_grant'],
  ...['number_grant_claim', 'key', 'key_use', 'webauthn_challenge', 'sign_in_request', 'seen_message', 'logout_run'],
]

/** Moved by signing in, or by failing to, and by nothing that is asked for then. */
const MOMENTS = '{failed_at,signed_in_at}'

/** Which rows are not those of the tenant, nor of the accounts: by the columns that a table has. */
function strange(columns: readonly string[]): string {
  const own = [
    ...(columns.includes('tenant_id') ? ['t.tenant_id IS NOT DISTINCT FROM $1'] : []),
    ...(columns.includes('account_id')
      ? ['t.account_id = ANY ($2)', 't.account_id IN (SELECT id FROM account WHERE tenant_id = $1)']
      : []),
    ...(columns.includes('group_id') ? ['t.group_id IN (SELECT id FROM user_group WHERE tenant_id = $1)'] : []),
    ...(columns.includes('session_hash')
      ? ['t.session_hash IN (SELECT hash FROM session WHERE account_id = ANY ($2))']
      : []),
  ]
  // Asked of every table, so that both parameters are in every statement.
  return ['$1::uuid IS NULL AND $2::uuid[] IS NULL', ...own].map((one) => `(${one}) IS NOT TRUE`).join(' AND ')
}

/** One statement for all tables: it is asked a thousand times. */
async function statementOf(database: TestDatabase): Promise<string> {
  const { rows: tables } = await database.engine.query<{ name: string; columns: string[] }>(
    `SELECT c.table_name AS name, array_agg(c.column_name::text) AS columns FROM information_schema.columns c
     JOIN pg_tables p ON p.schemaname = 'public' AND p.tablename = c.table_name
     WHERE c.table_schema = 'public' AND c.table_name <> ALL ($1) GROUP BY c.table_name ORDER BY c.table_name`,
    [PASSED_OVER],
  )
  const hashes = tables.map(
    ({ name, columns }) =>
      `SELECT '${name}' AS name, count(*) || ' ' || md5(coalesce(string_agg(r::text, E'\\n' ORDER BY r::text), '')) AS hash
       FROM (SELECT to_jsonb(t) - '${MOMENTS}'::text[] AS r FROM "${name}" t WHERE ${strange(columns)}) q`,
  )
  return hashes.join('\nUNION ALL\n')
}
const statements = new WeakMap<TestDatabase, Promise<string>>()

/**
 * A hash of each table without the rows of one tenant and of some accounts: what these could have changed of others' shows
 * in it.
 */
export async function pictureOf(
  database: TestDatabase,
  tenantId: string | null,
  accounts: readonly string[],
): Promise<Record<string, string>> {
  const statement = statements.get(database) ?? statementOf(database)
  statements.set(database, statement)
  const { rows } = await database.engine.query<{ name: string; hash: string }>(await statement, [
    tenantId ?? '019ab000-0000-7000-8000-ffffffffffff',
    accounts,
  ])
  return Object.fromEntries(rows.map(({ name, hash }) => [name, hash]))
}
