/** Time as an argument: pure code asks for it, the edge brings it. */
export interface Clock {
  /** Milliseconds since 1970, for people and rows. */
  now_ms(): number
  /** Milliseconds that never go back, for deadlines and durations. */
  monotonic_ms(): number
}

export const systemClock: Clock = { now_ms: () => Date.now(), monotonic_ms: () => performance.now() }
