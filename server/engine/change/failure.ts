import { DriverError } from '#server/datapath/driver.ts'
import { type ChangeFailure, IntentMoved } from './journal.ts'
import { GrantTaken } from './ports.ts'
import type { Mismatch } from './waves.ts'

/** Ends a run with a reason. */
export class Stop extends Error {
  override readonly name = 'Stop'
  readonly reason: ChangeFailure
  constructor(reason: ChangeFailure) {
    super(reason.message)
    this.reason = reason
  }
}

export const CANCELLED: ChangeFailure = {
  code: 'cancelled',
  message: 'The change was cancelled before it was decided.',
}

/** Whatever was thrown, as a reason to show: which datapath, which entry, what the device said. */
export function failureOf(error: unknown): ChangeFailure {
  if (error instanceof Stop) return error.reason
  if (error instanceof DriverError)
    return {
      code: error.failure,
      message: error.message,
      datapathId: error.datapath,
      ...(error.entry !== undefined && { entry: error.entry }),
    }
  if (error instanceof IntentMoved) return { code: 'intent-moved', message: error.message }
  if (error instanceof GrantTaken) return { code: 'grant-taken', message: error.message }
  return { code: 'fault', message: error instanceof Error ? error.message : String(error) }
}

/** The same for people: `nic-2: flow_mod_failed: table_full, at table=10,…`. */
export function failureWords(
  { message, datapathId, entry }: ChangeFailure,
  nameOf: (datapathId: string) => string | undefined,
): string {
  const where = datapathId === undefined ? '' : `${nameOf(datapathId) ?? datapathId}: `
  return `${where}${message}${entry === undefined ? '' : ` (${entry})`}`
}

/** Writes an entry or a group for people. */
export type Notation = (mismatch: Mismatch) => string

const thing = { entry: 'an entry', group: 'a group' } as const

const held = (mismatch: Mismatch): string => {
  if (mismatch.held === undefined) return 'is missing'
  return mismatch.wanted === undefined ? 'is still there' : 'does something else'
}

/** The device acknowledged a change and does not hold it. */
export const notObserved = (datapathId: string, mismatch: Mismatch, notation: Notation): ChangeFailure => ({
  code: 'not-observed',
  message: `It acknowledged the change, but ${thing[mismatch.kind]} ${held(mismatch)}.`,
  datapathId,
  entry: notation(mismatch),
})

/** The device does not hold what committed changes want of it, at a place that the change touches. */
export const drifted = (datapathId: string, mismatch: Mismatch, notation: Notation): ChangeFailure => ({
  code: 'drifted',
  message: `Before the change, ${thing[mismatch.kind]} that it touches ${held(mismatch)}: repair or adopt it first.`,
  datapathId,
  entry: notation(mismatch),
})

/** The device lost everything, as in a restart, and is not filled again yet. */
export const emptied = (datapathId: string): ChangeFailure => ({
  code: 'emptied',
  message: 'It lost everything that it held and is being filled again: try again in a moment.',
  datapathId,
})
