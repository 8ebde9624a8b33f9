import { bringBack, bringForward, type Missing } from './bring.ts'
import type { OpenChange } from './commit.ts'
import { commitmentOf, programsBefore } from './commitment.ts'
import { failureOf } from './failure.ts'
import { type ChangeFailure, IntentMoved, type JournalRecord, type UnfinishedChange } from './journal.ts'
import type { Locks } from './ports.ts'
import type { ProgressEvent, Tell } from './progress.ts'
import { type RunPorts, sent, teller } from './run.ts'

/** How an open change ended. */
export type End =
  | { readonly outcome: 'committed'; readonly pending: readonly string[] }
  | { readonly outcome: 'undone'; readonly reason: ChangeFailure }

/** A change under recovery, for people. */
export interface Recovering {
  readonly change: string
  /** They stay locked until the change is at its end. */
  readonly datapathIds: readonly string[]
  readonly to: 'back' | 'forward'
  readonly since_ms: number
  readonly reason: ChangeFailure
  readonly missing: Missing
}

/** Takes changes to their end that a crash or a lost datapath left open. */
export interface Recovery {
  /**
   * Takes over every unfinished change of the journal. Resolves when none is decided any more: all are finished, but for
   * those that are taken back from datapaths that are away. These go on, their datapaths stay locked.
   */
  start(): Promise<void>
  /** Resolves with the first `start`: from then on what is committed is not in doubt, and changes may begin. */
  readonly ready: Promise<void>
  /** Takes over a change that a run left open and gives its locks back at the end. Rejects when closed first. */
  adopt(open: OpenChange, release: () => void, watch?: Watch): Promise<End>
  readonly recovering: readonly Recovering[]
  /** Stops where it is; the journal knows the rest. */
  close(): Promise<void>
}

/** Whoever wants to know how recovery of a change goes. */
export interface Watch {
  readonly onProgress?: (event: ProgressEvent) => void
  /** Called once it is certain that the change will not become true, or at its end. */
  readonly certain?: () => void
}

const LOST: ChangeFailure = { code: 'interrupted', message: 'The engine stopped while the change was under way.' }
const FIRST_PAUSE_MS = 100

interface Case {
  readonly record: JournalRecord
  readonly decided: boolean
  readonly since_ms: number
  readonly tell: Tell
  to: 'back' | 'forward'
  reason: ChangeFailure
  missing: Missing
}

/** Failures that waiting does not mend. */
const FINAL = new Set<string>(['refused', 'not-observed'])

async function stepForward(one: Case, ports: RunPorts, giveUp_ms: number): Promise<End | undefined> {
  const { record } = one
  const before = await programsBefore(record, ports.programs)
  one.missing = await bringForward(record, before, ports)
  if (one.missing.size === 0) {
    const commitment = commitmentOf(record, before, { mixed_ms: null, settled_ms: null })
    await ports.journal.finish(record.change, { outcome: 'committed', ...commitment })
    const pending = commitment.programs.filter((program) => program.pending).map((program) => program.datapathId)
    one.tell({ type: 'change', stand: pending.length > 0 ? 'pending' : 'committed' })
    return { outcome: 'committed', pending }
  }
  const reasons = [...one.missing.values()]
  const final = reasons.find((reason) => FINAL.has(reason.code))
  if (final || ports.timer.monotonic_ms() >= giveUp_ms) turnBack(one, final ?? reasons[0] ?? one.reason)
  return undefined
}

function turnBack(one: Case, reason: ChangeFailure): void {
  one.to = 'back'
  one.reason = reason
}

async function stepBack(one: Case, ports: RunPorts): Promise<End | undefined> {
  const { record, reason, tell } = one
  await ports.journal.abort(record.change, reason)
  tell({ type: 'change', stand: 'undoing', reason })
  if (one.decided) {
    one.missing = await bringBack(record, await programsBefore(record, ports.programs), ports)
    for (const { datapathId } of sent(record)) {
      const why = one.missing.get(datapathId)
      tell({ type: 'datapath', datapathId, step: why ? 'undoing' : 'undone', ...(why && { reason: why }) })
    }
    if (one.missing.size > 0) return undefined
  }
  await ports.journal.finish(record.change, { outcome: 'undone', reason })
  tell({ type: 'change', stand: 'undone', reason })
  return { outcome: 'undone', reason }
}

