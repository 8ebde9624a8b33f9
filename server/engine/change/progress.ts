import type { ChangeFailure, Measured } from './journal.ts'

/** Where one datapath stands in a change. */
export type Step =
  | 'waits'
  | 'staging'
  | 'staged'
  | 'committing'
  | 'committed'
  | 'observed'
  | 'undoing'
  | 'undone'
  | 'failed'
  | 'pending'

/** Where a change stands: everything up to `decided` can still be cancelled. */
export type Stand = 'preparing' | 'staging' | 'decided' | 'undoing' | 'finishing' | 'pending' | 'committed' | 'undone'

/** What is told while a change runs, in order, at milliseconds since 1970. */
export type ProgressEvent = { readonly change: string; readonly at_ms: number } & (
  | { readonly type: 'change'; readonly stand: Stand; readonly reason?: ChangeFailure; readonly measured?: Measured }
  | {
      readonly type: 'datapath'
      readonly datapathId: string
      readonly step: Step
      /** The wave that it stands in, counted from 0; absent where the step concerns all of them. */
      readonly wave?: number
      /** How long the step took that this one ends. */
      readonly took_ms?: number
      readonly reason?: ChangeFailure
    }
  | {
      readonly type: 'wave'
      readonly wave: number
      readonly name: string
      readonly state: 'running' | 'done' | 'undone'
    }
)

/** A progress event before its change and time are put on. */
export type Told = ProgressEvent extends infer E ? (E extends unknown ? Omit<E, 'change' | 'at_ms'> : never) : never

export type Tell = (told: Told) => void
