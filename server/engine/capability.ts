import type { Action, Instruction } from '#server/kernel/action.ts'
import type { FieldName } from '#server/kernel/field.ts'
import type { FieldMatch } from '#server/kernel/match.ts'
import type { Finding } from './finding.ts'
import type { Infrastructure } from './infrastructure.ts'
import type { GroupType } from './program/entry.ts'
import type { Fields } from './program/packet.ts'

/** One row of intent as the inventory keeps it. `value` is the capability's own shape, parsed at the boundary. */
export interface IntentRow {
  readonly kind: string
  readonly id: string
  readonly value: unknown
}

/** What capabilities know beside their own intent. Later ones offer facts to each other here. */
export interface Facts {
  readonly infrastructure: Infrastructure
}

/** Where in the pipeline a block stands; the composer orders blocks by slot, inside a slot in the order of registration. */
export const SLOTS = ['admit', 'classify', 'steer', 'forward', 'egress'] as const
export type Slot = (typeof SLOTS)[number]

export interface TableSpec {
  readonly name: string
  readonly kind: 'acl' | 'lpm' | 'exact' | 'index'
  readonly fields: readonly FieldName[]
  readonly miss: 'drop' | 'continue' | 'controller'
}

/** A function of the datapath: tables, the fields they select, the metadata bits that it passes on. */
export interface Block {
  readonly name: string
  readonly slot: Slot
  readonly tables: readonly TableSpec[]
}

/** A table by the name of its block and its own: `admit.ports`. The composer turns it into a number. */
export type TableName = `${string}.${string}`

export type PartInstruction =
  | Exclude<Instruction, { type: 'goto_table' }>
  /** Go on at a named table; the composer refuses one that does not come later. */
  | { readonly type: 'goto'; readonly table: TableName }
  /** Go on at the next table of this datapath's pipeline, whichever block it is of: so later blocks come in between. */
  | { readonly type: 'next' }

/**
 * When an entry appears in a change: what receives first, then what transmits, then what lets a port's packets in.
 * Removals go the other way round, so that nothing is dropped or leaked in between.
 */
export const PHASES = ['receive', 'transmit', 'expose'] as const
export type Phase = (typeof PHASES)[number]

export interface PartEntry {
  readonly table: TableName
  readonly priority: number
  readonly match: readonly FieldMatch[]
  readonly instructions: readonly PartInstruction[]
  readonly phase: Phase
  /** The intent that asks for it, as `kind/id`, most specific first. */
  readonly because: readonly string[]
  /** What its packets are to the first of these intents, for people: `spoofed`. */
  readonly counts?: string
}

export interface PartGroup {
  /** A granted number. */
  readonly group: number
  readonly type: GroupType
  readonly buckets: readonly { readonly actions: readonly Action[] }[]
  readonly because: readonly string[]
}

/** What one capability wants of one datapath. */
export interface Part {
  readonly datapathId: string
  readonly entries: readonly PartEntry[]
  readonly groups: readonly PartGroup[]
  /** Tunnel ends that must be resolved before entries point to them. */
  readonly neighbours: readonly string[]
}

/** Something scarce that a capability asks for; granted once under its key and kept while it is asked for. */
export interface Demand {
  /** Who asks, for what: `flood/<datapath>/<network>`. */
  readonly key: string
  /** What it is taken from; numbers are unique within a pool: `group/<datapath>`. */
  readonly pool: string
  readonly first: number
  readonly last: number
}

/** Granted numbers by demand key. */
export type Grants = ReadonlyMap<string, number>

/** Where one object of intent stands, as its capability sees it. */
export interface ObjectState {
  readonly subject: string
  readonly state: 'held' | 'pending' | 'failed' | 'drifted'
  readonly words: string
}

/** Which datapaths hold what is wanted of them. */
export interface Observation {
  readonly datapaths: ReadonlyMap<string, 'held' | 'away' | 'drifted' | 'moving'>
}

/** Where packets enter and leave the virtual networks: a port of a datapath, and the VLAN id that they have there. */
export interface Place {
  readonly datapathId: string
  readonly port: number
  readonly vlan: number | null
}

/** A packet and what intent promises of it. The check sends it through the programs and compares. */
export interface Witness {
  /** Whose promise it is, as `kind/id`. */
  readonly subject: string
  /** `red-1 to red-2`. */
  readonly words: string
  readonly from: Place
  /** The frame as the host sends it, but for its tag. */
  readonly fields: Fields
  /** It comes out here, ... */
  readonly reaches: readonly Place[]
  /** ... and does not come out there. */
  readonly never: readonly Place[] | 'elsewhere'
}

/**
 * What every capability fills. Pure: same intent, facts and grants give the same answer; time and randomness are not to be had.
 * `I` is the capability's own model of its intent.
 */
export interface Capability<I = unknown> {
  readonly name: string
  /** The intent kinds that it owns. */
  readonly kinds: readonly string[]
  readonly blocks: readonly Block[]
  model(rows: readonly IntentRow[]): I
  validate(intent: I, facts: Facts): readonly Finding[]
  demand(intent: I, facts: Facts): readonly Demand[]
  compile(intent: I, facts: Facts, grants: Grants): readonly Part[]
  status(intent: I, facts: Facts, observed: Observation): readonly ObjectState[]
  /** Packets that prove what the intent promises, at most `limit`, spread over the whole of it; and how many there would be. */
  witnesses?(intent: I, facts: Facts, limit: number): { readonly chosen: readonly Witness[]; readonly possible: number }
}
