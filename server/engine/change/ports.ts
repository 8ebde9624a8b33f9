import type { Driver, DriverEvent } from '#server/datapath/driver.ts'
import type { Clock } from '#server/kernel/clock.ts'
import type { Facts, IntentRow } from '../capability.ts'
import type { CommittedProgram, Grant } from './journal.ts'

export type { Journal } from './journal.ts'

/** Intent at one moment, read in one transaction. */
export interface IntentSnapshot {
  /** Grows with every write of committed intent or facts; the same number means the same committed rows. */
  readonly revision: bigint
  /** Rows of every kind, sorted by kind and id, with the edits of the change that was asked for laid over them. */
  readonly rows: readonly IntentRow[]
  readonly facts: Facts
}

/** One edit of a change. `before` absent: it creates; `after` absent: it deletes. */
export interface IntentEdit {
  readonly kind: string
  readonly id: string
  readonly before?: unknown
  readonly after?: unknown
}

/** Where intent is kept. */
export interface IntentSource {
  /** Committed intent, or with the edits of a draft change laid over it. */
  snapshot(change?: string): Promise<IntentSnapshot>
  /** The edits of a change; those of a committed one with the values that it replaced. */
  edits(change: string): Promise<readonly IntentEdit[]>
  /** Starts a draft with these edits that takes `rollbackOf` back; answers its id. */
  draftRollback(rollbackOf: string, edits: readonly IntentEdit[], actor: string): Promise<string>
}

/** What each datapath is wanted to hold by committed changes. */
export interface ProgramStore {
  /** A datapath that no change ever touched is left out: its program is empty. */
  committed(datapathIds: readonly string[]): Promise<ReadonlyMap<string, CommittedProgram>>
  /** The datapath holds all of its program: forgets what was pending there, and marks changes that nothing else waits for as committed. */
  settled(datapathId: string): Promise<void>
}

/** Numbers that were granted. */
export interface GrantStore {
  /** Committed ones and those that drafts have reserved. */
  granted(): Promise<readonly Grant[]>
  /** Reserves numbers for a draft (24 h, or until it ends). Throws `GrantTaken` when another took one meanwhile. */
  reserve(change: string, grants: readonly Grant[]): Promise<void>
}

/** Another draft was granted the number a moment earlier: read again and choose again. */
export class GrantTaken extends Error {
  override readonly name = 'GrantTaken'
}

/** Why an entry is there: the change that last touched it and the intents that ask for it, as `kind/id`. */
export interface Provenance {
  readonly change: string
  readonly because: readonly string[]
}

/** Rows that the 48 low bits of a cookie name; ids are never used again. */
export interface ProvenanceStore {
  /** One id for each list of intents, in the same order. The same change and list give the same id again. */
  allocate(change: string, because: readonly (readonly string[])[]): Promise<readonly bigint[]>
  /** Ids without a row are left out. */
  look(ids: readonly bigint[]): Promise<ReadonlyMap<bigint, Provenance>>
}

/** The drivers in service, by datapath id. */
export interface Datapaths {
  readonly ids: readonly string[]
  driver(datapathId: string): Driver | undefined
  /** Calls `listener` for every event of every driver until the returned function is called. */
  subscribe(listener: (datapathId: string, event: DriverEvent) => void): () => void
}

/** Waiting, so that tests can turn the time themselves. */
export interface Timer extends Clock {
  /** Resolves after so many milliseconds; rejects with the signal's reason when it is aborted. */
  sleep(duration_ms: number, signal?: AbortSignal): Promise<void>
}

/** Mutual exclusion by key. */
export interface Locks {
  /** Takes all keys together, in sorted order; resolves to what gives them back. Rejects when the signal is aborted first. */
  acquire(keys: readonly string[], signal?: AbortSignal): Promise<() => void>
  /** Takes all keys if all are free now; else undefined. */
  tryAcquire(keys: readonly string[]): (() => void) | undefined
}
