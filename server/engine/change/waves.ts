import { apply, inverse, restrict } from '../program/difference.ts'
import { type Entry, type Group, sameEntry, sameGroup } from '../program/entry.ts'
import type { Change, Difference, Program, TunnelNeighbour } from '../program/program.ts'

const entryKeyOf = (change: Change<Entry>): string => (change.after ?? change.before)?.key ?? ''
const groupKeyOf = (change: Change<Group>): number => (change.after ?? change.before)?.group ?? -1
const neighbourKeyOf = (change: Change<TunnelNeighbour>): string => (change.after ?? change.before)?.address ?? ''

const changeOf = <T>(before: T | undefined, after: T | undefined): Change<T> => ({
  ...(before !== undefined && { before }),
  ...(after !== undefined && { after }),
})

/** One kind of thing over all waves: every key stays in the last wave that touches it, with its first `before`. */
function onceEach<T, K>(waves: readonly (readonly Change<T>[])[], keyOf: (change: Change<T>) => K): Change<T>[][] {
  const first = new Map<K, T | undefined>()
  for (const wave of waves)
    for (const change of wave) {
      const key = keyOf(change)
      if (!first.has(key)) first.set(key, change.before)
    }
  const placed = new Set<K>()
  const steps: Change<T>[][] = []
  for (const wave of waves.toReversed()) {
    const left = wave.filter((change) => !placed.has(keyOf(change)))
    for (const change of left) placed.add(keyOf(change))
    steps.push(
      left.map((change) => {
        // What came in an earlier wave and goes in this one was not there at first, and must be named all the same.
        const gone = change.after === undefined ? change.before : undefined
        return changeOf(first.get(keyOf(change)) ?? gone, change.after)
      }),
    )
  }
  return steps.reverse()
}

/**
 * The waves with every key in one of them alone: the last that touches it. Bringing the steps to a device in order,
 * as often as one likes and wherever one begins, ends where the waves end.
 */
export function forwardSteps(waves: readonly Difference[]): Difference[] {
  if (waves.length === 1) return [...waves]
  const of = <K extends keyof Difference>(kind: K) => waves.map((wave) => wave[kind])
  const entries = onceEach(of('entries'), entryKeyOf)
  const groups = onceEach(of('groups'), groupKeyOf)
  const neighbours = onceEach(of('neighbours'), neighbourKeyOf)
  return waves.map((_, n) => ({ entries: entries[n] ?? [], groups: groups[n] ?? [], neighbours: neighbours[n] ?? [] }))
}

/** What takes the waves back, newest first, every key once. */
export const undoSteps = (waves: readonly Difference[]): Difference[] => forwardSteps(waves.map(inverse).reverse())

/** All steps as one difference. Each key must stand in one of them alone. */
export function together(steps: readonly Difference[]): Difference {
  return {
    entries: steps.flatMap((one) => one.entries),
    groups: steps.flatMap((one) => one.groups),
    neighbours: steps.flatMap((one) => one.neighbours),
  }
}

/** A place in a program, what stands there now and what should. */
export type Mismatch =
  | { readonly kind: 'entry'; readonly key: string; readonly held?: Entry; readonly wanted?: Entry }
  | { readonly kind: 'group'; readonly key: number; readonly held?: Group; readonly wanted?: Group }

const same = <T>(a: T | undefined, b: T | undefined, equal: (a: T, b: T) => boolean): boolean =>
  a === undefined || b === undefined ? a === b : equal(a, b)

function mismatch(held: Program, change: Change<Entry>, wanted: Entry | undefined): Mismatch | undefined {
  const key = entryKeyOf(change)
  const now = held.entries.get(key)
  if (same(now, wanted, sameEntry)) return undefined
  return { kind: 'entry', key, ...(now && { held: now }), ...(wanted && { wanted }) }
}

function groupMismatch(held: Program, change: Change<Group>, wanted: Group | undefined): Mismatch | undefined {
  const key = groupKeyOf(change)
  const now = held.groups.get(key)
  if (same(now, wanted, sameGroup)) return undefined
  return { kind: 'group', key, ...(now && { held: now }), ...(wanted && { wanted }) }
}

/**
 * The first place of a difference that a program does not hold as the difference leaves it; undefined when it holds all.
 * Neighbours are left out: devices learn and forget them by themselves.
 */
export function firstUnmet(held: Program, difference: Difference): Mismatch | undefined {
  for (const change of difference.entries) {
    const found = mismatch(held, change, change.after)
    if (found) return found
  }
  for (const change of difference.groups) {
    const found = groupMismatch(held, change, change.after)
    if (found) return found
  }
  return undefined
}

/** Nothing of what is wanted is there: a restart, not somebody's hand. */
export function isEmptied(held: Program, wanted: Program): boolean {
  for (const [key, entry] of wanted.entries) {
    const now = held.entries.get(key)
    if (now && sameEntry(now, entry)) return false
  }
  return wanted.entries.size > 0
}

/** Of all that is wanted beside the places of a difference nothing is there, though something should be: likewise. */
export function hasLostRest(held: Program, wanted: Program, difference: Difference): boolean {
  const puts = difference.entries.filter(({ after }) => after !== undefined)
  // Every one of them is wanted.
  if (puts.length >= wanted.entries.size) return false
  const touched = new Set(difference.entries.map(entryKeyOf))
  let rest = false
  for (const [key, entry] of wanted.entries) {
    if (touched.has(key)) continue
    rest = true
    const now = held.entries.get(key)
    if (now && sameEntry(now, entry)) return false
  }
  return rest
}

/** The first place that the waves touch where a device holds something else than it is wanted to hold. */
export function firstDrift(held: Program, wanted: Program, waves: readonly Difference[]): Mismatch | undefined {
  for (const wave of waves) {
    for (const change of wave.entries) {
      const found = mismatch(held, change, wanted.entries.get(entryKeyOf(change)))
      if (found) return found
    }
    for (const change of wave.groups) {
      const found = groupMismatch(held, change, wanted.groups.get(groupKeyOf(change)))
      if (found) return found
    }
  }
  return undefined
}

/** The waves as seen from what the device holds: with their before-images, so that they can be taken back. */
export function withImages(held: Program, waves: readonly Difference[]): Difference[] {
  let now = held
  return waves.map((wave, n) => {
    const seen = restrict(now, wave)
    if (n + 1 < waves.length) now = apply(now, seen)
    return seen
  })
}
