import type { Timer } from './ports.ts'

/** So long one piece of work may keep others waiting. */
const TURN_MS = 4

/** Takes work that pauses to its end; others have their turn every few milliseconds. */
export async function inTurns<T>(work: Generator<void, T>, timer: Timer): Promise<T> {
  let since_ms = timer.monotonic_ms()
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
    if (timer.monotonic_ms() - since_ms < TURN_MS) continue
    await timer.sleep(0)
    since_ms = timer.monotonic_ms()
  }
}
