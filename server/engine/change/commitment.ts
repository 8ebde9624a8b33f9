import { applyAll } from '../program/difference.ts'
import { type Difference, EMPTY_PROGRAM, type Program } from '../program/program.ts'
import type { Commitment, CommittedProgram, JournalPart, JournalRecord, Measured } from './journal.ts'
import type { ProgramStore } from './ports.ts'
import { forwardSteps, together } from './waves.ts'

/** Committed programs of the datapaths of a change, by datapath; one that was never touched is left out. */
export type Before = ReadonlyMap<string, CommittedProgram>

export const programsBefore = (record: Pick<JournalRecord, 'parts'>, programs: ProgramStore): Promise<Before> =>
  programs.committed(record.parts.map((part) => part.datapathId))

const computed = new WeakMap<JournalPart['waves'], { readonly from: Program; readonly after: Program }>()

/** What a datapath is wanted to hold once the change is true. Computed once for each part: programs may be large. */
export function programAfter(
  { datapathId, waves }: Pick<JournalPart, 'datapathId' | 'waves'>,
  before: Before,
): Program {
  const from = before.get(datapathId)?.program ?? EMPTY_PROGRAM
  const known = computed.get(waves)
  if (known?.from === from) return known.after
  const after = applyAll(from, waves)
  computed.set(waves, { from, after })
  return after
}

/** What is still to be brought to a datapath: earlier pending changes, and this one if it is away. */
function pendingOf(part: JournalPart, before: Before): Difference | undefined {
  const earlier = before.get(part.datapathId)?.pending
  if (earlier) return together(forwardSteps([earlier, ...part.waves]))
  return part.pending ? together(forwardSteps(part.waves)) : undefined
}

/** What becomes true with a change. A later process computes the same from the record alone. */
export function commitmentOf(record: JournalRecord, before: Before, measured: Measured): Commitment {
  const programs = record.parts.map((part): CommittedProgram => {
    const pending = pendingOf(part, before)
    return {
      datapathId: part.datapathId,
      program: programAfter(part, before),
      hash: part.hashAfter,
      ...(pending && { pending }),
    }
  })
  return { programs, granted: record.granted, released: record.released, measured }
}
