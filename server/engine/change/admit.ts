import type { ChangeRun, RunWave } from './commit.ts'
import type { ChangeFailure } from './journal.ts'
import type { PlannedWave } from './plan.ts'
import type { Datapaths, Locks, ProvenanceStore } from './ports.ts'
import { cookieOf, type Proposal, type ProposePorts, propose, withProvenance } from './propose.ts'
import type { Reconciler } from './reconcile.ts'
import type { Recovery } from './recover.ts'
import type { Limits } from './run.ts'

export interface AdmissionPorts extends ProposePorts {
  readonly datapaths: Datapaths
  readonly locks: Locks
  readonly provenance: ProvenanceStore
  readonly recovery: Recovery
  readonly reconciler: Pick<Reconciler, 'moving' | 'check'>
  readonly limits: Limits
  /** 8 bits that tell this installation's cookies from another's. */
  readonly installation: number
  /** A text that changes when the compiler's output may. */
  readonly compilerVersion: string
}

/** A change that may go ahead: its datapaths are locked until `release`. */
export interface Admitted {
  readonly input: Omit<ChangeRun, 'forced' | 'within_ms'>
  readonly release: () => void
}

const touchedBy = ({ plan }: Proposal): string[] => [...plan.programs.keys()].sort()

/** Parts that an earlier forced change left pending come first, where the datapath is back. Answers whether any was. */
async function bringPending({ datapaths, reconciler }: AdmissionPorts, proposal: Proposal): Promise<boolean> {
  const waiting = touchedBy(proposal).filter(
    (id) => proposal.committed.get(id)?.pending !== undefined && datapaths.driver(id)?.connected,
  )
  await Promise.all(waiting.map((id) => reconciler.check(id)))
  return waiting.length > 0
}

function whyNot({ recovery }: AdmissionPorts, proposal: Proposal): ChangeFailure | undefined {
  const error = proposal.findings.find(({ severity }) => severity === 'error')
  if (error) return { code: 'findings', message: error.message }
  const touched = new Set(touchedBy(proposal))
  for (const { change, datapathIds } of recovery.recovering) {
    const datapathId = datapathIds.find((id) => touched.has(id))
    if (datapathId !== undefined && change !== proposal.change)
      return { code: 'busy', message: 'An earlier change is still being taken back there.', datapathId }
  }
  return undefined
}

const adds = ({ parts }: PlannedWave): boolean =>
  [...parts.values()].some(({ entries, groups }) =>
    [...entries, ...groups].some((change: { after?: unknown }) => change.after !== undefined),
  )

/** Between adding and removing, datapaths get the time to forward by what is new. */
const settling = (waves: readonly PlannedWave[], settle_ms: number): RunWave[] =>
  waves.map((wave, n) => {
    const next = waves[n + 1]
    return { name: wave.name, parts: wave.parts, ...(next && adds(wave) && !adds(next) && { settle_ms }) }
  })

async function inputOf(ports: AdmissionPorts, proposal: Proposal): Promise<Admitted['input']> {
  const { change, revision, granted, released, committed } = proposal
  const { waves, programs } = await withProvenance(proposal, async (because) => {
    const rows = await ports.provenance.allocate(change, because)
    return rows.map((row) => cookieOf(ports.installation, row))
  })
  const before = new Map([...committed].filter(([id]) => programs.has(id)))
  const { compilerVersion, limits } = ports
  return { change, revision, granted, released, compilerVersion, before, waves: settling(waves, limits.settle_ms) }
}

/**
 * Compiles a change against what is committed now, and locks what it touches. The caller has the turn, so that nothing
 * is committed meanwhile.
 */
export async function admit(
  ports: AdmissionPorts,
  change: string,
  signal: AbortSignal,
): Promise<Admitted | { readonly reason: ChangeFailure }> {
  const first = await propose(ports, change)
  const proposal = (await bringPending(ports, first)) ? await propose(ports, change) : first
  const reason = whyNot(ports, proposal)
  if (reason) return { reason }
  const touched = touchedBy(proposal)
  const unlock = await ports.locks.acquire(touched, signal)
  const still = ports.reconciler.moving(touched)
  const release = () => {
    unlock()
    still()
  }
  try {
    return { input: await inputOf(ports, proposal), release }
  } catch (error) {
    release()
    throw error
  }
}
