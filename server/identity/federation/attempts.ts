import { type LimitWatch, limitCounter, neighbourhood, TooManyTries } from '../limits.ts'

export interface AttemptLimits {
  /** The limit's name in the audit log. */
  readonly name: string
  /** Attempts from one address that led nowhere … */
  readonly perAddress: number
  /** … within this time. */
  readonly window_ms: number
}

/** Attempts of strangers, counted by address before anything is done for them. */
export interface Attempts {
  /** Throws `TooManyTries` once there were too many. */
  count(address: string): Promise<void>
  /** It led somewhere, so does not count. */
  forgive(address: string): Promise<void>
}

export function attemptsByAddress({ name, perAddress, window_ms }: AttemptLimits, watch: LimitWatch): Attempts {
  const what = 'attempts from this address that led nowhere'
  const limit = limitCounter({ name, points: perAddress, window_ms, what }, watch)
  return {
    async count(address) {
      const { over, wait_s } = await limit.count(neighbourhood(address), { address })
      if (over) throw new TooManyTries(wait_s)
    },
    forgive: (address) => limit.forgive(neighbourhood(address)),
  }
}
