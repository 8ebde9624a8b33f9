import { DriverError } from '#server/datapath/driver.ts'
import { bringBack } from './bring.ts'
import { commitmentOf, programAfter } from './commitment.ts'
import { CANCELLED, failureOf, Stop } from './failure.ts'
import { type ChangeFailure, IntentMoved, type JournalRecord, type Measured } from './journal.ts'
import { readWhenConnected, untilHeld } from './observe.ts'
import { GrantTaken } from './ports.ts'
import type { Tell } from './progress.ts'
import { type ChangeRun, type Found, findAll, recordOf, wavesOf } from './record.ts'
import { type RunPorts, sent, teller } from './run.ts'
import { createStaging, type Item, type Staging } from './staging.ts'
import { firstUnmet, forwardSteps, together } from './waves.ts'

export type { ChangeRun, RunWave } from './record.ts'

/** A change that is not at its end. */
export interface OpenChange {
  readonly record: JournalRecord
  readonly to: 'back' | 'forward'
  /** Whether anything may have been committed on a datapath. */
  readonly decided: boolean
  readonly reason: ChangeFailure
}

export type RunResult =
  /** True everywhere; with `pending` datapaths: true as soon as those hold their part. */
  | { readonly outcome: 'committed'; readonly measured: Measured; readonly pending: readonly string[] }
  /** Nothing was begun. */
  | { readonly outcome: 'refused'; readonly reason: ChangeFailure }
  | { readonly outcome: 'undone'; readonly reason: ChangeFailure }
  /** Not at its end: recovery must take it `back` or `forward`, and the datapaths stay locked until then. */
  | ({ readonly outcome: 'open' } & OpenChange)

interface Run {
  readonly record: JournalRecord
  readonly input: ChangeRun
  readonly ports: RunPorts
  readonly staging: Staging
  readonly tell: Tell
}

/**
 * Takes a change through its commit on all datapaths: read and compare, stage everywhere, decide, commit wave by wave,
 * read back, write it down. Whatever fails undoes all of it. The caller holds the locks of all datapaths touched. Never throws.
 * Aborting the signal cancels the change up to the decision.
 */
export async function runChange(input: ChangeRun, ports: RunPorts, signal: AbortSignal): Promise<RunResult> {
  const tell = teller(ports, input.change)
  const refused = (error: unknown): RunResult => {
    const reason = signal.aborted ? CANCELLED : failureOf(error)
    return { outcome: 'refused', reason }
  }
  let found: readonly Found[]
  try {
    tell({ type: 'change', stand: 'preparing' })
    found = await findAll(input, ports)
    for (const { datapathId, pending } of found)
      tell({ type: 'datapath', datapathId, step: pending ? 'pending' : 'waits' })
    signal.throwIfAborted()
  } catch (error) {
    return refused(error)
  }
  const parts = new Map(
    found.flatMap(({ datapathId, pending }) => (pending ? [] : [[datapathId, wavesOf(input, datapathId)] as const])),
  )
  const staging = createStaging(input.change, parts, ports, tell)
  tell({ type: 'change', stand: 'staging' })
  // Beside the record: what is staged has no effect and dies by itself. Both must be done before the decision.
  const staged = staging.stageAll(signal)
  staged.catch(() => {})
  try {
    const record = await recordOf(input, found, ports).catch(refused)
    return 'outcome' in record ? record : await prepared({ record, input, ports, staging, tell }, staged, signal)
  } finally {
    await Promise.allSettled([staged, staging.discardAll()])
  }
}

/** From the journal's first mark on: whatever fails from here is undone. */
async function prepared(run: Run, stagedAll: Promise<void>, signal: AbortSignal): Promise<RunResult> {
  const { ports, record, staging, tell } = run
  try {
    await ports.journal.prepare(record)
  } catch (error) {
    if (error instanceof IntentMoved || error instanceof GrantTaken)
      return { outcome: 'refused', reason: failureOf(error) }
    return takeBack(run, failureOf(error), false)
  }
  try {
    await stagedAll
    await staging.refresh(0)
    signal.throwIfAborted()
  } catch (error) {
    await staging.discardAll()
    return takeBack(run, signal.aborted ? CANCELLED : failureOf(error), false)
  }
  try {
    await ports.journal.decide(record.change)
    tell({ type: 'change', stand: 'decided' })
    const times = await commitWaves(run)
    await observe(run)
    return await finish(run, times)
  } catch (error) {
    await staging.discardAll()
    return takeBack(run, failureOf(error), true)
  }
}

const left_ms = (run: Run): number => run.record.deadline_ms - run.ports.timer.now_ms()

interface Times {
  readonly first_ms: number
  readonly last_ms: number
}

