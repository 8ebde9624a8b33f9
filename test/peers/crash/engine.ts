/** An engine in a process of its own, for tests that kill it. It does one order and ends. */
import { runChange } from '#server/engine/change/commit.ts'
import type { Grant } from '#server/engine/change/journal.ts'
import { readDifference } from '#server/engine/program/deserialise.ts'
import type { Difference } from '#server/engine/program/program.ts'
import { type DatabaseUrls, openDatabase } from '#server/inventory/database.ts'
import { until } from '#server/lab/until.ts'
import { executioner, type KillPoint, mortalDriver, mortalJournal } from './kill.ts'
import { type Address, type Engine, startEngine } from './wiring.ts'

/** A change as it is told to an engine. */
export interface ChangeOrder {
  readonly change: string
  /** For each wave: its name, and its differences as they are serialised, by datapath. */
  readonly waves: readonly { readonly name: string; readonly parts: readonly (readonly [string, string])[] }[]
  readonly granted: readonly Grant[]
  readonly released: readonly string[]
}

export interface Order {
  readonly urls: DatabaseUrls
  readonly addresses: readonly Address[]
  /** Absent: only what the journal has left open is taken to its end. */
  readonly commit?: ChangeOrder
  readonly kill?: KillPoint
}

/** What an engine tells its parent, in this order. */
export type Report =
  | { readonly type: 'listening' }
  | { readonly type: 'ended'; readonly outcome: string }
  | { readonly type: 'failed'; readonly message: string }

const tell = (report: Report) => new Promise<void>((resolve) => process.send?.(report, () => resolve()))

function differenceOf(text: string): Difference {
  const read = readDifference(text)
  if (!read.ok) throw new Error(read.error)
  return read.value
}

async function commit({ ports, recovery }: Engine, ids: readonly string[], order: ChangeOrder): Promise<string> {
  await until('both switches to be connected', () => ids.every((id) => ports.datapaths.driver(id)?.connected))
  const { change, granted, released } = order
  const waves = order.waves.map(({ name, parts }) => ({
    name,
    parts: new Map(parts.map(([id, text]) => [id, differenceOf(text)] as const)),
  }))
  const before = await ports.programs.committed(ids)
  const about = { change, granted, released, revision: 1n, compilerVersion: 'test', forced: false, within_ms: 30_000 }
  const result = await runChange({ ...about, waves, before }, ports, new AbortController().signal)
  if (result.outcome !== 'open') return 'reason' in result ? `${result.outcome}: ${result.reason.code}` : result.outcome
  return (await recovery.adopt(result, () => {})).outcome
}

async function recover({ recovery }: Engine): Promise<string> {
  await recovery.start()
  await until('nothing to be left open', () => recovery.recovering.length === 0)
  return 'recovered'
}

async function obey({ urls, addresses, commit: order, kill }: Order): Promise<string> {
  const run = executioner(kill)
  const database = openDatabase(urls, { connections: 3 })
  const engine = await startEngine(database, addresses, { journal: mortalJournal(run), driver: mortalDriver(run) })
  await tell({ type: 'listening' })
  const ids = addresses.map(({ id }) => id)
  return order ? commit(engine, ids, order) : recover(engine)
}

process.once('message', (order: Order) => {
  obey(order)
    .then((outcome) => tell({ type: 'ended', outcome }))
    .catch((error: unknown) =>
      tell({ type: 'failed', message: error instanceof Error ? `${error.stack}` : `${error}` }),
    )
    // Whatever is still open goes with the process, as it would in a crash.
    .finally(() => process.exit())
})
// An engine does not outlive its parent.
process.once('disconnect', () => process.exit())
