import pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import { RECOVERY_ACTION } from '#server/identity/break-glass.ts'
import type { NewNotice } from '#server/identity/notices/ports.ts'
import { appendAudit } from './audit-chain.ts'
import { ADD_NOTICE } from './notices.ts'

export interface Recovery {
  /** The account's name; made where there is none. */
  readonly name: string
  readonly passwordHash: string
  /** When it ends, unless its person has changed it. */
  readonly passwordEndsAt: Date
  /** Takes its passkeys and second factor away. */
  readonly withoutFactors: boolean
  /** Who does so, as the host knows them. */
  readonly by: string
}

export interface Recovered {
  readonly made: boolean
  readonly sessions: number
  /** What is still asked for beside the password. */
  readonly codes: boolean
  readonly passkeys: number
}

const count = async (tx: pg.Client, sql: string, id: string): Promise<number> =>
  (await tx.query(sql, [id])).rowCount ?? 0

/** The account's id; an account of a tenant is nobody's operator. */
async function restore(
  tx: pg.Client,
  { name, passwordHash, passwordEndsAt }: Recovery,
): Promise<{ id: string; made: boolean }> {
  const { rows } = await tx.query<{ id: string; tenant_id: string | null }>(
    'SELECT id, tenant_id FROM account WHERE name = $1 AND provider_id IS NULL FOR UPDATE',
    [name],
  )
  const [held] = rows
  if (!held) {
    const id = uuidv7()
    await tx.query(
      `INSERT INTO account (id, name, display_name, password_hash, password_ends_at, break_glass)
       VALUES ($1, $2, $2, $3, $4, true)`,
      [id, name, passwordHash, passwordEndsAt],
    )
    return { id, made: true }
  }
  if (held.tenant_id !== null) throw new Error(`${name} is an account of a tenant: name another one by --account`)
  await tx.query(
    `UPDATE account SET password_hash = $2, password_ends_at = $3, state = 'active', break_glass = true, revision = revision + 1
     WHERE id = $1`,
    [held.id, passwordHash, passwordEndsAt],
  )
  return { id: held.id, made: false }
}

async function recoverIn(tx: pg.Client, recovery: Recovery): Promise<Recovered> {
  const { name, withoutFactors, by } = recovery
  const { id, made } = await restore(tx, recovery)
  await tx.query(
    `INSERT INTO role_binding (id, account_id, builtin) SELECT $2, $1, 'operator' WHERE NOT EXISTS (SELECT 1 FROM role_binding
       WHERE account_id = $1 AND builtin = 'operator' AND tenant_id IS NULL AND site_id IS NULL AND "from" = '{}'
         AND hours IS NULL)`,
    [id, uuidv7()],
  )
  const sessions = await count(tx, 'DELETE FROM session WHERE account_id = $1', id)
  const tokens = await count(tx, 'DELETE FROM api_token WHERE account_id = $1', id)
  if (withoutFactors) {
    await tx.query('DELETE FROM totp WHERE account_id = $1', [id])
    await tx.query('DELETE FROM passkey WHERE account_id = $1', [id])
  }
  const codes = await count(tx, 'SELECT 1 FROM totp WHERE account_id = $1 AND confirmed_at IS NOT NULL', id)
  const passkeys = await count(tx, 'SELECT 1 FROM passkey WHERE account_id = $1', id)
  const words = [
    `${by} ${made ? 'made' : 'recovered'} the operator ${name} on the host with a new password.`,
    `Sessions ended: ${sessions}; tokens: ${tokens}.`,
    ...(withoutFactors ? ['Passkeys and second factor removed.'] : []),
  ]
  await appendAudit(tx, [
    {
      ...{ actor: by, address: '', action: RECOVERY_ACTION, outcome: 'done', subject: `user/${id}` },
      ...{ tenantId: null, changeId: null, detail: words.join(' ') },
    },
  ])
  const what = withoutFactors
    ? 'It has a new password; its passkeys and second factor were removed.'
    : 'It has a new password.'
  await tx.query(ADD_NOTICE, [id, { kind: 'account.recovered', what, by } satisfies NewNotice])
  return { made, sessions, codes: codes > 0, passkeys }
}

/** Makes an account an operator who can sign in again, wholly or not at all. `url`: as the engine. */
export async function recoverOperator(url: string, recovery: Recovery): Promise<Recovered> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('BEGIN')
    const recovered = await recoverIn(client, recovery)
    await client.query('COMMIT')
    return recovered
  } finally {
    // What was not committed goes with the connection.
    await client.end()
  }
}
