import { PHASES, type Phase } from '../capability.ts'
import { diff } from '../program/difference.ts'
import { actionsOf, type Entry, type Group, sameEntry, sameGroup } from '../program/entry.ts'
import { type Change, type Difference, EMPTY_PROGRAM, type Program } from '../program/program.ts'
import { sameActions } from '../program/same.ts'
import { type Composed, groupOrigin, type Origin } from './compose.ts'

/** One wave over all datapaths: inside it datapaths are independent. */
export interface PlannedWave {
  readonly name: string
  /** What it does, for people. */
  readonly words: string
  readonly parts: ReadonlyMap<string, Difference>
}

export interface PlanInput {
  /** What each datapath is wanted to hold by committed changes; one never touched may be left out. */
  readonly committed: ReadonlyMap<string, Program>
  /** Committed intent, compiled now: phases and reasons of what is there. */
  readonly before: ReadonlyMap<string, Composed>
  /** Intent with the change, compiled. */
  readonly after: ReadonlyMap<string, Composed>
  /** The most that each table of a datapath can hold, where the datapath said so. */
  readonly tableLimit: ReadonlyMap<string, number>
  /** The cookie for an entry that the change touches, by the intents that ask for it. */
  readonly cookieOf: (because: readonly string[]) => bigint
}

export interface Plan {
  readonly waves: readonly PlannedWave[]
  /** What each datapath touched will hold. */
  readonly programs: ReadonlyMap<string, Program>
}

/** What asks for it is gone, so nothing needs it while the rest is built: no port is let into two networks at once. */
const LEAVING = [{ name: 'leave', words: 'What nobody asks for any longer goes first' }] as const
const ADDING = [
  { name: 'receive', words: 'What receives is put in place everywhere' },
  { name: 'transmit', words: 'What transmits follows, once every receiver is ready' },
  { name: 'expose', words: 'Ports are let in' },
] as const
const REMOVING = [
  { name: 'withdraw', words: 'Ports are shut out' },
  { name: 'silence', words: 'What transmitted goes' },
  { name: 'clear', words: 'What received goes' },
] as const
const WAVES = [...LEAVING, ...ADDING, ...REMOVING]
const LEAVE = 0
const LAST = WAVES.length - 1

const addingWave = (phase: Phase): number => LEAVING.length + PHASES.indexOf(phase)
const removingWave = (phase: Phase): number => LAST - PHASES.indexOf(phase)

const sameReasons = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((reason) => b.includes(reason))

/** Gives every entry its cookie: the one that it has where neither it nor its reasons change. */
function withCookies(composed: Composed, before: Composed | undefined, committed: Program, input: PlanInput): Program {
  const entries = new Map<string, Entry>()
  for (const [key, wanted] of composed.program.entries) {
    const because = composed.origins.get(key)?.because ?? []
    const known = committed.entries.get(key)
    const reasons = before?.origins.get(key)?.because
    const kept = known !== undefined && reasons !== undefined && sameReasons(reasons, because)
    const cookie = kept && sameEntry(known, wanted) ? known.cookie : input.cookieOf(because)
    entries.set(key, Object.freeze({ ...wanted, cookie }))
  }
  return Object.freeze({ ...composed.program, entries })
}

const groupsUsedBy = (entry: Entry | undefined): readonly number[] =>
  entry ? actionsOf(entry).flatMap((action) => (action.type === 'group' ? [action.group] : [])) : []

/** By group, the first wave that brings an entry that uses it, and the last that takes one away. */
function groupUses(entries: readonly (readonly Change<Entry>[])[]) {
  const first = new Map<number, number>()
  const last = new Map<number, number>()
  for (const [wave, changes] of entries.entries())
    for (const { before, after } of changes) {
      for (const group of groupsUsedBy(after)) if (!first.has(group)) first.set(group, wave)
      for (const group of groupsUsedBy(before)) last.set(group, wave)
    }
  return { first, last }
}

const originsOf = (composed: Composed | undefined, key: string): Origin | undefined => composed?.origins.get(key)

interface Sorter {
  readonly before: Composed | undefined
  readonly after: Composed | undefined
  /** Tables that cannot hold old and new at once: there, what goes makes room first. */
  readonly crowded: ReadonlySet<number>
  /** Every intent that asks for something once the change is done, on whichever datapath. */
  readonly asked: ReadonlySet<string>
}

/** The intent that asked most specifically for an entry, where it is gone from all intent. */
function leaver(entry: Entry, { before, asked }: Sorter): string | undefined {
  const [first] = originsOf(before, entry.key)?.because ?? []
  return first === undefined || asked.has(first) ? undefined : first
}

/** The wave, or for a place that changes hands the two waves, of a change. */
function wavesOfEntry(change: Change<Entry>, sorter: Sorter): readonly (readonly [number, Change<Entry>])[] {
  const { before, after } = change
  if (after) {
    const adding = addingWave(originsOf(sorter.after, after.key)?.phase ?? 'transmit')
    if (!before || sameEntry(before, after) || leaver(before, sorter) === undefined) return [[adding, change]]
    return [
      [LEAVE, { before }],
      [adding, { after }],
    ]
  }
  if (!before) return []
  if (sorter.crowded.has(before.table) || leaver(before, sorter) !== undefined) return [[LEAVE, change]]
  return [[removingWave(originsOf(sorter.before, before.key)?.phase ?? 'transmit'), change]]
}

