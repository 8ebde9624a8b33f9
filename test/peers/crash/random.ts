import { cascade, diff } from '#server/engine/program/difference.ts'
import { actionsOf, type Entry, entry, type Group, group } from '#server/engine/program/entry.ts'
import type { Difference, Program } from '#server/engine/program/program.ts'
import type { Action } from '#server/kernel/action.ts'

/** Numbers that look random and are the same for the same seed (mulberry32). */
export interface Random {
  /** 0 to `limit` - 1. */
  below(limit: number): number
  pick<T>(list: readonly T[]): T
  chance(of: number): boolean
}

export function randomOf(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return { below, pick: (list) => list[below(list.length)] as (typeof list)[number], chance: (of) => next() < of }
}

const PLACES = 90
const GROUPS = 8

/** The entry at one of the places of a switch: always there, whatever it does. */
function entryAt(place: number, actions: readonly Action[], random: Random): Entry {
  return entry({
    table: place % 3,
    priority: 100 + (place % 7),
    match: [
      { field: 'in_port', value: BigInt(1 + (place % 5)) },
      { field: 'eth_type', value: 0x800n },
      { field: 'ipv4_dst', value: 0x0a00_0000n + BigInt(place) },
    ],
    instructions: actions.length > 0 ? [{ type: 'apply_actions', actions }] : [],
    cookie: 0x5701_0000_0000_0000n + BigInt(random.below(2 ** 32)),
    idle_timeout: random.chance(0.1) ? 3000 : 0,
  })
}

function actionsFor(groups: ReadonlyMap<number, Group>, random: Random): Action[] {
  const output: Action = { type: 'output', port: 1 + random.below(9) }
  if (groups.size > 0 && random.chance(0.3)) return [{ type: 'group', group: random.pick([...groups.keys()]) }]
  if (random.chance(0.2)) return []
  const address = 0x5254_0000_0000n + BigInt(random.below(2 ** 16))
  return random.chance(0.5) ? [{ type: 'set_field', field: 'eth_dst', value: address }, output] : [output]
}

const groupNumbered = (number: number, random: Random): Group =>
  group({
    group: number,
    type: random.pick(['all', 'select']),
    buckets: Array.from({ length: 1 + random.below(3) }, () => ({
      actions: [{ type: 'output', port: 1 + random.below(9) }],
    })),
  })

const pointsTo = (one: Entry, gone: number): boolean =>
  actionsOf(one).some((action) => action.type === 'group' && action.group === gone)

/** A program some random edits away from another: entries put, replaced and taken away, groups likewise. */
export function wander(from: Program, edits: number, random: Random): Program {
  const entries = new Map(from.entries)
  const groups = new Map(from.groups)
  const put = () => {
    const one = entryAt(random.below(PLACES), actionsFor(groups, random), random)
    entries.set(one.key, one)
  }
  put()
  for (let i = 0; i < edits; i++) {
    const dice = random.below(10)
    if (dice < 5) put()
    else if (dice < 8) entries.delete(random.pick([...entries.keys()]))
    else {
      const number = 1 + random.below(GROUPS)
      if (!groups.has(number) || random.chance(0.5)) groups.set(number, groupNumbered(number, random))
      else {
        groups.delete(number)
        for (const one of entries.values()) if (pointsTo(one, number)) entries.delete(one.key)
      }
    }
  }
  return { entries, groups, neighbours: new Map() }
}

/** What leads from one program to the other; with `silently`, removals that the switch makes by itself are not named. */
export function way(from: Program, to: Program, silently: boolean): Difference {
  const whole = diff(from, to)
  if (!silently) return whole
  const entries = whole.entries.filter((change) => change.after !== undefined)
  const lost = new Set(cascade(from, { ...whole, entries }).map(({ before }) => before?.key))
  return { ...whole, entries: whole.entries.filter(({ before, after }) => after || !lost.has(before?.key)) }
}
