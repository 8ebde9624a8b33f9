import type { DatapathTable, HeldEntry } from '#server/contract/datapaths.ts'
import type { EntryCounters, Held } from '#server/datapath/driver.ts'
import type { ComposedTable } from '#server/engine/change/compose.ts'
import { actionsOf, type Entry, sameEntry } from '#server/engine/program/entry.ts'
import { matchNotation } from '#server/engine/program/notation/match.ts'
import { entryNotation, instructionsNotation } from '#server/engine/program/notation.ts'
import type { Program } from '#server/engine/program/program.ts'

/** The highest 8 bits of every cookie that Weft makes. */
const COOKIE_TAG = 0x57n

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

/** The keys of a program in the order of tables and priorities. Programs are frozen, so this is done once for each. */
const sortedKeys = new WeakMap<Program, readonly string[]>()

function keysOf(program: Program): readonly string[] {
  const keys = sortedKeys.get(program) ?? [...program.entries.keys()].sort()
  sortedKeys.set(program, keys)
  return keys
}

/** Two sorted lists as one. */
function merged(a: readonly string[], b: readonly string[]): readonly string[] {
  if (b.length === 0) return a
  const all: string[] = []
  let n = 0
  for (const key of a) {
    for (; n < b.length && (b[n] as string) < key; n++) all.push(b[n] as string)
    all.push(key)
  }
  return all.concat(b.slice(n))
}

function everyPlace(held: Held | undefined, wanted: Program): readonly Place[] {
  const holds = held?.program.entries ?? new Map<string, Entry>()
  const foreign = [...holds.keys()].filter((key) => !wanted.entries.has(key)).sort()
  return merged(keysOf(wanted), foreign).map((key) => {
    const [now, should] = [holds.get(key), wanted.entries.get(key)]
    return { entry: (now ?? should) as Entry, state: stateOf(now, should), counters: held?.counters.get(key) }
  })
}

/** Kept for as long as a reading is: pages of one table follow each other, and several people look. */
const lastPlaces = new WeakMap<Held, { readonly wanted: Program; readonly all: readonly Place[] }>()

/** Every place that a datapath holds or should hold, in the order of tables and priorities. */
export function places(held: Held | undefined, wanted: Program): readonly Place[] {
  if (!held) return everyPlace(held, wanted)
  const kept = lastPlaces.get(held)
  if (kept?.wanted === wanted) return kept.all
  const all = everyPlace(held, wanted)
  lastPlaces.set(held, { wanted, all })
  return all
}

const notations = new WeakMap<Entry, string>()

/** An entry in `ovs-ofctl` notation, written once for each search that goes through all of them. */
export function searchedText({ entry }: Place): string {
  const text = notations.get(entry) ?? entryNotation(entry)
  notations.set(entry, text)
  return text
}

/** The 48 bits of a cookie that name its provenance row; undefined for a cookie that Weft did not make. */
export const provenanceOf = ({ cookie }: Entry): bigint | undefined =>
  cookie >> 56n === COOKIE_TAG ? cookie & 0xffff_ffff_ffffn : undefined

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
