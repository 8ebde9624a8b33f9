import type { DatapathDifference } from '#server/contract/changes.ts'
import type { ComposedTable } from '#server/engine/change/compose.ts'
import type { PlannedWave } from '#server/engine/change/plan.ts'
import { isProvenanceOnly, tally } from '#server/engine/program/difference.ts'
import type { Entry, Group } from '#server/engine/program/entry.ts'
import { entryNotation, groupNotation } from '#server/engine/program/notation.ts'
import type { Change } from '#server/engine/program/program.ts'

type Line = DatapathDifference['lines'][number]

/** What the lines of a datapath need beside the differences themselves. */
export interface DifferenceContext {
  readonly datapathId: string
  readonly datapath: string
  readonly server: string
  readonly tables: readonly ComposedTable[]
  /** Why an entry or group is (or was) there, in words. */
  readonly because: (of: Entry | Group) => string
}

/** A page shows so many lines at most and says how many more there are. */
const MOST_LINES = 500

const markOf = ({ before, after }: Change<unknown>): Line['mark'] => {
  if (before === undefined) return '+'
  return after === undefined ? '-' : '~'
}

/** One line that is yet to be written: of 100,000, 500 are. */
interface Planned {
  readonly wave: number
  readonly change: Change<Entry> | Change<Group>
}

const isGroup = (one: Entry | Group): one is Group => 'buckets' in one

const notation = (one: Entry | Group | undefined): string | null => {
  if (one === undefined) return null
  return isGroup(one) ? groupNotation(one) : entryNotation(one)
}

/** An entry or group after the change, or before it where it goes. */
const subjectOf = ({ change }: Planned): Entry | Group => (change.after ?? change.before) as Entry | Group

const plannedLines = (waves: readonly PlannedWave[], datapathId: string): Planned[] =>
  waves.flatMap(({ parts }, wave) => {
    const d = parts.get(datapathId)
    const entries = d?.entries.filter((change) => !isProvenanceOnly(change)) ?? []
    return [...(d?.groups ?? []), ...entries].map((change) => ({ wave, change }))
  })

/** What the lines of a datapath that are shown are about. */
export const shownSubjects = (waves: readonly PlannedWave[], datapathId: string): (Entry | Group)[] =>
  plannedLines(waves, datapathId).slice(0, MOST_LINES).map(subjectOf)

function lineOf(planned: Planned, because: DifferenceContext['because']): Line {
  const { wave, change } = planned
  const one = subjectOf(planned)
  return {
    ...{ mark: markOf(change), before: notation(change.before), after: notation(change.after) },
    ...{ table: isGroup(one) ? null : one.table, wave, because: because(one) },
  }
}

const wordsOf = ({ spec }: ComposedTable): string => `${spec.kind} on ${spec.fields.join(', ')}`

/** Everything that a change does on one datapath, in the shape of the API, before anything moved. */
export function datapathDifference(waves: readonly PlannedWave[], context: DifferenceContext): DatapathDifference {
  const { datapathId, datapath, server, tables } = context
  const parts = waves.map(({ parts }) => parts.get(datapathId))
  const lines = plannedLines(waves, datapathId)
  const counts = parts.flatMap((d) => (d ? [tally(d)] : []))
  const sum = (of: 'added' | 'removed' | 'replaced') => counts.reduce((total, count) => total + count[of], 0)
  const named = new Set(parts.flatMap((d) => d?.entries.map((one) => (one.after ?? one.before)?.table) ?? []))
  return {
    ...{ datapathId, datapath, server, state: 'waits', staged_ms: null, committed_ms: null, observed_ms: null },
    ...{ added: sum('added'), removed: sum('removed'), replaced: sum('replaced') },
    lines: lines.slice(0, MOST_LINES).map((planned) => lineOf(planned, context.because)),
    truncated: Math.max(0, lines.length - MOST_LINES),
    tables: tables
      .filter(({ table }) => named.has(table))
      .map((one) => ({ table: one.table, name: one.name, words: wordsOf(one) })),
  }
}
