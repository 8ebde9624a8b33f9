import { setTimeout as pause } from 'node:timers/promises'

/**
 * Asks again and again until `probe` answers something (not undefined, not false, no exception), and answers that.
 * Throws after `deadline_ms`, with `what` was waited for and the last error.
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { deadline_ms = 10_000, interval_ms = 20 } = {},
): Promise<T> {
  const end = performance.now() + deadline_ms
  let last: unknown
  for (;;) {
    try {
      const answer = await probe()
      if (answer !== undefined && answer !== false) return answer
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() >= end) break
    await pause(interval_ms)
  }
  const why = last instanceof Error ? `: ${last.message}` : ''
  throw new Error(`waited ${deadline_ms} ms for ${what}${why}`)
}
