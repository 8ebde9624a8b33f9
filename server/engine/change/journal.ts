import type { Difference, Program } from '../program/program.ts'

/**
 * How far a change is. `prepared`: nothing was committed on any datapath; `decided`: it is to be finished;
 * `aborting`: it is to be taken back; `committed`, `undone`: at its end, and no longer in `unfinished`.
 */
export type Phase = 'prepared' | 'decided' | 'aborting' | 'committed' | 'undone'

/** What a change does on one datapath. Undoing needs nothing else: kept as one value, never a row per entry. */
export interface JournalPart {
  readonly datapathId: string
  /** Hashes of the program that the datapath is wanted to hold without the change, and with it. */
  readonly hashBefore: string
  readonly hashAfter: string
  /**
   * One difference for each wave of the change, empty where the wave leaves this datapath alone. `before` is the
   * before-image: what was read from the device, with its cookie. Entries that the device removes by itself, since
   * they use a group that goes, are named as removals.
   */
  readonly waves: readonly Difference[]
  /** The datapath was away and the change was forced: nothing is sent there now, reconciling brings it later. */
  readonly pending: boolean
}

/** A scarce number and the demand that it was granted to; numbers are unique within a pool. */
export interface Grant {
  readonly key: string
  readonly pool: string
  readonly number: number
}

/** Everything that finishing or undoing a change needs, by whichever process. */
export interface JournalRecord {
  readonly change: string
  /** The edits of the change were computed against this revision of intent. */
  readonly revision: bigint
  /** The compiler that made the differences: a text that changes when its output may. */
  readonly compilerVersion: string
  /** Milliseconds since 1970. */
  readonly prepared_ms: number
  /** Milliseconds since 1970: what is not observed by then is undone. Recovery after a crash has its own time. */
  readonly deadline_ms: number
  /** Names of the waves, in order. */
  readonly waves: readonly string[]
  /** One for each datapath touched, sorted by datapath. */
  readonly parts: readonly JournalPart[]
  /** Numbers that the change takes, and keys of those that it gives back. */
  readonly granted: readonly Grant[]
  readonly released: readonly string[]
}

/** A record as the journal gives it back. */
export interface UnfinishedChange extends JournalRecord {
  readonly phase: 'prepared' | 'decided' | 'aborting'
  /** The journal's own, growing number. */
  readonly sequence: bigint
  /** How many waves were acknowledged by every datapath. */
  readonly wavesDone: number
  /** Why it is being undone; with `aborting`. */
  readonly reason?: ChangeFailure
}

/** Why a change did not become true: which datapath, which entry, what the device said. */
export interface ChangeFailure {
  /** A stable code, such as `refused`, `away`, `stalled`, `drifted`, `cancelled`, `not-observed`. */
  readonly code: string
  /** One sentence. */
  readonly message: string
  readonly datapathId?: string
  /** In `ovs-ofctl` notation where the device named one. */
  readonly entry?: string
}

/** What one datapath is wanted to hold from now on. */
export interface CommittedProgram {
  readonly datapathId: string
  readonly program: Program
  /** Hash of `program`. */
  readonly hash: string
  /** What was not brought to the datapath yet, all pending changes together; absent: nothing. */
  readonly pending?: Difference
}

/**
 * What becomes true with a change. Everything in it is written in one database transaction together with the intent of
 * the change (its edits, whose revisions are checked once more), the journal mark and the audit row.
 */
export interface Commitment {
  /** Every datapath that the change touches. The change is `pending` while one of them is, else `committed`. */
  readonly programs: readonly CommittedProgram[]
  readonly granted: readonly Grant[]
  readonly released: readonly string[]
  readonly measured: Measured
}

/** Times of a change over all its datapaths; null where recovery finished it and nobody measured. */
export interface Measured {
  /** From the first commit sent to the last one acknowledged: how long old and new lived side by side. */
  readonly mixed_ms: number | null
  /** From the first commit sent until every datapath was seen to hold its program. */
  readonly settled_ms: number | null
}

export type ChangeOutcome =
  | ({ readonly outcome: 'committed' } & Commitment)
  | { readonly outcome: 'undone'; readonly reason: ChangeFailure }

/** The rows that a change edits are no longer those that it was computed against. */
export class IntentMoved extends Error {
  override readonly name = 'IntentMoved'
}

/**
 * The durable memory of changes under way. Every method is durable when it resolves. When one throws, it is not known
 * whether it was written; the engine then goes on from what `unfinished` says.
 */
export interface Journal {
  /** Writes a new record in phase `prepared`. Refuses a change that has an unfinished one. */
  prepare(record: JournalRecord): Promise<void>
  /** `prepared` → `decided`. */
  decide(change: string): Promise<void>
  /** Notes that `wavesDone` waves were acknowledged by every datapath. */
  wave(change: string, wavesDone: number): Promise<void>
  /** `prepared` or `decided` → `aborting`; again: keeps the first reason. Without an unfinished record: does nothing. */
  abort(change: string, reason: ChangeFailure): Promise<void>
  /**
   * Ends the change. Again with the same outcome, or `undone` without an unfinished record: does nothing. `committed`
   * throws `IntentMoved` when the intent was edited by another hand since the change was computed; the engine then undoes it.
   */
  finish(change: string, outcome: ChangeOutcome): Promise<void>
  /** Oldest first. */
  unfinished(): Promise<readonly UnfinishedChange[]>
}
