import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterEach, expect, test } from 'vitest'
import { prepareDatabase } from '#server/supervisor/database.ts'
import { type Postgres, startPostgres } from '#server/supervisor/postgres.ts'

const folders: string[] = []
const servers: Postgres[] = []
const options = () => {
  const home = mkdtempSync(path.join(tmpdir(), 'weft-pg-'))
  folders.push(home)
  return { data: path.join(home, 'data'), run: path.join(home, 'run') }
}
const start = async (given: ReturnType<typeof options>) => {
  const server = await startPostgres(given)
  servers.push(server)
  return server
}
const one = async (url: string, sql: string): Promise<unknown> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return Object.values((await client.query(sql)).rows[0] ?? {})[0]
  } finally {
    await client.end()
  }
}
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

test('it listens on a UNIX socket alone and keeps its data', async () => {
  const given = options()
  const first = await start(given)
  expect(await one(first.url('postgres', 'postgres'), 'SHOW listen_addresses')).toBe('')
  await one(first.url('postgres', 'postgres'), 'CREATE TABLE kept (n int)')
  await first.stop()
  const second = await start(given)
  expect(await one(second.url('postgres', 'postgres'), 'SELECT count(*)::int FROM kept')).toBe(0)
}, 30_000)

test('after SIGKILL it starts again, and the answer comes from the new server', async () => {
  const given = options()
  const killed = await start(given)
  process.kill(killed.pid, 'SIGKILL')
  const next = await start(given)
  expect(next.pid).not.toBe(killed.pid)
  expect(Number(readFileSync(`${given.data}/postmaster.pid`, 'utf8').split('\n')[0])).toBe(next.pid)
}, 30_000)

test('the roles exist, bypass no row-level security, and are made once', async () => {
  const server = await start(options())
  const admin = server.url('postgres', 'postgres')
  await prepareDatabase(admin, { embedded: true })
  await prepareDatabase(admin, { embedded: true })
  const bypass = `SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles
    WHERE rolname LIKE 'weft_%' AND rolcanlogin AND NOT rolbypassrls AND NOT rolsuper`
  expect(await one(admin, bypass)).toBe('weft_app,weft_engine,weft_owner')
  expect(await one(server.url('weft_owner', 'weft'), 'SELECT current_user')).toBe('weft_owner')
}, 30_000)
