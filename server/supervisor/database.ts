import pg from 'pg'

/** The roles that Weft signs in as. What each may do is said by the migrations; here they only come to exist. */
const ROLES = [
  // Owns the tables; migrations alone run as it.
  'weft_owner',
  // People's requests: row-level security confines it to a tenant.
  'weft_app',
  // The change engine and its jobs: policies of its own let it see all tenants.
  'weft_engine',
] as const

async function query(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

const missing = async (client: pg.Client, sql: string, value: string) =>
  (await client.query(sql, [value])).rowCount === 0

async function createRoles(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ user: string; superuser: boolean }>(
    'SELECT current_user AS user, rolsuper AS superuser FROM pg_roles WHERE rolname = current_user',
  )
  for (const role of ROLES) {
    if (await missing(client, 'SELECT 1 FROM pg_roles WHERE rolname = $1', role))
      await client.query(`CREATE ROLE ${role} LOGIN NOSUPERUSER NOBYPASSRLS`)
    // A login that is no superuser steps down to the roles, so it must be a member of each.
    if (rows[0]?.superuser === false) await client.query(`GRANT ${role} TO ${pg.escapeIdentifier(rows[0].user)}`)
  }
}

/**
 * Makes the roles and, in the embedded PostgreSQL, the database `weft`; does nothing where they are there already.
 * An external database is made by whoever runs it and only has to let its login create roles.
 */
export async function prepareDatabase(admin: string, { embedded }: { embedded: boolean }): Promise<void> {
  await query(admin, async (client) => {
    await createRoles(client)
    if (!embedded) {
      await client.query('GRANT CREATE, USAGE ON SCHEMA public TO weft_owner')
      return
    }
    if (await missing(client, 'SELECT 1 FROM pg_database WHERE datname = $1', 'weft'))
      await client.query('CREATE DATABASE weft OWNER weft_owner')
  })
}
