import type { Difference } from '../program/program.ts'
import type { ChangeFailure } from './journal.ts'
import type { Timer } from './ports.ts'

/** Where a datapath stands between what is wanted of it and what it holds. */
export interface Condition {
  readonly datapathId: string
  /** `moving`: a change or a repair is under way there, or it was not read yet. */
  readonly state: 'held' | 'away' | 'drifted' | 'moving'
  /** How many entries are wanted, and how many of those it holds as wanted. */
  readonly wanted: number
  readonly held: number
  /** What leads from what it holds to what is wanted; absent: nothing, or not known. Bringing it there repairs. */
  readonly drift: Difference | undefined
  /** Milliseconds since 1970: since when it is in this state, since when it has drifted, when it was read last. */
  readonly since_ms: number
  readonly driftSince_ms: number | null
  readonly read_ms: number | null
  /** Why it could not be read, or brought to what is wanted. */
  readonly reason?: ChangeFailure
}

type News = Partial<Pick<Condition, 'state' | 'wanted' | 'held' | 'drift' | 'read_ms' | 'reason'>>

/** The conditions of all datapaths, and who listens to them. */
export interface Conditions {
  of(datapathId: string): Condition
  /** Changes a condition and tells it. What is not named stays, but for the reason. */
  become(datapathId: string, news: News): Condition
  subscribe(listener: (condition: Condition) => void): () => void
}

function after(before: Condition, news: News, now_ms: number): Condition {
  const { reason: _, ...kept } = before
  const next = { ...kept, ...news }
  const since_ms = next.state === before.state ? before.since_ms : now_ms
  return { ...next, since_ms, driftSince_ms: next.drift ? (before.driftSince_ms ?? now_ms) : null }
}

export function createConditions(timer: Timer): Conditions {
  const all = new Map<string, Condition>()
  const listeners = new Set<(condition: Condition) => void>()
  const of = (datapathId: string): Condition =>
    all.get(datapathId) ?? {
      ...{ datapathId, state: 'away', wanted: 0, held: 0, drift: undefined },
      ...{ since_ms: timer.now_ms(), driftSince_ms: null, read_ms: null },
    }
  return {
    of,
    become(datapathId, news) {
      const next = after(of(datapathId), news, timer.now_ms())
      all.set(datapathId, next)
      for (const listener of listeners) listener(next)
      return next
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
