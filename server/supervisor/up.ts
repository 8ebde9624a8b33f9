import { mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { get } from 'node:http'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, childEnvironment, configVariables, ROOT, secretVariables } from '#server/config.ts'
import { keptPasswords } from '#server/identity/first-operator.ts'
import { migrate } from '#server/inventory/migrate.ts'
import type { Lab } from '#server/lab/index.ts'
import { makeClient, makePages } from './build.ts'
import { startChild } from './child.ts'
import { prepareDatabase } from './database.ts'
import { labInventoryFile, startLab } from './demo.ts'
import { type Claim, claimInstance, sweepInstance } from './instance.ts'
import { checkPorts } from './ports.ts'
import { startPostgres } from './postgres.ts'
import { keepRunning, type Service } from './service.ts'

const LOG_BYTES = 16 * 1024 * 1024
const READY_MS = 60_000
/** A part that has been started so often before it answered will not answer. */
const STARTS_MAX = 3
const NODE = path.join(ROOT, 'node_modules/.bin/node')

type Log = (line: string) => void

/** What runs, in the order in which it was started; it is stopped the other way round. */
interface Stack {
  readonly claim: Claim
  readonly stops: { readonly name: string; readonly stop: () => Promise<void> }[]
}

/** Appends lines to a log file of the instance; one that has grown too long makes room. */
function logFile({ state }: Config, name: string): (line: string) => void {
  const folder = path.join(state, 'log')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = path.join(folder, `${name}.log`)
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES) renameSync(file, `${file}.old`)
  const handle = openSync(file, 'a', 0o600)
  return (line) => void writeSync(handle, `${line}\n`)
}

async function keep(
  stack: Stack,
  log: Log,
  name: string,
  start: Parameters<typeof keepRunning>[0]['start'],
): Promise<Service> {
  const service = await keepRunning({ name, start, log, onStart: ({ pid }) => stack.claim.note(name, pid) })
  stack.stops.push({ name, stop: service.stop })
  return service
}

/** PostgreSQL with its roles and all migrations; an external one only gets the latter two. */
async function startDatabase(stack: Stack, config: Config, log: Log): Promise<void> {
  const { embedded, admin, urls } = config.database
  if (embedded) {
    const options = { data: path.join(config.state, 'database'), run: config.run }
    await keep(stack, log, 'PostgreSQL', () => startPostgres(options))
  }
  await prepareDatabase(admin, { embedded })
  const applied = await migrate(urls.owner, path.join(ROOT, 'prisma/migrations'))
  if (applied.length > 0) log(`migrated: ${applied.join(', ')}`)
}

function startNode(
  config: Config,
  log: (line: string) => void,
  args: readonly string[],
  more: Record<string, string>,
  ends: { readonly stop_ms: number; readonly deathSignal: 'TERM' | 'KILL' },
) {
  const env = childEnvironment({ NODE_ENV: 'production', ...configVariables(config), ...more })
  return async () => {
    const { stop_ms, deathSignal } = ends
    const child = await startChild([NODE, ...args], { env, cwd: ROOT, deathSignal, line: log })
    // Its last words say why it ended.
    const ended = child.ended.then((reason) =>
      [reason, child.tail().split('\n').at(-1)?.slice(0, 300)].filter(Boolean).join(': '),
    )
    return { pid: child.pid, ended, stop: () => child.stop('SIGTERM', stop_ms) }
  }
}

const startEngine = (stack: Stack, config: Config, log: Log, lab: boolean) => {
  const variables = { ...secretVariables(), ...(lab && { WEFT_INVENTORY_FILE: labInventoryFile(config) }) }
  // A commit that is under way is finished or taken back before the engine ends.
  const ends = { stop_ms: 30_000, deathSignal: 'TERM' } as const
  return keep(stack, log, 'engine', startNode(config, logFile(config, 'engine'), ['server/main.ts'], variables, ends))
}

