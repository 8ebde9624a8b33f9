'use client'
import { useRef } from 'react'

interface Sample {
  readonly at_ms: number
  readonly counters: ReadonlyMap<string, string>
}

/** What each counter gained per second between two samples; a counter that fell (a restarted switch) has none. */
export function ratesBetween(before: Sample, after: Sample): ReadonlyMap<string, number> {
  const elapsed_s = (after.at_ms - before.at_ms) / 1000
  const rates = new Map<string, number>()
  if (elapsed_s <= 0) return rates
  for (const [key, count] of after.counters) {
    const was = before.counters.get(key)
    const gained = was === undefined ? -1n : BigInt(count) - BigInt(was)
    if (gained >= 0n) rates.set(key, Number(gained) / elapsed_s)
  }
  return rates
}

const none: ReadonlyMap<string, number> = new Map()
const KEPT = 60

export interface Rates {
  readonly now: ReadonlyMap<string, number>
  /** The rate of one counter over the last samples, oldest first. */
  readonly history: readonly number[]
}

/** Rates of counters that are read again and again; `at_ms` is when they were read, `watched` the counter whose course is kept. */
export function useRates(counters: ReadonlyMap<string, string>, at_ms: number, watched?: string): Rates {
  const kept = useRef<{ sample?: Sample; rates: Rates }>({ rates: { now: none, history: [] } })
  const { sample } = kept.current
  if (at_ms > 0 && counters.size > 0 && (!sample || at_ms > sample.at_ms)) {
    const next = { at_ms, counters }
    if (sample) {
      const now = ratesBetween(sample, next)
      const rate = watched === undefined ? undefined : now.get(watched)
      const history =
        rate === undefined ? kept.current.rates.history : [...kept.current.rates.history, rate].slice(-KEPT)
      kept.current = { sample: next, rates: { now, history } }
    } else kept.current = { ...kept.current, sample: next }
  }
  return kept.current.rates
}