/** One attempt. Undefined: not yet at its end. */
async function attempt(one: Case, ports: RunPorts, giveUp_ms: number): Promise<End | undefined> {
  try {
    const end = one.to === 'forward' ? await stepForward(one, ports, giveUp_ms) : undefined
    return end ?? (one.to === 'back' ? await stepBack(one, ports) : undefined)
  } catch (error) {
    // The database did not answer, or refused the intent for good; all else is tried again.
    if (error instanceof IntentMoved) turnBack(one, failureOf(error))
    return undefined
  }
}

/** Waits, but not longer than until a datapath connects. */
async function pause(ports: RunPorts, duration_ms: number, closed: AbortSignal): Promise<void> {
  const wake = new AbortController()
  const forget = ports.datapaths.subscribe((_, event) => {
    if (event.type === 'connected') wake.abort()
  })
  await ports.timer.sleep(duration_ms, AbortSignal.any([wake.signal, closed])).catch(() => {})
  forget()
}

const openOf = ({ phase, reason, ...record }: UnfinishedChange): OpenChange => ({
  record,
  to: phase === 'decided' ? 'forward' : 'back',
  decided: phase !== 'prepared',
  reason: reason ?? LOST,
})

interface Recoverer {
  readonly ports: RunPorts
  readonly cases: Set<Case>
  readonly closing: AbortSignal
}

async function toEnd({ ports, cases, closing }: Recoverer, open: OpenChange, watch: Watch): Promise<End> {
  const { limits, timer } = ports
  const onProgress = (event: ProgressEvent) => {
    ports.onProgress(event)
    watch.onProgress?.(event)
  }
  const tell = teller({ timer, onProgress }, open.record.change)
  const one: Case = { ...open, tell, since_ms: timer.now_ms(), missing: new Map() }
  const giveUp_ms = timer.monotonic_ms() + limits.recover_ms
  cases.add(one)
  try {
    for (let wait_ms = FIRST_PAUSE_MS; ; wait_ms = Math.min(wait_ms * 2, limits.retry_ms)) {
      closing.throwIfAborted()
      const end = await attempt(one, ports, giveUp_ms)
      if (end) return end
      if (one.to === 'back' && one.missing.size > 0) watch.certain?.()
      await pause(ports, wait_ms, closing)
    }
  } finally {
    cases.delete(one)
    watch.certain?.()
  }
}

/** Reads the journal, however long its database takes to answer. */
async function unfinished({ ports, closing }: Recoverer): Promise<readonly UnfinishedChange[]> {
  for (let wait_ms = FIRST_PAUSE_MS; ; wait_ms = Math.min(wait_ms * 2, ports.limits.retry_ms)) {
    closing.throwIfAborted()
    try {
      return await ports.journal.unfinished()
    } catch {
      await pause(ports, wait_ms, closing)
    }
  }
}

const datapathsOf = ({ parts }: JournalRecord): string[] => parts.map((part) => part.datapathId)

const shown = ({ record, to, since_ms, reason, missing }: Case): Recovering => {
  return { change: record.change, datapathIds: datapathsOf(record), to, since_ms, reason, missing }
}

export function createRecovery(ports: RunPorts, locks: Locks): Recovery {
  const cases = new Set<Case>()
  const running = new Set<Promise<unknown>>()
  const closing = new AbortController()
  const recoverer: Recoverer = { ports, cases, closing: closing.signal }
  const ready = Promise.withResolvers<void>()

  const adopt: Recovery['adopt'] = (open, release, watch = {}) => {
    const end = toEnd(recoverer, open, watch).finally(release)
    const quiet = end.catch(() => {})
    running.add(quiet)
    quiet.then(() => running.delete(quiet))
    return end
  }
  const takeOver = async (record: UnfinishedChange): Promise<void> => {
    const release = await locks.acquire(datapathsOf(record), closing.signal)
    await new Promise<void>((certain) => {
      adopt(openOf(record), release, { certain }).catch(() => {})
    })
  }
  return {
    adopt,
    ready: ready.promise,
    async start() {
      await Promise.all((await unfinished(recoverer)).map(takeOver))
      ready.resolve()
    },
    get recovering() {
      return [...cases].map(shown)
    },
    async close() {
      closing.abort(new Error('the engine is stopping'))
      await Promise.all(running)
    },
  }
}
