import ipaddr from 'ipaddr.js'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { TooManyTries } from '../sign-in.ts'

export interface AttemptLimits {
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

/** Whoever has one address of an IPv6 network has all of its last 64 bits. */
export function neighbourhood(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString()
}

export function attemptsByAddress({ perAddress, window_ms }: AttemptLimits): Attempts {
  const limiter = new RateLimiterMemory({ points: perAddress, duration: Math.ceil(window_ms / 1000) })
  return {
    async count(address) {
      try {
        await limiter.consume(neighbourhood(address))
      } catch (error) {
        if (error instanceof RateLimiterRes) throw new TooManyTries(Math.ceil(error.msBeforeNext / 1000))
        throw error
      }
    },
    async forgive(address) {
      await limiter.reward(neighbourhood(address), 1)
    },
  }
}