function startWeb(stack: Stack, config: Config, log: Log) {
  const args = ['server/web/main.ts', config.web.socket]
  const api = {
    ...{ WEFT_API_SOCKET: config.http.socket, WEFT_API: `http://${new URL(config.http.origin).host}` },
    NEXT_TELEMETRY_DISABLED: '1',
  }
  // Pages keep nothing: when the supervisor is gone they need not end in order.
  const ends = { stop_ms: 3000, deathSignal: 'KILL' } as const
  return keep(stack, log, 'web', startNode(config, logFile(config, 'web'), args, api, ends))
}

const answers = (socketPath: string, at: string): Promise<boolean> =>
  new Promise((resolve) => {
    const signal = AbortSignal.timeout(2000)
    get({ socketPath, path: at, agent: false, signal }, (answer) =>
      resolve((answer.resume().statusCode ?? 500) < 500),
    ).once('error', () => resolve(false))
  })

/** Polls until the engine and the pages answer. Throws with where to look when they do not. */
async function ready(config: Config, services: readonly (Service | undefined)[], signal: AbortSignal): Promise<void> {
  const deadline_ms = performance.now() + READY_MS
  while (!(await answers(config.http.socket, '/health')) || !(await answers(config.web.socket, '/icon.svg'))) {
    signal.throwIfAborted()
    const failing = services.find((service) => (service?.starts() ?? 0) > STARTS_MAX)
    if (failing) throw new Error(`${failing.name} ends again and again; see ${path.join(config.state, 'log')}`)
    if (performance.now() > deadline_ms)
      throw new Error(`no answer within ${READY_MS / 1000} s; see ${path.join(config.state, 'log')}`)
    await sleep(50)
  }
}

/** Starts everything, as much at once as can be. */
async function startAll(stack: Stack, config: Config, log: Log, signal: AbortSignal): Promise<void> {
  const lab = async (): Promise<Lab | undefined> => {
    if (!config.demo) return undefined
    const built = await startLab(config, log)
    if (built) stack.stops.unshift({ name: 'lab', stop: built.destroy })
    return built
  }
  const pages = makePages(log, signal).then(() => (signal.aborted ? undefined : startWeb(stack, config, log)))
  const building = lab()
  const engine = Promise.all([makeClient(log, signal), startDatabase(stack, config, log), building]).then(
    ([, , built]) => (signal.aborted ? undefined : startEngine(stack, config, log, built !== undefined)),
  )
  const results = await Promise.allSettled([engine, pages])
  const services = results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
  signal.throwIfAborted()
  await ready(config, services, signal)
  const built = await building
  if (!built || config.bare) return
  // It needs the database client, which is not there before it has been made.
  const { startResidents } = await import('./residents.ts')
  stack.stops.push({ name: 'residents', stop: startResidents(config, built).stop })
}

async function stopAll(stack: Stack, config: Config, log: Log): Promise<void> {
  for (const { name, stop } of stack.stops.reverse())
    await stop().catch((error: Error) => log(`${name} did not end in order: ${error.message}`))
  await sweepInstance(config)
  stack.claim.release()
}

async function announce(config: Config, log: Log, started_ms: number): Promise<void> {
  log(`ready after ${((performance.now() - started_ms) / 1000).toFixed(1)} s`)
  log('')
  log(`  ${config.product.name} is at ${config.http.origin}`)
  for (const { name, password, file } of await keptPasswords(config.state))
    log(`  Sign in as ${name} with ${password} (once, to choose your own; also in ${file})`)
  log('  Ctrl-C ends it.')
}

/** Runs an instance in the foreground until the signal is aborted. Everything that it started is gone when it returns. */
export async function up(config: Config, log: Log, signal: AbortSignal): Promise<void> {
  const started_ms = performance.now()
  const stack: Stack = { claim: await claimInstance(config), stops: [] }
  try {
    await checkPorts(config)
    await startAll(stack, config, log, signal)
    await announce(config, log, started_ms)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    log('ending …')
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await stopAll(stack, config, log)
  }
}