/** A group without the buckets that it is to lose; undefined when it loses none. */
function shrunk(before: Group, after: Group): Group | undefined {
  if (before.type !== after.type) return undefined
  const buckets = before.buckets.filter((one) => after.buckets.some((other) => sameActions(one.actions, other.actions)))
  return buckets.length === before.buckets.length ? undefined : Object.freeze({ ...before, buckets })
}

/** A group that exists changes when its receivers are ready; what has left is taken out of it before. */
function wavesOfGroup(
  { before, after }: Change<Group>,
  { first, last }: ReturnType<typeof groupUses>,
  leaving: boolean,
): readonly (readonly [number, Change<Group>])[] {
  if (!after) return before ? [[last.get(before.group) ?? LEAVE, { before }]] : []
  if (!before) return [[first.get(after.group) ?? addingWave('transmit'), { after }]]
  const between = leaving ? shrunk(before, after) : undefined
  if (between === undefined) return [[addingWave('transmit'), { before, after }]]
  if (sameGroup(between, after)) return [[LEAVE, { before, after }]]
  return [
    [LEAVE, { before, after: between }],
    [addingWave('transmit'), { before: between, after }],
  ]
}

function crowdedTables(committed: Program, d: Difference, limit: number | undefined): Set<number> {
  if (limit === undefined) return new Set()
  const count = new Map<number, number>()
  for (const { table } of committed.entries.values()) count.set(table, (count.get(table) ?? 0) + 1)
  for (const { before, after } of d.entries)
    if (after && !before) count.set(after.table, (count.get(after.table) ?? 0) + 1)
  return new Set([...count].flatMap(([table, most]) => (most > limit ? [table] : [])))
}

function dealt<T>(
  changes: readonly Change<T>[],
  wavesOf: (change: Change<T>) => readonly (readonly [number, Change<T>])[],
): Change<T>[][] {
  const waves: Change<T>[][] = WAVES.map(() => [])
  for (const change of changes) for (const [wave, part] of wavesOf(change)) waves[wave]?.push(part)
  return waves
}

/** Cuts one datapath's difference into the waves. Neighbours are known before entries point to them, and until none does. */
function cut(d: Difference, sorter: Sorter): Difference[] {
  const entries = dealt(d.entries, (change) => wavesOfEntry(change, sorter))
  const uses = groupUses(entries)
  const leaving = entries[LEAVE]?.length !== 0
  const groups = dealt(d.groups, (change) => wavesOfGroup(change, uses, leaving))
  const last = WAVES.findLastIndex((_, wave) => entries[wave]?.length || groups[wave]?.length)
  const neighbours = dealt(d.neighbours, (change) => [
    [change.after ? addingWave('receive') : Math.max(last, LEAVE), change],
  ])
  return WAVES.map((_, wave) => ({
    ...{ entries: entries[wave] ?? [], groups: groups[wave] ?? [], neighbours: neighbours[wave] ?? [] },
  }))
}

const isEmpty = (d: Difference | undefined): boolean =>
  !d || (d.entries.length === 0 && d.groups.length === 0 && d.neighbours.length === 0)

function askedFor(composed: ReadonlyMap<string, Composed>): ReadonlySet<string> {
  const asked = new Set<string>()
  for (const { origins } of composed.values())
    for (const { because } of origins.values()) for (const one of because) asked.add(one)
  return asked
}

/**
 * The way from what is committed to what is wanted, cut into waves over all datapaths, so that no packet is dropped or
 * leaked in between. Waves in which nothing happens are left out; all of them together are the whole difference.
 * A place that changes hands (and a group that loses and gains buckets) is touched by two waves.
 */
export function plan(input: PlanInput): Plan {
  const ids = [...new Set([...input.committed.keys(), ...input.after.keys()])].sort()
  const programs = new Map<string, Program>()
  const cuts = new Map<string, Difference[]>()
  const asked = askedFor(input.after)
  for (const id of ids) {
    const committed = input.committed.get(id) ?? EMPTY_PROGRAM
    const [before, after] = [input.before.get(id), input.after.get(id)]
    const wanted = after ? withCookies(after, before, committed, input) : EMPTY_PROGRAM
    const difference = diff(committed, wanted)
    if (isEmpty(difference)) continue
    programs.set(id, wanted)
    const crowded = crowdedTables(committed, difference, input.tableLimit.get(id))
    cuts.set(id, cut(difference, { before, after, crowded, asked }))
  }
  const waves = WAVES.flatMap(({ name, words }, wave): PlannedWave[] => {
    const parts = [...cuts].flatMap(([id, waves]): [string, Difference][] => {
      const part = waves[wave]
      return part && !isEmpty(part) ? [[id, part]] : []
    })
    return parts.length > 0 ? [{ name, words, parts: new Map(parts) }] : []
  })
  return { waves, programs }
}

/** Every distinct list of intents whose entries the plan touches: each needs a provenance row. */
export function touchedReasons(planned: Plan, after: ReadonlyMap<string, Composed>): readonly (readonly string[])[] {
  const lists = new Map<string, readonly string[]>()
  for (const { parts } of planned.waves)
    for (const [id, { entries }] of parts)
      for (const change of entries) {
        const because = change.after && originsOf(after.get(id), change.after.key)?.because
        if (because) lists.set(because.join(' '), because)
      }
  return [...lists.values()]
}

/** Why a group or entry of a change is there, in the intents' `kind/id`. */
export const reasonsOf = (composed: Composed | undefined, of: Entry | Group): readonly string[] =>
  originsOf(composed, 'key' in of ? of.key : groupOrigin(of.group))?.because ?? []
