import type { Locks } from './ports.ts'

interface Waiter {
  readonly keys: readonly string[]
  readonly grant: () => void
}

/**
 * Locks within one process. All keys of a request are taken together or not at all, so there is no deadlock; first come,
 * first served, except that a request passes those whose keys it does not touch.
 */
export function createLocks(): Locks {
  const held = new Set<string>()
  let waiting: Waiter[] = []

  const take = (keys: readonly string[]): (() => void) => {
    for (const key of keys) held.add(key)
    let mine = true
    return () => {
      if (!mine) return
      mine = false
      for (const key of keys) held.delete(key)
      serve()
    }
  }

  const serve = (): void => {
    const claimed = new Set<string>()
    const still: Waiter[] = []
    for (const waiter of waiting) {
      if (waiter.keys.some((key) => held.has(key) || claimed.has(key))) {
        for (const key of waiter.keys) claimed.add(key)
        still.push(waiter)
      } else waiter.grant()
    }
    waiting = still
  }

  const free = (keys: readonly string[]): boolean =>
    !keys.some((key) => held.has(key) || waiting.some((waiter) => waiter.keys.includes(key)))

  const tryAcquire = (wanted: readonly string[]): (() => void) | undefined => {
    const keys = [...new Set(wanted)].sort()
    return free(keys) ? take(keys) : undefined
  }

  return {
    tryAcquire,
    async acquire(wanted, signal) {
      signal?.throwIfAborted()
      const now = tryAcquire(wanted)
      if (now) return now
      const keys = [...new Set(wanted)].sort()
      return new Promise((resolve, reject) => {
        const leave = () => {
          waiting = waiting.filter((one) => one !== waiter)
          serve()
          reject(signal?.reason)
        }
        const waiter: Waiter = {
          keys,
          grant: () => {
            signal?.removeEventListener('abort', leave)
            resolve(take(keys))
          },
        }
        waiting.push(waiter)
        signal?.addEventListener('abort', leave, { once: true })
      })
    },
  }
}
