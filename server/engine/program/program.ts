import type { Entry, Group } from './entry.ts'

/**
 * A neighbour of a tunnel end that must be known before traffic goes there: the first packet to a cold VTEP is lost
 * (seen on Open vSwitch 3.1), so the driver resolves it before entries point to it.
 */
export interface TunnelNeighbour {
  /** The VTEP's IPv4 address, as text. */
  readonly address: string
}

/** What one datapath must hold. Frozen; maps are keyed by `Entry.key`, group number and neighbour address. */
export interface Program {
  readonly entries: ReadonlyMap<string, Entry>
  readonly groups: ReadonlyMap<number, Group>
  readonly neighbours: ReadonlyMap<string, TunnelNeighbour>
}

export const EMPTY_PROGRAM: Program = Object.freeze({ entries: new Map(), groups: new Map(), neighbours: new Map() })

/** One step from a program to another: `before` absent is an addition, `after` absent a removal, both a replacement. */
export interface Change<T> {
  readonly before?: T
  readonly after?: T
}

/** The difference of two programs of one datapath, sorted by key. Its inverse is itself with before and after turned round. */
export interface Difference {
  readonly entries: readonly Change<Entry>[]
  readonly groups: readonly Change<Group>[]
  readonly neighbours: readonly Change<TunnelNeighbour>[]
}

export const EMPTY_DIFFERENCE: Difference = Object.freeze({ entries: [], groups: [], neighbours: [] })

export const isEmptyDifference = (d: Difference): boolean =>
  d.entries.length === 0 && d.groups.length === 0 && d.neighbours.length === 0
