import type { Traffic } from './link.ts'

/** What happened on a datapath's connections since the start. Every number only grows. */
export interface Counts extends Traffic {
  connects: number
  /** By reason, in words. */
  readonly disconnects: Record<string, number>
  /** Bundles that were staged, committed and thrown away or refused. */
  bundlesStaged: number
  bundlesCommitted: number
  bundlesRefused: number
  /** Errors that the switch sent and that belong to no request. */
  strayErrors: number
  packetIns: number
}

/** Reasons that are counted apart; further ones are counted together. */
const REASONS_MAX = 50

/** All counters at zero. */
export const noCounts = (): Counts => ({
  messagesIn: 0,
  messagesOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  connects: 0,
  disconnects: {},
  bundlesStaged: 0,
  bundlesCommitted: 0,
  bundlesRefused: 0,
  strayErrors: 0,
  packetIns: 0,
})

/** Counts a disconnect under its reason. */
export function countDisconnect(counts: Counts, reason: string): void {
  const known = Object.hasOwn(counts.disconnects, reason)
  const name = known || Object.keys(counts.disconnects).length < REASONS_MAX ? reason : 'other'
  counts.disconnects[name] = (counts.disconnects[name] ?? 0) + 1
}
