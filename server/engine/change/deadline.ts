import { DriverError, type DriverFailure } from '#server/datapath/driver.ts'
import { systemClock } from '#server/kernel/clock.ts'
import type { Timer } from './ports.ts'

/** Real time. */
export const systemTimer: Timer = {
  ...systemClock,
  sleep: (duration_ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const wake = setTimeout(() => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }, duration_ms)
      const stop = () => {
        clearTimeout(wake)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', stop, { once: true })
    }),
}

/** Drivers keep their own deadlines; one that does not is given up so much later. */
const GRACE_MS = 1000

/**
 * Waits for a driver no longer than its deadline and a grace, and turns whatever it throws into a `DriverError`.
 * `late` says what it means when no answer came: `stalled`, or `unknown` once something was sent that may have taken effect.
 */
export async function within<T>(
  timer: Timer,
  datapathId: string,
  deadline_ms: number,
  late: DriverFailure,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController()
  const stalled = timer.sleep(deadline_ms + GRACE_MS, done.signal).then(() => {
    throw new DriverError(late, datapathId, `no answer within ${deadline_ms} ms`)
  })
  stalled.catch(() => {})
  try {
    return await Promise.race([work(), stalled])
  } catch (error) {
    throw asDriverError(error, datapathId, late)
  } finally {
    done.abort()
  }
}

/** A fault of the driver itself: what was sent may have taken effect if the call could have made it so. */
function asDriverError(error: unknown, datapathId: string, late: DriverFailure): DriverError {
  if (error instanceof DriverError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new DriverError(late === 'unknown' ? 'unknown' : 'refused', datapathId, message)
}

/** Waits for work, but not longer than until the signal is aborted: then rejects with its reason. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const stop = () => aborted.reject(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
