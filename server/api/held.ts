import type { DatapathTable, HeldEntry } from '#server/contract/datapaths.ts'
import type { EntryCounters, Held } from '#server/datapath/driver.ts'
import type { ComposedTable } from '#server/engine/change/compose.ts'
import { actionsOf, type Entry, sameEntry } from '#server/engine/program/entry.ts'
import { matchNotation } from '#server/engine/program/notation/match.ts'
import { instructionsNotation } from '#server/engine/program/notation.ts'
import type { Program } from '#server/engine/program/program.ts'

/** One place in a datapath's tables: what it holds, what it should, what passed. */
export interface Place {
  readonly entry: Entry
  readonly state: HeldEntry['state']
  readonly counters: EntryCounters | undefined
}

function stateOf(held: Entry | undefined, wanted: Entry | undefined): Place['state'] {
  if (!held) return 'missing'
  if (!wanted) return 'foreign'
  return sameEntry(held, wanted) ? 'held' : 'differs'
}

/** Every place that a datapath holds or should hold, in the order of tables and priorities. */
export function places(held: Held | undefined, wanted: Program): Place[] {
  const holds = held?.program.entries ?? new Map<string, Entry>()
  const keys = [...new Set([...holds.keys(), ...wanted.entries.keys()])].sort()
  return keys.map((key) => {
    const [now, should] = [holds.get(key), wanted.entries.get(key)]
    return { entry: (now ?? should) as Entry, state: stateOf(now, should), counters: held?.counters.get(key) }
  })
}

/** The 48 bits of a cookie that name its provenance row. */
export const provenanceOf = ({ cookie }: Entry): bigint => cookie & 0xffff_ffff_ffffn

/** A place in the shape of the API. */
export function heldEntry({ entry, state, counters }: Place, because: HeldEntry['because']): HeldEntry {
  return {
    ...{ key: entry.key, table: entry.table, priority: entry.priority, state, because },
    match: matchNotation(entry.match).join(',') || 'any',
    actions: instructionsNotation(entry.instructions),
    cookie: `0x${entry.cookie.toString(16)}`,
    packets: (counters?.packets ?? 0n).toString(),
    bytes: (counters?.bytes ?? 0n).toString(),
    age_ms: counters?.age_ms ?? 0,
  }
}

const drops = (entry: Entry): boolean =>
  actionsOf(entry).length === 0 && !entry.instructions.some(({ type }) => type === 'goto_table')

/** The tables of a pipeline with what is in them and what passed. */
export function tablesOf(
  all: readonly Place[],
  tables: readonly ComposedTable[],
  limit: number | null,
): DatapathTable[] {
  return tables.map(({ table, name, spec }) => {
    const inside = all.filter(({ entry }) => entry.table === table)
    const packets = (of: readonly Place[]) => of.reduce((sum, { counters }) => sum + (counters?.packets ?? 0n), 0n)
    const next = inside.flatMap(({ entry }) =>
      entry.instructions.flatMap((one) => (one.type === 'goto_table' ? [one.table] : [])),
    )
    return {
      ...{ table, name, kind: spec.kind, fields: [...spec.fields], miss: spec.miss, entries: inside.length, limit },
      words: `${spec.kind} on ${spec.fields.join(', ')}`,
      packets: packets(inside).toString(),
      next: [...new Set(next)].sort((a, b) => a - b),
      dropped: packets(inside.filter(({ entry }) => drops(entry))).toString(),
    }
  })
}
