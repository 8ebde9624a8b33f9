import { type AdmissionPorts, type Admitted, admit } from './admit.ts'
import { runChange } from './commit.ts'
import { unlessAborted } from './deadline.ts'
import { CANCELLED } from './failure.ts'
import type { ChangeFailure } from './journal.ts'
import { turnedEdits } from './overwritten.ts'
import type { ProgressEvent } from './progress.ts'
import { type Proposal, propose } from './propose.ts'
import type { Recovering } from './recover.ts'
import type { RunPorts } from './run.ts'

export interface EnginePorts extends Omit<RunPorts, 'onProgress'>, AdmissionPorts {}

export interface CommitOptions {
  /** Go on although datapaths are away: their parts stay pending. */
  readonly forced: boolean
  /** Aborting it cancels the change, up to its decision. */
  readonly signal: AbortSignal
  readonly onProgress: (event: ProgressEvent) => void
}

/** How a commit ended. */
export type CommitResult =
  | { readonly outcome: 'committed'; readonly pending: readonly string[] }
  | { readonly outcome: 'refused' | 'undone'; readonly reason: ChangeFailure }

export interface ChangeEngine {
  /** Compiles and checks a draft; nothing reaches a datapath. */
  propose(change: string): Promise<Proposal>
  /** Compiles once more against what is committed now, and commits. Resolves when the change is at its end. */
  commit(change: string, options: CommitOptions): Promise<CommitResult>
  /** Drafts the change that takes a committed one back, against the present; answers its id. */
  rollback(change: string, actor: string): Promise<string>
  /** Changes that are not at their end although nobody commits them now. */
  readonly recovering: readonly Recovering[]
}

/** All of a change's waves must be true within this time, or it is taken back. */
const WITHIN_MS = 60_000

/**
 * The lock of whoever compiles and commits. Changes take turns also where they touch different datapaths, since each may
 * leave alone what it would have to touch if the other were committed already (the list of a network's members). A change
 * that only waits to be taken back somewhere has had its turn; its datapaths stay locked.
 */
const TURN = 'turn'

function once(work: () => void): () => void {
  let done = false
  return () => {
    if (!done) work()
    done = true
  }
}

async function take(
  ports: EnginePorts,
  { input, release }: Admitted,
  options: CommitOptions,
  endTurn: () => void,
): Promise<CommitResult> {
  const { forced, signal, onProgress } = options
  const result = await runChange({ ...input, forced, within_ms: WITHIN_MS }, { ...ports, onProgress }, signal)
  if (result.outcome !== 'open') {
    release()
    return result
  }
  return ports.recovery.adopt(result, release, { onProgress, certain: endTurn })
}

async function inTurn(
  ports: EnginePorts,
  change: string,
  options: CommitOptions,
  endTurn: () => void,
): Promise<CommitResult> {
  const admission = await admit(ports, change, options.signal)
  if ('reason' in admission) return { outcome: 'refused', reason: admission.reason }
  return take(ports, admission, options, endTurn)
}

async function commit(ports: EnginePorts, change: string, options: CommitOptions): Promise<CommitResult> {
  const { signal } = options
  let endTurn = () => {}
  try {
    await unlessAborted(signal, ports.recovery.ready)
    endTurn = once(await ports.locks.acquire([TURN], signal))
    return await inTurn(ports, change, options, endTurn)
  } catch (error) {
    if (signal.aborted) return { outcome: 'refused', reason: CANCELLED }
    throw error
  } finally {
    endTurn()
  }
}

/** The one way a change takes: intent → compile → check → commit → observe. */
export function changeEngine(ports: EnginePorts): ChangeEngine {
  return {
    propose: (change) => propose(ports, change),
    commit: (change, options) => commit(ports, change, options),
    async rollback(change, actor) {
      const [now, edits] = [await ports.intent.snapshot(), await ports.intent.edits(change)]
      return ports.intent.draftRollback(change, turnedEdits(now, edits), actor)
    },
    get recovering() {
      return ports.recovery.recovering
    },
  }
}
