import ipaddr from 'ipaddr.js'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Clock } from '#server/kernel/clock.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import type { AuditEntry, AuditSink } from './ports.ts'

/** How long one who tried too often has to wait. */
export class TooManyTries extends Refusal {
  readonly wait_s: number

  constructor(wait_s: number) {
    super('too-many', `Too many failed tries. Wait ${wait_s} s.`)
    this.wait_s = wait_s
  }
}

/** Whoever has one address of an IPv6 network has all of its last 64 bits. */
export function neighbourhood(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString()
}

/** Who is limited, as far as that is known. */
export interface Limited extends Partial<Pick<AuditEntry, 'actor' | 'actorId' | 'provider' | 'subject' | 'tenantId'>> {
  readonly address: string
}

/** A limit that somebody has reached. */
interface Reached {
  /** Its name: `rate.account`, `sign-in.address` and so on. */
  readonly limit: string
  /** What it counts by: an address, an account, a token. */
  readonly key: string
  readonly words: string
  readonly wait_s: number
}

export interface LimitWatch {
  /** Writes one line for each limit, key and window. Never fails: what is refused is refused in any case. */
  reached(reached: Reached, by: Limited): Promise<void>
}

export interface LimitWatchParts {
  readonly audit: AuditSink
  readonly clock: Pick<Clock, 'now_ms'>
  /** Told when a line could not be written. */
  readonly onFault: (error: Error) => void
}

/** Lines that each limit leaves at most … */
const MOST_LINES = 100
/** … within this time: nobody can fill the log from outside, from however many addresses. */
const PERIOD_MS = 15 * 60_000

interface Period {
  readonly ends_ms: number
  /** Keys that have their line, and until when. */
  readonly named: Map<string, number>
  lines: number
  /** The line that says that there are more. */
  closed: boolean
}

/** The hour is in the line already; with the date, since a wait may pass midnight. */
const until = (at_ms: number) => new Date(at_ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** Puts into the audit log that a limit was reached: once for each limit, key and window, and never without end. */
export function limitWatch({ audit, clock, onFault }: LimitWatchParts): LimitWatch {
  const periods = new Map<string, Period>()

  function periodOf(limit: string, now_ms: number): Period {
    const before = periods.get(limit)
    if (before && now_ms < before.ends_ms) return before
    const named = new Map([...(before?.named ?? [])].filter(([, until_ms]) => now_ms < until_ms))
    const period = { ends_ms: now_ms + PERIOD_MS, named, lines: named.size, closed: false }
    periods.set(limit, period)
    return period
  }

  const record = (limit: string, detail: string, by: Omit<Limited, 'address'> & { address?: string }) =>
    audit
      .record({
        ...{ actor: '', subject: null, tenantId: null, changeId: null, address: '', ...by },
        ...{ action: 'limit.reached', outcome: 'refused', reason: limit, detail },
      })
      .catch(onFault)

  return {
    async reached({ limit, key, words, wait_s }, by) {
      const now_ms = clock.now_ms()
      const period = periodOf(limit, now_ms)
      if (now_ms < (period.named.get(key) ?? 0) || period.closed) return
      if (period.lines >= MOST_LINES) {
        period.closed = true
        const words = `This limit was reached more than ${MOST_LINES} times: no further line until ${until(period.ends_ms)}.`
        return record(limit, words, {})
      }
      const until_ms = now_ms + wait_s * 1000
      period.lines += 1
      period.named.set(key, until_ms)
      return record(limit, `${words} Refused until ${until(until_ms)}.`, by)
    },
  }
}

export interface Limit {
  readonly name: string
  readonly points: number
  readonly window_ms: number
  /** What there is too much of: "failed tries for this account". */
  readonly what: string
}

/** How a count stands. `wait_s`: until the window ends. */
export interface Count {
  readonly over: boolean
  readonly remaining: number
  readonly wait_s: number
}

/** Counts by key, in memory, and notes when there is too much. */
export function limitCounter({ name, points, window_ms, what }: Limit, watch: LimitWatch) {
  const duration = Math.ceil(window_ms / 1000)
  const limiter = new RateLimiterMemory({ points, duration })
  const words = `More than ${points} ${what} in ${duration} s.`
  const countOf = (result: RateLimiterRes, over: boolean): Count => ({
    ...{ over, remaining: over ? 0 : result.remainingPoints },
    wait_s: Math.max(1, Math.ceil(result.msBeforeNext / 1000)),
  })
  return {
    /** Counts one before anything is done for it, so that parallel ones cannot slip through. */
    async count(key: string, by: Limited): Promise<Count> {
      try {
        return countOf(await limiter.consume(key), false)
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error
        const count = countOf(error, true)
        await watch.reached({ limit: name, key, words, wait_s: count.wait_s }, by)
        return count
      }
    },
    /** It led somewhere, so does not count. */
    async forgive(key: string): Promise<void> {
      await limiter.reward(key, 1)
    },
    async forget(key: string): Promise<void> {
      await limiter.delete(key)
    },
  }
}
