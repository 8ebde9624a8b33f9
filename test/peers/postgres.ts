import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Database, openDatabase } from '#server/inventory/database.ts'
import { migrate } from '#server/inventory/migrate.ts'
import { prepareDatabase } from '#server/supervisor/database.ts'
import { startPostgres } from '#server/supervisor/postgres.ts'

export interface TestDatabase extends Database {
  /** A connection string for one of the roles. */
  url(role: 'weft_owner' | 'weft_app' | 'weft_engine'): string
}

/** A migrated database in a PostgreSQL of its own, in a temporary folder that goes with `close`. */
export async function startTestDatabase(): Promise<TestDatabase> {
  const home = mkdtempSync(path.join(tmpdir(), 'weft-pg-'))
  const postgres = await startPostgres({ data: path.join(home, 'data'), run: path.join(home, 'run') })
  await prepareDatabase(postgres.url('postgres', 'postgres'), { embedded: true })
  const url: TestDatabase['url'] = (role) => postgres.url(role, 'weft')
  await migrate(url('weft_owner'), path.resolve(import.meta.dirname, '../../prisma/migrations'))
  const database = openDatabase({ app: url('weft_app'), engine: url('weft_engine') })
  return {
    ...database,
    url,
    async close() {
      await database.close()
      await postgres.stop()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
