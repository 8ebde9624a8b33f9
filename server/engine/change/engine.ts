import { type OpenChange, type RunResult, runChange } from './commit.ts'
import { CANCELLED } from './failure.ts'
import type { ChangeFailure } from './journal.ts'
import type { Locks, ProvenanceStore } from './ports.ts'
import type { ProgressEvent } from './progress.ts'
import { cookieOf, type Proposal, type ProposePorts, propose, withProvenance } from './propose.ts'
import type { Reconciler } from './reconcile.ts'
import type { Recovering, Recovery } from './recover.ts'
import type { RunPorts } from './run.ts'

export interface EnginePorts extends Omit<RunPorts, 'onProgress'>, ProposePorts {
  readonly locks: Locks
  readonly provenance: ProvenanceStore
  readonly recovery: Recovery
  readonly reconciler: Pick<Reconciler, 'moving'>
  /** 8 bits that tell this installation's cookies from another's. */
  readonly installation: number
  /** A text that changes when the compiler's output may. */
  readonly compilerVersion: string
}

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
  readonly recovering: readonly Recovering[]
}

/** All of a change's waves must be true within this time, or it is taken back. */
const WITHIN_MS = 60_000
const LOCK_ATTEMPTS = 5

function once(work: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    work()
  }
}

const touchedBy = ({ plan }: Proposal): string[] => [...new Set(plan.waves.flatMap(({ parts }) => [...parts.keys()]))]

const FAULTY: ChangeFailure = { code: 'findings', message: 'The change no longer passes its checks; preview it again.' }
const CROWDED: ChangeFailure = { code: 'busy', message: 'Other changes kept moving the same datapaths; try again.' }

const isFaulty = ({ findings }: Proposal): boolean => findings.some(({ severity }) => severity === 'error')

interface Locked {
  readonly proposal: Proposal
  readonly release: () => void
}

/** Compiles under the locks of all datapaths that the result touches: nothing can be committed there in between. */
async function lockAndPropose(ports: EnginePorts, change: string, signal: AbortSignal): Promise<Locked | undefined> {
  let wanted = touchedBy(await propose(ports, change))
  for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
    const release = await ports.locks.acquire(wanted, signal)
    try {
      const proposal = await propose(ports, change)
      const touched = touchedBy(proposal)
      if (touched.every((id) => wanted.includes(id))) return { proposal, release }
      wanted = touched
    } catch (error) {
      release()
      throw error
    }
    release()
  }
  return undefined
}

async function inputOf(ports: EnginePorts, proposal: Proposal, forced: boolean) {
  const { change, revision, granted, released, committed } = proposal
  const plan = await withProvenance(proposal, async (because) => {
    const rows = await ports.provenance.allocate(change, because)
    return rows.map((row) => cookieOf(ports.installation, row))
  })
  const touched = new Set(plan.waves.flatMap(({ parts }) => [...parts.keys()]))
  const before = new Map([...committed].filter(([id]) => touched.has(id)))
  const { compilerVersion } = ports
  return {
    change,
    revision,
    granted,
    released,
    compilerVersion,
    waves: plan.waves,
    before,
    forced,
    within_ms: WITHIN_MS,
  }
}

function endOf(ports: EnginePorts, result: RunResult, release: () => void): Promise<CommitResult> | CommitResult {
  if (result.outcome === 'open') {
    const open: OpenChange = result
    return ports.recovery.adopt(open, release)
  }
  release()
  return result
}

async function commit(ports: EnginePorts, change: string, options: CommitOptions): Promise<CommitResult> {
  const { forced, signal, onProgress } = options
  let locked: Locked | undefined
  try {
    locked = await lockAndPropose(ports, change, signal)
  } catch (error) {
    if (signal.aborted) return { outcome: 'refused', reason: CANCELLED }
    throw error
  }
  if (!locked) return { outcome: 'refused', reason: CROWDED }
  const { proposal } = locked
  const still = ports.reconciler.moving(touchedBy(proposal))
  const release = once(() => {
    locked.release()
    still()
  })
  try {
    if (isFaulty(proposal)) {
      release()
      return { outcome: 'refused', reason: FAULTY }
    }
    const input = await inputOf(ports, proposal, forced)
    return await endOf(ports, await runChange(input, { ...ports, onProgress }, signal), release)
  } catch (error) {
    release()
    throw error
  }
}

/** The one way a change takes: intent → compile → check → commit → observe. */
export function changeEngine(ports: EnginePorts): ChangeEngine {
  return {
    propose: (change) => propose(ports, change),
    commit: (change, options) => commit(ports, change, options),
    async rollback(change, actor) {
      const edits = await ports.intent.edits(change)
      const turned = edits.map(({ kind, id, before, after }) => ({
        ...{ kind, id },
        ...(after !== undefined && { before: after }),
        ...(before !== undefined && { after: before }),
      }))
      return ports.intent.draftRollback(change, turned, actor)
    },
    get recovering() {
      return ports.recovery.recovering
    },
  }
}
