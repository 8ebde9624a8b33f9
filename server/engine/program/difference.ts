import { actionsOf, type Entry, type Group, sameEntry, sameGroup } from './entry.ts'
import type { Change, Difference, Program, TunnelNeighbour } from './program.ts'

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const byNumber = (a: number, b: number): number => a - b

/** Changes between two maps, in the order of their keys. `same` says that nothing at all changes. */
function changesBetween<K, V>(
  before: ReadonlyMap<K, V>,
  after: ReadonlyMap<K, V>,
  same: (a: V, b: V) => boolean,
  order: (a: K, b: K) => number,
): Change<V>[] {
  const changes: { key: K; change: Change<V> }[] = []
  for (const [key, value] of after) {
    const old = before.get(key)
    if (old === undefined) changes.push({ key, change: { after: value } })
    else if (!same(old, value)) changes.push({ key, change: { before: old, after: value } })
  }
  for (const [key, value] of before) if (!after.has(key)) changes.push({ key, change: { before: value } })
  return changes.sort((a, b) => order(a.key, b.key)).map(({ change }) => change)
}

const sameNeighbour = (a: TunnelNeighbour, b: TunnelNeighbour): boolean => a.address === b.address

/**
 * What leads from one program of a datapath to another, in the order of keys. A cookie that alone is different is a
 * change too (the device must be told), but one of provenance alone: see `isProvenanceOnly`.
 */
export function diff(before: Program, after: Program): Difference {
  return Object.freeze({
    entries: changesBetween(before.entries, after.entries, (a, b) => a.cookie === b.cookie && sameEntry(a, b), byText),
    groups: changesBetween(before.groups, after.groups, sameGroup, byNumber),
    neighbours: changesBetween(before.neighbours, after.neighbours, sameNeighbour, byText),
  })
}

/** An entry that goes on doing the same and changes its cookie only: outside hashes and previews. */
export const isProvenanceOnly = ({ before, after }: Change<Entry>): boolean =>
  before !== undefined && after !== undefined && sameEntry(before, after)

function turned<T>({ before, after }: Change<T>): Change<T> {
  return { ...(after === undefined ? {} : { before: after }), ...(before === undefined ? {} : { after: before }) }
}

/** The way back. */
export function inverse(d: Difference): Difference {
  return Object.freeze({
    entries: d.entries.map(turned),
    groups: d.groups.map(turned),
    neighbours: d.neighbours.map(turned),
  })
}

function changed<K, V>(
  map: ReadonlyMap<K, V>,
  steps: readonly (readonly Change<V>[])[],
  key: (v: V) => K,
): ReadonlyMap<K, V> {
  if (steps.every((changes) => changes.length === 0)) return map
  const result = new Map(map)
  for (const changes of steps)
    for (const { before, after } of changes) {
      if (after !== undefined) result.set(key(after), after)
      else if (before !== undefined) result.delete(key(before))
    }
  return result
}

/** Brings what the differences name, one after the other, to its `after` state, whatever it was; all else stays (and is shared). */
export function applyAll(program: Program, steps: readonly Difference[]): Program {
  const of = <K extends keyof Difference>(kind: K) => steps.map((one) => one[kind])
  return Object.freeze({
    entries: changed(program.entries, of('entries'), (entry) => entry.key),
    groups: changed(program.groups, of('groups'), (group) => group.group),
    neighbours: changed(program.neighbours, of('neighbours'), (neighbour) => neighbour.address),
  })
}

/** Brings what the difference names to its `after` state, whatever it was; all else stays (and is shared). */
export const apply = (program: Program, d: Difference): Program => applyAll(program, [d])

function heldBefore<K, V>(held: ReadonlyMap<K, V>, changes: readonly Change<V>[], key: (v: V) => K): Change<V>[] {
  return changes.flatMap((change) => {
    const before = held.get(key((change.after ?? change.before) as V))
    if (before === undefined && change.after === undefined) return []
    return [
      { ...(before === undefined ? {} : { before }), ...(change.after === undefined ? {} : { after: change.after }) },
    ]
  })
}

/**
 * The entries that a switch drops by itself when the difference takes their group away, and that the difference does
 * not name: they belong to the before-image.
 */
export function cascade(held: Program, d: Difference): Change<Entry>[] {
  // A group that stays keeps its entries, also when its type changes: it is modified, not made anew.
  const gone = new Set(d.groups.flatMap(({ before, after }) => (before && !after ? [before.group] : [])))
  if (gone.size === 0) return []
  const named = new Set(d.entries.map(({ before, after }) => (after ?? before)?.key))
  const lost: Change<Entry>[] = []
  for (const entry of held.entries.values()) {
    if (named.has(entry.key)) continue
    if (actionsOf(entry).some((action) => action.type === 'group' && gone.has(action.group)))
      lost.push({ before: entry })
  }
  return lost
}

/**
 * The same difference as seen from what a datapath really holds: `before` is what is held now at each place that the
 * difference touches (removals of what is not there fall away, entries that a removed group takes along are added).
 * This is the before-image: its inverse brings the datapath back to `held`.
 */
export function restrict(held: Program, d: Difference): Difference {
  return Object.freeze({
    entries: [...heldBefore(held.entries, d.entries, (entry) => entry.key), ...cascade(held, d)],
    groups: heldBefore(held.groups, d.groups, (group: Group) => group.group),
    neighbours: heldBefore(held.neighbours, d.neighbours, (neighbour) => neighbour.address),
  })
}

/** How much a difference changes, for people. */
export interface Tally {
  readonly added: number
  readonly removed: number
  readonly replaced: number
  /** Entries that only change their cookie. */
  readonly provenance: number
  readonly groups: number
}

/** Counts the changes of a difference. */
export function tally(d: Difference): Tally {
  const count = { added: 0, removed: 0, replaced: 0, provenance: 0, groups: d.groups.length }
  for (const change of d.entries) {
    if (change.before === undefined) count.added++
    else if (change.after === undefined) count.removed++
    else if (isProvenanceOnly(change)) count.provenance++
    else count.replaced++
  }
  return count
}
