import { type Action, type Instruction, PORT } from '#server/kernel/action.ts'
import { canonicalMatch, type FieldMatch, type Match, matchKey } from '#server/kernel/match.ts'
import { canonicalActions, canonicalInstructions } from './canonical.ts'
import { sameActions, sameInstructions } from './same.ts'

/** OFPG_ANY: no group is watched. */
const ANY_GROUP = 0xffffffff

/** One table entry. Equality is by `identity`; cookie and counters are not part of it. */
export interface Entry {
  readonly table: number
  readonly priority: number
  readonly match: Match
  readonly instructions: readonly Instruction[]
  /** Provenance: 8 bits tag, 8 bits installation, 48 bits provenance row. */
  readonly cookie: bigint
  /** Seconds; 0 is never. */
  readonly idle_timeout: number
  readonly hard_timeout: number
  /** OFPFF_* bits that the switch keeps. */
  readonly flags: number
  readonly importance: number
  /** Where it stands: table, priority and match. Two entries with one key cannot be in a switch at once. */
  readonly key: string
}

export type GroupType = 'all' | 'select' | 'indirect' | 'fast_failover'

export interface Bucket {
  readonly weight: number
  readonly watch_port?: number
  readonly watch_group?: number
  readonly actions: readonly Action[]
}

/** One group of an OpenFlow datapath. */
export interface Group {
  readonly group: number
  readonly type: GroupType
  readonly buckets: readonly Bucket[]
}

export const entryKey = (table: number, priority: number, match: Match): string =>
  `${table.toString().padStart(3, '0')}/${(65535 - priority).toString().padStart(5, '0')}/${matchKey(match)}`

/**
 * Fields of a match that have no name here, as a switch gave them, in hex. They stand at the end of a key as `?hex,`:
 * without them two entries of somebody else's would have one key.
 */
export const namelessFields = (key: string): string[] => [...key.matchAll(/\?([0-9a-f]+),/g)].map(([, hex = '']) => hex)

/** Makes a frozen entry in canonical form from as little as a table, a priority, a match and what it does. */
export function entry(e: {
  table: number
  priority: number
  match: Iterable<FieldMatch>
  instructions: readonly Instruction[]
  cookie?: bigint
  idle_timeout?: number
  hard_timeout?: number
  flags?: number
  importance?: number
}): Entry {
  const match = canonicalMatch(e.match)
  return Object.freeze({
    table: e.table,
    priority: e.priority,
    match,
    instructions: canonicalInstructions(e.instructions),
    cookie: e.cookie ?? 0n,
    idle_timeout: e.idle_timeout ?? 0,
    hard_timeout: e.hard_timeout ?? 0,
    flags: e.flags ?? 0,
    importance: e.importance ?? 0,
    key: entryKey(e.table, e.priority, match),
  })
}

/** Makes a frozen group in canonical form. Weights mean something in a `select` group alone; there the default is 1. */
export function group(g: {
  group: number
  type: GroupType
  buckets: readonly { weight?: number; watch_port?: number; watch_group?: number; actions: readonly Action[] }[]
}): Group {
  const buckets = g.buckets.map(({ weight, watch_port, watch_group, actions }) =>
    Object.freeze({
      weight: g.type === 'select' ? (weight ?? 1) : 0,
      ...(watch_port === undefined || watch_port === PORT.any ? {} : { watch_port }),
      ...(watch_group === undefined || watch_group === ANY_GROUP ? {} : { watch_group }),
      actions: canonicalActions(actions),
    }),
  )
  return Object.freeze({ group: g.group, type: g.type, buckets: Object.freeze(buckets) })
}

/** Every action of an entry, applied or written, in order. */
export const actionsOf = (e: Entry): readonly Action[] =>
  e.instructions.flatMap((instruction) => ('actions' in instruction ? instruction.actions : []))

/** Equality of entries: all but cookie and counters. Both sides in canonical form. */
export const sameEntry = (a: Entry, b: Entry): boolean =>
  a === b ||
  (a.key === b.key &&
    a.idle_timeout === b.idle_timeout &&
    a.hard_timeout === b.hard_timeout &&
    a.flags === b.flags &&
    a.importance === b.importance &&
    sameInstructions(a.instructions, b.instructions))

const sameBucket = (a: Bucket, b: Bucket): boolean =>
  a.weight === b.weight &&
  a.watch_port === b.watch_port &&
  a.watch_group === b.watch_group &&
  sameActions(a.actions, b.actions)

/** Equality of groups: number, type and buckets in their order. Both sides in canonical form. */
export const sameGroup = (a: Group, b: Group): boolean =>
  a === b ||
  (a.group === b.group &&
    a.type === b.type &&
    a.buckets.length === b.buckets.length &&
    a.buckets.every((bucket, i) => sameBucket(bucket, b.buckets[i] as Bucket)))
