import type { DatapathDifference } from '#server/contract/changes.ts'
import type { ComposedTable } from '#server/engine/change/compose.ts'
import type { PlannedWave } from '#server/engine/change/plan.ts'
import { isProvenanceOnly, tally } from '#server/engine/program/difference.ts'
import type { Entry, Group } from '#server/engine/program/entry.ts'
import { entryNotation, groupNotation } from '#server/engine/program/notation.ts'
import type { Change, Difference } from '#server/engine/program/program.ts'

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

const text = <T>(value: T | undefined, write: (value: T) => string): string | null =>
  value === undefined ? null : write(value)

function linesOf(d: Difference, wave: number, because: DifferenceContext['because']): Line[] {
  const entries = d.entries
    .filter((change) => !isProvenanceOnly(change))
    .map((change): Line => {
      const one = change.after ?? change.before
      const [before, after] = [text(change.before, entryNotation), text(change.after, entryNotation)]
      return { mark: markOf(change), before, after, table: one?.table ?? null, wave, because: one ? because(one) : '' }
    })
  const groups = d.groups.map((change): Line => {
    const one = change.after ?? change.before
    const [before, after] = [text(change.before, groupNotation), text(change.after, groupNotation)]
    return { mark: markOf(change), before, after, table: null, wave, because: one ? because(one) : '' }
  })
  return [...groups, ...entries]
}

const wordsOf = ({ spec }: ComposedTable): string => `${spec.kind} on ${spec.fields.join(', ')}`

/** Everything that a change does on one datapath, in the shape of the API, before anything moved. */
export function datapathDifference(waves: readonly PlannedWave[], context: DifferenceContext): DatapathDifference {
  const { datapathId, datapath, server, tables } = context
  const parts = waves.map(({ parts }) => parts.get(datapathId))
  const lines = parts.flatMap((d, wave) => (d ? linesOf(d, wave, context.because) : []))
  const counts = parts.flatMap((d) => (d ? [tally(d)] : []))
  const sum = (of: 'added' | 'removed' | 'replaced') => counts.reduce((total, count) => total + count[of], 0)
  const named = new Set(lines.map(({ table }) => table))
  return {
    ...{ datapathId, datapath, server, state: 'waits', staged_ms: null, committed_ms: null, observed_ms: null },
    ...{ added: sum('added'), removed: sum('removed'), replaced: sum('replaced') },
    lines: lines.slice(0, MOST_LINES),
    truncated: Math.max(0, lines.length - MOST_LINES),
    tables: tables
      .filter(({ table }) => named.has(table))
      .map((one) => ({ table: one.table, name: one.name, words: wordsOf(one) })),
  }
}
