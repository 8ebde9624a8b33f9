import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'

/** The key that Prisma's own engine locks, so that both kept from migrating at once. */
const LOCK = 72707369

const TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ, "migration_name" VARCHAR(255) NOT NULL, "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ, "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0)`

interface Applied {
  migration_name: string
  checksum: string
  done: boolean
}

async function apply(db: pg.Client, name: string, sql: Buffer, checksum: string): Promise<void> {
  await db.query('BEGIN')
  try {
    await db.query(sql.toString('utf8'))
    await db.query(
      `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), checksum, name],
    )
    await db.query('COMMIT')
  } catch (error) {
    await db.query('ROLLBACK')
    throw new Error(`Migration ${name} failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

/**
 * Applies the migrations of `folder` that the database lacks, in the order of their names, each in a transaction of its own;
 * answers their names. One process at a time. Throws when a migration was edited after it was applied.
 */
export async function migrate(ownerUrl: string, folder: string): Promise<string[]> {
  const db = new pg.Client({ connectionString: ownerUrl })
  await db.connect()
  try {
    await db.query('SELECT pg_advisory_lock($1)', [LOCK])
    await db.query(TABLE)
    const { rows } = await db.query<Applied>(
      `SELECT migration_name, checksum, finished_at IS NOT NULL AS done FROM "_prisma_migrations" WHERE rolled_back_at IS NULL`,
    )
    const seen = new Map(rows.map((row) => [row.migration_name, row]))
    const entries = await readdir(folder, { withFileTypes: true })
    const applied: string[] = []
    for (const name of entries.flatMap((e) => (e.isDirectory() ? [e.name] : [])).sort()) {
      const sql = await readFile(join(folder, name, 'migration.sql'))
      const checksum = createHash('sha256').update(sql).digest('hex')
      const old = seen.get(name)
      if (old && !old.done) throw new Error(`Migration ${name} failed earlier.`)
      if (old && old.checksum !== checksum) throw new Error(`Migration ${name} was edited after it was applied.`)
      if (old) continue
      await apply(db, name, sql, checksum)
      applied.push(name)
    }
    return applied
  } finally {
    await db.end()
  }
}
