import { setTimeout as sleep } from 'node:timers/promises'

/** Something that runs until it ends or is stopped. */
export interface Running {
  readonly pid: number
  readonly ended: Promise<string>
  stop(): Promise<void>
}

export interface Service {
  readonly name: string
  /** What runs now; undefined between an end and the next start. */
  readonly running: () => Running | undefined
  readonly starts: () => number
  stop(): Promise<void>
}

export interface ServiceOptions {
  readonly name: string
  readonly start: () => Promise<Running>
  readonly log: (line: string) => void
  /** Told whenever it has been started. */
  readonly onStart?: (running: Running) => void
  /** How long to wait before the first, second, … start in a row; the last one counts for all later ones. */
  readonly delays_ms?: readonly number[]
  /** Whoever ran so long has earned a fresh count. */
  readonly stable_ms?: number
}

const DELAYS_MS = [200, 500, 1000, 2000, 5000, 10_000] as const

/** Keeps something running: what ends comes back alone, more slowly each time. Rejects when the first start fails. */
export async function keepRunning(options: ServiceOptions): Promise<Service> {
  const { name, start, log, onStart, delays_ms = DELAYS_MS, stable_ms = 30_000 } = options
  const stopping = new AbortController()
  let current: Running | undefined
  let starts = 0
  const begin = async () => {
    const running = await start()
    // It was told to stop while it was starting.
    if (stopping.signal.aborted) return running.stop()
    current = running
    starts += 1
    onStart?.(running)
  }
  const pause = (failures: number) =>
    sleep(delays_ms[Math.min(failures, delays_ms.length - 1)], undefined, { signal: stopping.signal }).catch(
      () => undefined,
    )
  await begin()
  const watch = async () => {
    let failures = 0
    while (!stopping.signal.aborted) {
      const since_ms = performance.now()
      const reason = await current?.ended
      current = undefined
      if (stopping.signal.aborted) return
      if (performance.now() - since_ms > stable_ms) failures = 0
      if (reason !== undefined) log(`${name} ${reason}; it is started again`)
      await pause(failures++)
      if (stopping.signal.aborted) return
      await begin().catch((error: Error) => log(`${name}: ${error.message}`))
    }
  }
  const watching = watch()
  return {
    name,
    running: () => current,
    starts: () => starts,
    async stop() {
      stopping.abort()
      await current?.stop()
      await watching
    },
  }
}
