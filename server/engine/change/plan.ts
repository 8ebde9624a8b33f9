import { PHASES, type Phase } from '../capability.ts'
import { diff } from '../program/difference.ts'
import { actionsOf, type Entry, type Group, sameEntry } from '../program/entry.ts'
import { type Change, type Difference, EMPTY_PROGRAM, type Program } from '../program/program.ts'
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
const WAVES = [...ADDING, ...REMOVING]
const LAST = WAVES.length - 1

const addingWave = (phase: Phase): number => PHASES.indexOf(phase)
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

/** For each group, the first wave whose entries point to it. */
function firstUse(entries: readonly (readonly Change<Entry>[])[]): Map<number, number> {
  const first = new Map<number, number>()
  for (const [wave, changes] of entries.entries())
    for (const { after } of changes)
      for (const action of after ? actionsOf(after) : [])
        if (action.type === 'group' && !first.has(action.group)) first.set(action.group, wave)
  return first
}

const originsOf = (composed: Composed | undefined, key: string): Origin | undefined => composed?.origins.get(key)

interface Sorter {
  readonly before: Composed | undefined
  readonly after: Composed | undefined
  /** Tables that cannot hold old and new at once: there, what goes makes room first. */
  readonly crowded: ReadonlySet<number>
}

function waveOfEntry({ before, after }: Change<Entry>, sorter: Sorter): number {
  if (after) return addingWave(originsOf(sorter.after, after.key)?.phase ?? 'transmit')
  if (!before || sorter.crowded.has(before.table)) return 0
  return removingWave(originsOf(sorter.before, before.key)?.phase ?? 'transmit')
}

function waveOfGroup({ before, after }: Change<Group>, uses: ReadonlyMap<number, number>): number {
  if (!after) return LAST
  // A group that exists changes when its receivers are ready; a new one comes with the first entry that uses it.
  return before ? addingWave('transmit') : (uses.get(after.group) ?? addingWave('transmit'))
}

function crowdedTables(committed: Program, d: Difference, limit: number | undefined): Set<number> {
  if (limit === undefined) return new Set()
  const count = new Map<number, number>()
  for (const { table } of committed.entries.values()) count.set(table, (count.get(table) ?? 0) + 1)
  for (const { before, after } of d.entries)
    if (after && !before) count.set(after.table, (count.get(after.table) ?? 0) + 1)
  return new Set([...count].flatMap(([table, most]) => (most > limit ? [table] : [])))
}

/** Cuts one datapath's difference into the six waves. */
function cut(d: Difference, sorter: Sorter): Difference[] {
  const entries: Change<Entry>[][] = WAVES.map(() => [])
  for (const change of d.entries) entries[waveOfEntry(change, sorter)]?.push(change)
  const uses = firstUse(entries)
  const groups: Change<Group>[][] = WAVES.map(() => [])
  for (const change of d.groups) groups[waveOfGroup(change, uses)]?.push(change)
  return WAVES.map((_, wave) => ({
    entries: entries[wave] ?? [],
    groups: groups[wave] ?? [],
    neighbours: d.neighbours.filter(({ after }) => (after ? wave === 0 : wave === LAST)),
  }))
}

const isEmpty = (d: Difference | undefined): boolean =>
  !d || (d.entries.length === 0 && d.groups.length === 0 && d.neighbours.length === 0)

/**
 * The way from what is committed to what is wanted, cut into waves over all datapaths, so that no packet is dropped or
 * leaked in between. Waves in which nothing happens are left out; all of them together are the whole difference.
 */
export function plan(input: PlanInput): Plan {
  const ids = [...new Set([...input.committed.keys(), ...input.after.keys()])].sort()
  const programs = new Map<string, Program>()
  const cuts = new Map<string, Difference[]>()
  for (const id of ids) {
    const committed = input.committed.get(id) ?? EMPTY_PROGRAM
    const [before, after] = [input.before.get(id), input.after.get(id)]
    const wanted = after ? withCookies(after, before, committed, input) : EMPTY_PROGRAM
    const difference = diff(committed, wanted)
    if (isEmpty(difference)) continue
    programs.set(id, wanted)
    const crowded = crowdedTables(committed, difference, input.tableLimit.get(id))
    cuts.set(id, cut(difference, { before, after, crowded }))
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
