import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { ROOT } from '#server/config.ts'
import { type Database, openDatabase } from '#server/inventory/database.ts'
import { migrate } from '#server/inventory/migrate.ts'
import { prepareDatabase } from '#server/supervisor/database.ts'
import { startPostgres } from '#server/supervisor/postgres.ts'

export interface TestDatabase extends Database {
  /** A connection string for one of the roles. */
  url(role: 'weft_owner' | 'weft_app' | 'weft_engine'): string
}

const run = promisify(execFile)
const CACHE = path.join(ROOT, 'node_modules/.cache/weft-database')
const MIGRATIONS = path.join(ROOT, 'prisma/migrations')
/** What a migrated database follows from. */
const SOURCES = ['prisma/migrations/*/migration.sql', 'server/supervisor/{postgres,database}.ts', 'package-lock.json']
/** What a test writes outlives processes, but need not outlive the machine. */
const CARELESS = ['fsync', 'full_page_writes']

const newHome = () => mkdtempSync(path.join(tmpdir(), 'weft-pg-'))
const copy = (from: string, to: string) => run('cp', ['-a', '--reflink=auto', from, to])

function nameOfTemplate(): string {
  const hash = createHash('sha256')
  for (const file of globSync(SOURCES, { cwd: ROOT }).sort())
    hash.update(file).update(readFileSync(path.join(ROOT, file)))
  return hash.digest('hex').slice(0, 32)
}

async function makeCareless(admin: string): Promise<void> {
  const client = new pg.Client({ connectionString: admin })
  await client.connect()
  for (const setting of CARELESS) await client.query(`ALTER SYSTEM SET ${setting} = off`)
  await client.end()
}

/** Makes a folder of data with every migration applied; of several that do so at once, one stays. */
async function makeTemplate(template: string): Promise<void> {
  const home = newHome()
  const postgres = await startPostgres({ data: path.join(home, 'data'), run: path.join(home, 'run') })
  try {
    await prepareDatabase(postgres.url('postgres', 'postgres'), { embedded: true })
    await migrate(postgres.url('weft_owner', 'weft'), MIGRATIONS)
    await makeCareless(postgres.url('postgres', 'postgres'))
  } finally {
    await postgres.stop()
  }
  mkdirSync(CACHE, { recursive: true })
  for (const old of readdirSync(CACHE))
    if (!old.startsWith('new-')) rmSync(path.join(CACHE, old), { recursive: true, force: true })
  const made = mkdtempSync(path.join(CACHE, 'new-'))
  await copy(path.join(home, 'data'), path.join(made, 'data'))
  try {
    renameSync(made, template)
  } catch {
    rmSync(made, { recursive: true, force: true })
  }
  rmSync(home, { recursive: true, force: true })
}

/** A migrated database in a PostgreSQL of its own, in a temporary folder that goes with `close`. */
export async function startTestDatabase(): Promise<TestDatabase> {
  const template = path.join(CACHE, nameOfTemplate())
  if (!existsSync(template)) await makeTemplate(template)
  const home = newHome()
  await copy(path.join(template, 'data'), path.join(home, 'data'))
  const postgres = await startPostgres({ data: path.join(home, 'data'), run: path.join(home, 'run') })
  const url: TestDatabase['url'] = (role) => postgres.url(role, 'weft')
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
