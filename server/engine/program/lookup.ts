import { fullMask } from '#server/kernel/match.ts'
import type { Entry } from './entry.ts'
import { fieldOf, type Packet } from './packet.ts'

/** Finds the entry of highest priority that takes a packet. */
export type Lookup = (packet: Packet) => Entry | undefined

/** Entries whose matches look at the same bits: found by one hash lookup, as in tuple space search. */
interface Tuple {
  readonly bits: readonly (readonly [Entry['match'][number]['field'], bigint])[]
  readonly entries: Map<string, Entry>
  highest: number
}

const shapeOf = (entry: Entry): string =>
  entry.match.map(({ field, mask }) => (mask === undefined ? field : `${field}/${mask.toString(16)}`)).join(',')

const valueKey = (values: readonly bigint[]): string => values.map((value) => value.toString(36)).join(',')

function tuplesOf(entries: Iterable<Entry>): Tuple[] {
  const tuples = new Map<string, Tuple>()
  for (const entry of entries) {
    const shape = shapeOf(entry)
    let tuple = tuples.get(shape)
    if (tuple === undefined) {
      const bits = entry.match.map(({ field, mask }) => [field, mask ?? fullMask(field)] as const)
      tuple = { bits, entries: new Map(), highest: -1 }
      tuples.set(shape, tuple)
    }
    const key = valueKey(entry.match.map(({ value }) => value))
    const there = tuple.entries.get(key)
    if (there === undefined || there.priority < entry.priority) tuple.entries.set(key, entry)
    tuple.highest = Math.max(tuple.highest, entry.priority)
  }
  return [...tuples.values()].sort((a, b) => b.highest - a.highest)
}

/** An index over the entries of one table. Of entries of one priority that both take a packet, either may be found. */
export function tableLookup(entries: Iterable<Entry>): Lookup {
  const tuples = tuplesOf(entries)
  return (packet) => {
    let best: Entry | undefined
    for (const { bits, entries: byValue, highest } of tuples) {
      if (best !== undefined && best.priority >= highest) break
      const found = byValue.get(valueKey(bits.map(([field, mask]) => fieldOf(packet, field) & mask)))
      if (found !== undefined && found.priority > (best?.priority ?? -1)) best = found
    }
    return best
  }
}