async function commitWaves(run: Run): Promise<Times> {
  const { timer, journal } = run.ports
  let first_ms: number | undefined
  let last_ms = 0
  for (const [n, wave] of run.input.waves.entries()) {
    const items = run.staging.items(n)
    if (left_ms(run) <= 0) throw new Stop({ code: 'late', message: 'The change was not through by its deadline.' })
    await run.staging.refresh(n)
    run.tell({ type: 'wave', wave: n, name: wave.name, state: 'running' })
    first_ms ??= timer.monotonic_ms()
    const answers = await Promise.allSettled(items.map((item) => commitItem(item, run)))
    last_ms = timer.monotonic_ms()
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
    // How far it came is for people and for speed: recovery reads the datapaths and needs no such note.
    await journal.wave(run.record.change, n + 1).catch(() => {})
    run.tell({ type: 'wave', wave: n, name: wave.name, state: 'done' })
    if (wave.settle_ms !== undefined && n + 1 < run.input.waves.length) await timer.sleep(wave.settle_ms)
  }
  return { first_ms: first_ms ?? last_ms, last_ms }
}

async function commitItem(item: Item, run: Run): Promise<void> {
  const { datapathId, wave } = item
  const { timer } = run.ports
  const begun_ms = timer.monotonic_ms()
  run.tell({ type: 'datapath', datapathId, wave, step: 'committing' })
  try {
    await run.staging.commit(item)
  } catch (error) {
    if (error instanceof DriverError && error.failure === 'unknown') await learn(item, error, run)
    else throw fail(datapathId, error, run.tell)
  }
  run.tell({ type: 'datapath', datapathId, wave, step: 'committed', took_ms: timer.monotonic_ms() - begun_ms })
}

/** The answer to a commit was lost. It is never sent again: the datapath is read to learn whether it took effect. */
async function learn(item: Item, lost: DriverError, run: Run): Promise<void> {
  try {
    const held = await readWhenConnected(run.ports, item.datapathId, run.ports.limits.observe_ms)
    if (firstUnmet(held, item.difference) === undefined) return
  } catch {
    // Still not known: undoing deals with either.
  }
  throw fail(item.datapathId, lost, run.tell)
}

function fail(datapathId: string, error: unknown, tell: Tell): unknown {
  tell({ type: 'datapath', datapathId, step: 'failed', reason: failureOf(error) })
  return error
}

async function observe(run: Run): Promise<void> {
  const { ports, tell } = run
  const for_ms = Math.min(ports.limits.observe_ms, Math.max(0, left_ms(run)))
  await Promise.all(
    sent(run.record).map(async (part) => {
      const { datapathId, waves } = part
      const begun_ms = ports.timer.monotonic_ms()
      try {
        await untilHeld(ports, datapathId, together(forwardSteps(waves)), programAfter(part, run.input.before), for_ms)
      } catch (error) {
        throw fail(datapathId, error, tell)
      }
      tell({ type: 'datapath', datapathId, step: 'observed', took_ms: ports.timer.monotonic_ms() - begun_ms })
    }),
  )
}

/** Writes the change down as true. Only a refusal of the journal itself undoes it: all else may have been written. */
async function finish(run: Run, times: Times): Promise<RunResult> {
  const { ports, record, tell } = run
  const settled_ms = ports.timer.monotonic_ms() - times.first_ms
  const measured: Measured = { mixed_ms: times.last_ms - times.first_ms, settled_ms }
  tell({ type: 'change', stand: 'finishing', measured })
  const commitment = commitmentOf(record, run.input.before, measured)
  try {
    await ports.journal.finish(record.change, { outcome: 'committed', ...commitment })
  } catch (error) {
    if (error instanceof IntentMoved) throw error
    return { outcome: 'open', to: 'forward', decided: true, record, reason: failureOf(error) }
  }
  const pending = commitment.programs.filter((one) => one.pending).map((one) => one.datapathId)
  tell({ type: 'change', stand: pending.length > 0 ? 'pending' : 'committed', measured })
  return { outcome: 'committed', measured, pending }
}

/** Takes the change back. `decided`: something may have been committed somewhere, else nothing was ever sent for it. */
async function takeBack(run: Run, reason: ChangeFailure, decided: boolean): Promise<RunResult> {
  const { ports, record, tell } = run
  tell({ type: 'change', stand: 'undoing', reason })
  const open: RunResult = { outcome: 'open', to: 'back', decided, record, reason }
  try {
    await ports.journal.abort(record.change, reason)
    const missing = decided ? await bringBack(record, run.input.before, ports) : new Map<string, ChangeFailure>()
    for (const { datapathId } of sent(record)) {
      const why = missing.get(datapathId)
      tell({ type: 'datapath', datapathId, step: why ? 'undoing' : 'undone', ...(why && { reason: why }) })
    }
    if (missing.size > 0) return open
    await ports.journal.finish(record.change, { outcome: 'undone', reason })
  } catch {
    return open
  }
  tell({ type: 'change', stand: 'undone', reason })
  return { outcome: 'undone', reason }
}
