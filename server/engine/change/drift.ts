import { diff, isProvenanceOnly } from '../program/difference.ts'
import { type Difference, EMPTY_PROGRAM, isEmptyDifference, type Program } from '../program/program.ts'
import { converge } from './bring.ts'
import type { CommittedProgram } from './journal.ts'
import { readProgram } from './observe.ts'
import type { RunPorts } from './run.ts'
import { isEmptied } from './waves.ts'

/** Where a datapath differs from what is wanted: without cookies, and without neighbours, which it learns by itself. */
export function driftOf(held: Program, wanted: Program): Difference | undefined {
  const { entries, groups } = diff(held, wanted)
  const drift = { entries: entries.filter((change) => !isProvenanceOnly(change)), groups, neighbours: [] }
  return isEmptyDifference(drift) ? undefined : drift
}

const neighboursOf = (wanted: Program) => [...wanted.neighbours.values()].map((after) => ({ after }))

function duePart(drift: Difference, pending: Difference, wanted: Program): Difference | undefined {
  const entries = new Set(pending.entries.map(({ before, after }) => (after ?? before)?.key))
  const groups = new Set(pending.groups.map(({ before, after }) => (after ?? before)?.group))
  const due: Difference = {
    entries: drift.entries.filter(({ before, after }) => entries.has((after ?? before)?.key)),
    groups: drift.groups.filter(({ before, after }) => groups.has((after ?? before)?.group)),
    neighbours: neighboursOf(wanted),
  }
  return due.entries.length + due.groups.length > 0 ? due : undefined
}

/** What of a drift is brought unasked: all that a restart lost, and what was pending. */
function unasked(drift: Difference, held: Program, { program, pending }: CommittedProgram): Difference | undefined {
  if (isEmptied(held, program)) {
    const wanted = (change: { after?: unknown }) => change.after !== undefined
    const neighbours = neighboursOf(program)
    return { entries: drift.entries.filter(wanted), groups: drift.groups.filter(wanted), neighbours }
  }
  return pending && duePart(drift, pending, program)
}

/** A datapath as it was left. */
export interface Settled {
  readonly wanted: Program
  readonly drift: Difference | undefined
  /** Something that needs no question could not be brought. */
  readonly due: boolean
}

/**
 * Reads a datapath, brings what needs no question (or, with `all`, everything) and answers what is left. `busy` is called
 * before it moves. The caller holds the lock. Throws `DriverError`, or `Stop` when the datapath is away.
 */
export async function settle(ports: RunPorts, datapathId: string, all: boolean, busy: () => void): Promise<Settled> {
  const stored = (await ports.programs.committed([datapathId])).get(datapathId)
  const committed = stored ?? { datapathId, program: EMPTY_PROGRAM, hash: '' }
  const { program: wanted, pending } = committed
  let held = await readProgram(ports, datapathId, wanted)
  let drift = driftOf(held, wanted)
  const work = drift && (all ? { ...drift, neighbours: neighboursOf(wanted) } : unasked(drift, held, committed))
  if (work) {
    busy()
    await converge(datapathId, work, ports)
    held = await readProgram(ports, datapathId, wanted)
    drift = driftOf(held, wanted)
  }
  const due = drift !== undefined && unasked(drift, held, committed) !== undefined
  if (pending && !due) await ports.programs.settled(datapathId)
  return { wanted, drift, due }
}

/** How many wanted entries a datapath holds. */
export const heldOf = (wanted: Program, drift: Difference | undefined): number =>
  wanted.entries.size - (drift?.entries.filter(({ after }) => after !== undefined).length ?? 0)
