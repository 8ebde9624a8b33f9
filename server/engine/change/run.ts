import type { Driver } from '#server/datapath/driver.ts'
import { type Notation, Stop } from './failure.ts'
import type { Journal, JournalPart, JournalRecord } from './journal.ts'
import type { Datapaths, ProgramStore, Timer } from './ports.ts'
import type { ProgressEvent, Tell } from './progress.ts'

/** How long things may take, in milliseconds. */
export interface Limits {
  /** Reading all that a datapath holds. */
  readonly read_ms: number
  /** Sending one wave to one datapath and its validation there. */
  readonly stage_ms: number
  /** Committing one wave on one datapath. */
  readonly commit_ms: number
  /** What is staged longer than this is staged again before it is committed: devices forget it after about 10 s. */
  readonly staged_ms: number
  /** From the last acknowledgement until a datapath is seen to hold its program. */
  readonly observe_ms: number
  /** Between two looks while waiting for a datapath. */
  readonly look_ms: number
  /** Between the last wave that adds and the first that only removes: a device forwards by the old entries a little longer. */
  readonly settle_ms: number
  /** Bringing one wave back, or forward again after a crash, on one datapath. */
  readonly converge_ms: number
  /** How long recovery waits for the datapaths of a decided change before it takes the change back. */
  readonly recover_ms: number
  /** Longest pause between two attempts to take a change back. */
  readonly retry_ms: number
}

export const LIMITS: Limits = {
  read_ms: 15_000,
  stage_ms: 15_000,
  commit_ms: 10_000,
  staged_ms: 6_000,
  observe_ms: 10_000,
  look_ms: 50,
  settle_ms: 100,
  converge_ms: 30_000,
  recover_ms: 30_000,
  retry_ms: 5_000,
}

/** What taking a change to its end needs of the world. */
export interface RunPorts {
  readonly datapaths: Datapaths
  readonly journal: Journal
  readonly programs: ProgramStore
  readonly timer: Timer
  readonly limits: Limits
  readonly notation: Notation
  readonly onProgress: (event: ProgressEvent) => void
}

export const teller =
  (ports: Pick<RunPorts, 'timer' | 'onProgress'>, change: string): Tell =>
  (told) =>
    ports.onProgress({ ...told, change, at_ms: ports.timer.now_ms() })

/** The connected driver of a datapath; stops with `away` when there is none. */
export function connected(ports: Pick<RunPorts, 'datapaths'>, datapathId: string): Driver {
  const driver = ports.datapaths.driver(datapathId)
  if (driver?.connected) return driver
  throw new Stop({ code: 'away', message: 'The datapath is not connected.', datapathId })
}

/** The parts that are sent to datapaths. */
export const sent = (record: Pick<JournalRecord, 'parts'>): readonly JournalPart[] =>
  record.parts.filter((part) => !part.pending)
