import type { Timer } from '#server/engine/change/ports.ts'

interface Sleeper {
  readonly at_ms: number
  readonly wake: () => void
}

/** Time that passes only when everything waits: the next sleeper is woken once nothing else is left to run. */
export function createVirtualTimer(start_ms = 1_800_000_000_000): Timer & { readonly elapsed_ms: number } {
  let elapsed_ms = 0
  let ticking = false
  const sleepers = new Set<Sleeper>()

  const tick = () => {
    ticking = false
    const next = [...sleepers].sort((a, b) => a.at_ms - b.at_ms)[0]
    if (!next) return
    sleepers.delete(next)
    elapsed_ms = Math.max(elapsed_ms, next.at_ms)
    next.wake()
    arm()
  }
  const arm = () => {
    if (ticking || sleepers.size === 0) return
    ticking = true
    setImmediate(tick)
  }

  return {
    get elapsed_ms() {
      return elapsed_ms
    },
    now_ms: () => start_ms + elapsed_ms,
    monotonic_ms: () => elapsed_ms,
    sleep: (duration_ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const sleeper: Sleeper = { at_ms: elapsed_ms + duration_ms, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener(
          'abort',
          () => {
            sleepers.delete(sleeper)
            reject(signal.reason)
          },
          { once: true },
        )
        arm()
      }),
  }
}
