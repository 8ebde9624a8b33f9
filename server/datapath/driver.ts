import type { Transport } from '#server/datapath/connection/transport.ts'
import type { GroupType } from '#server/engine/program/entry.ts'
import type { Difference, Program } from '#server/engine/program/program.ts'

/** One port as the device reports it. */
export interface PortDescription {
  readonly port: number
  readonly name: string
  readonly mac: string
  readonly up: boolean
  /** kbit/s; 0 when the device does not say. */
  readonly speed_kbps: number
}

/** What a device says of itself: capabilities and limits, never assumptions. Plain JSON, so that the last one can be kept. */
export interface Description {
  readonly datapathId: string
  /** For people: `Open vSwitch 3.1.0, OpenFlow 1.5`. */
  readonly product: string
  readonly protocol: string
  readonly tables: number
  /** Entries that a table can hold, by table number; tables not listed: `tableDefault`. */
  readonly tableLimits: Readonly<Record<number, number>>
  readonly tableDefault: number
  readonly groupTypes: readonly GroupType[]
  readonly maxGroups: number
  readonly metadataBits: number
  /** Further abilities by name: `bundles`, `flow_monitor`, `copy_field`, `tunnel`. */
  readonly features: readonly string[]
  readonly ports: readonly PortDescription[]
}

export interface EntryCounters {
  readonly packets: bigint
  readonly bytes: bigint
  /** Milliseconds since the entry was installed. */
  readonly age_ms: number
}

export interface PortCounters {
  readonly port: number
  readonly rxPackets: bigint
  readonly txPackets: bigint
  readonly rxBytes: bigint
  readonly txBytes: bigint
  readonly rxDropped: bigint
  readonly txDropped: bigint
}

/** What a device holds now. Counters by `Entry.key`. */
export interface Held {
  readonly program: Program
  readonly counters: ReadonlyMap<string, EntryCounters>
}

/** One wave's part for one datapath. */
export interface StageRequest {
  /** The change, for comments and logs. */
  readonly change: string
  readonly difference: Difference
}

/** A part that the device has validated and holds ready. Dies with its connection, and by itself after some seconds. */
export interface Staged {
  readonly token: string
}

export type DriverFailure =
  /** The device answered an error: nothing of this stage or commit is held. */
  | 'refused'
  /** The connection is gone before anything was committed. */
  | 'away'
  /** No answer before the deadline, before anything was committed. */
  | 'stalled'
  /** The commit was sent and its answer was lost: read and compare, never send again blindly. */
  | 'unknown'
  /** Another engine has taken the device (its generation id is newer). */
  | 'fenced'

/** Why a driver could not do what it was asked: which datapath, which entry, what the device said. */
export class DriverError extends Error {
  override readonly name = 'DriverError'
  readonly failure: DriverFailure
  readonly datapath: string
  /** The entry or group concerned, in `ovs-ofctl` notation, where the device named one. */
  readonly entry: string | undefined
  constructor(failure: DriverFailure, datapath: string, message: string, entry?: string) {
    super(message)
    this.failure = failure
    this.datapath = datapath
    this.entry = entry
  }
}

export type DriverEvent =
  | { readonly type: 'connected'; readonly description: Description; readonly transport?: Transport }
  | { readonly type: 'disconnected'; readonly reason: string }
  /** Something changed on the device that this driver did not do: read it again when quiet. */
  | { readonly type: 'moved'; readonly reason: string }
  | { readonly type: 'ports'; readonly ports: readonly PortDescription[] }

/** The one interface to anything that forwards packets. One value serves one datapath. */
export interface Driver {
  /** Connected and master. */
  readonly connected: boolean
  describe(): Promise<Description>
  /**
   * Reads everything that the datapath holds, and its counters. A dump is no snapshot: ask when quiet. What it holds just
   * as `known` has it may be given as the very same values, so that comparing the two is quick.
   */
  read(known?: Program): Promise<Held>
  portCounters(): Promise<readonly PortCounters[]>
  /** Sends the part to the device, which validates it; nothing forwards differently yet. Throws DriverError. */
  stage(request: StageRequest, deadline_ms: number): Promise<Staged>
  /** Makes a staged part effective, atomically on this device. Throws DriverError. */
  commit(staged: Staged, deadline_ms: number): Promise<void>
  discard(staged: Staged): Promise<void>
  /** Brings the entries named in `difference` to their `after` state, whatever they are now. Idempotent; used to undo and to repair. */
  converge(difference: Difference, deadline_ms: number): Promise<void>
  /** Calls `listener` for every event until the returned function is called. */
  subscribe(listener: (event: DriverEvent) => void): () => void
  close(): Promise<void>
}
