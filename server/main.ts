import { randomUUID } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { type Logger, pino } from 'pino'
import { parse } from 'yaml'
import { ConfigError, readConfig } from './config.ts'
import { InventoryFile } from './contract/inventory.ts'
import { createApp } from './http/app.ts'
import { eventBus } from './http/events.ts'
import { metricsRegistry } from './http/metrics.ts'
import { createFirstOperator, keepPassword } from './identity/first-operator.ts'
import { type Wired, wire } from './wiring.ts'

const HOUSEKEEPING_MS = 3_600_000
/** Less than what the supervisor waits. */
const STOP_MS = 25_000
const KEYS_KEPT_MS = 24 * 3_600_000
const DECISIONS_KEPT_MS = 7 * 24 * 3_600_000

/** Removes what nobody can use any more: old sessions, idempotency keys, requests for sign-in, logouts that came to no end, old decisions; tells of what ends soon. */
async function tidy(
  { sessions, idempotency, signInRequests, logout, passkeys, decisions, notices }: Wired,
  log: Logger,
): Promise<void> {
  const [ended, forgotten, unanswered] = await Promise.all([
    sessions.prune(),
    idempotency.prune(Date.now() - KEYS_KEPT_MS),
    signInRequests.prune(Date.now()),
    logout.expire(),
    passkeys.prune(),
    decisions.prune(Date.now() - DECISIONS_KEPT_MS),
    notices.tidy(),
  ])
  log.debug({ sessions: ended, keys: forgotten, requests: unanswered }, 'tidied')
}

/** Declares the hardware of a file (YAML or JSON), as `./weft inventory import` would. */
async function declare(file: string, wired: Wired, log: Logger): Promise<void> {
  const inventory = InventoryFile.parse(parse(await readFile(file, 'utf8')))
  log.info({ file, ...(await wired.importInventory(inventory)) }, 'inventory declared')
}

/** Starts the engine; resolves to what ends it. */
async function start(): Promise<{ log: Logger; stop: () => Promise<void> }> {
  const config = readConfig()
  const log = pino({ level: config.log.level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime })
  const events = eventBus({ epoch: randomUUID().slice(0, 8) })
  const metrics = metricsRegistry()
  const wired = await wire({ config, log, events, metrics })
  await mkdir(config.state, { recursive: true, mode: 0o700 })
  const { firstOperator, firstPassword_ms } = config.signIn
  const keep = async (password: string) => void (await keepPassword(config.state, firstOperator, password))
  await createFirstOperator(wired.accounts, firstOperator, keep, Date.now() + firstPassword_ms)
  if (config.inventoryFile !== undefined) await declare(config.inventoryFile, wired, log)
  const app = await createApp({ ...wired, config, events, metrics, log })
  await wired.start()
  await app.listen({ host: config.http.host, port: config.http.port })
  if (config.demo && !config.bare)
    wired.sample().catch((error: Error) => log.warn({ err: error }, 'the first network of the demo'))
  log.info({ origin: config.http.origin, instance: config.instance }, 'listening')
  const tidying = setInterval(() => {
    tidy(wired, log).catch((error: Error) => log.error({ err: error }, 'tidying'))
  }, HOUSEKEEPING_MS)
  const stop = async () => {
    clearInterval(tidying)
    await app.close()
    await wired.stop()
  }
  return { log, stop }
}

try {
  const { log, stop } = await start()
  const end = (reason: string) => {
    log.info({ reason }, 'ending')
    // Nobody else may be there to end it: what hangs is given up, the journal knows the rest.
    setTimeout(() => process.exit(1), STOP_MS).unref()
    stop().then(
      () => process.exit(0),
      (error: Error) => {
        log.fatal({ err: error }, 'did not end in order')
        process.exit(1)
      },
    )
  }
  // What nobody caught, rejections too: its cause goes to the log, and the supervisor starts the engine anew.
  process.once('uncaughtException', (error) => {
    log.fatal({ err: error }, 'unforeseen')
    process.exit(1)
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end(signal))
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : (error as Error).stack}\n`)
  process.exit(1)
}
