import type { Driver } from '#server/datapath/driver.ts'
import type { Journal } from '#server/engine/change/journal.ts'

/** A moment in the life of an engine: before, during or after its n-th call of one kind to the outside. */
export interface KillPoint {
  /** Such as `journal.decide` or `driver.commit`. */
  readonly call: string
  /** From 1. */
  readonly nth: number
  readonly side: 'before' | 'amid' | 'after'
  /** With `amid`: milliseconds after the call was begun. */
  readonly delay_ms?: number
}

export const nameOf = ({ call, nth, side }: KillPoint): string => `${side} ${call} ${nth}`

/** The process is gone at once: no handler runs, nothing is flushed. */
const die = (): never => {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('still alive')
}

/** Runs calls to the outside, and ends the process at the moment that was chosen. */
export function executioner(point: KillPoint | undefined) {
  const counts = new Map<string, number>()
  return async <T>(call: string, work: () => Promise<T>): Promise<T> => {
    const nth = (counts.get(call) ?? 0) + 1
    counts.set(call, nth)
    if (point?.call !== call || point.nth !== nth) return work()
    if (point.side === 'before') die()
    if (point.side === 'amid') setTimeout(die, point.delay_ms ?? 0)
    try {
      return await work()
    } finally {
      if (point.side === 'after') die()
      // The answer must not overtake the end.
      else await new Promise<never>(() => {})
    }
  }
}

type Run = ReturnType<typeof executioner>

export const mortalJournal =
  (run: Run) =>
  (journal: Journal): Journal => ({
    prepare: (record) => run('journal.prepare', () => journal.prepare(record)),
    decide: (change) => run('journal.decide', () => journal.decide(change)),
    wave: (change, done) => run('journal.wave', () => journal.wave(change, done)),
    abort: (change, reason) => run('journal.abort', () => journal.abort(change, reason)),
    finish: (change, outcome) => run('journal.finish', () => journal.finish(change, outcome)),
    unfinished: () => run('journal.unfinished', () => journal.unfinished()),
  })

export const mortalDriver =
  (run: Run) =>
  (driver: Driver): Driver => ({
    get connected() {
      return driver.connected
    },
    describe: () => driver.describe(),
    portCounters: () => driver.portCounters(),
    subscribe: (listener) => driver.subscribe(listener),
    close: () => driver.close(),
    read: (known) => run('driver.read', () => driver.read(known)),
    stage: (request, ms) => run('driver.stage', () => driver.stage(request, ms)),
    commit: (staged, ms) => run('driver.commit', () => driver.commit(staged, ms)),
    discard: (staged) => run('driver.discard', () => driver.discard(staged)),
    converge: (difference, ms) => run('driver.converge', () => driver.converge(difference, ms)),
  })
