import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { isLoopback } from '#server/config.ts'
import { neighbourhood } from '#server/identity/federation/attempts.ts'
import type { Caller } from '#server/identity/sessions.ts'
import { Refusal } from '#server/kernel/refusal.ts'

/** Requests a minute. */
export interface RateLimits {
  readonly perAccount: number
  readonly perToken: number
  /** An IPv6 address counts with its neighbours in the same /64. */
  readonly perAddress: number
  /** Of all who work in a tenant together. */
  readonly perTenant: number
}

/** What is left of the limit that is nearest. */
export interface Rate {
  readonly limit: number
  readonly remaining: number
  readonly reset_s: number
}

/** More requests than are served: who is limited, and how long to wait. */
export class RateExceeded extends Refusal {
  readonly rate: Rate

  constructor(whose: string, rate: Rate) {
    const limit = `${rate.limit} requests a minute`
    super('too-many', `More than ${limit} for ${whose}. Wait ${rate.reset_s} s.`, [
      {
        ...{ pointer: '', rule: `rate.${whose.split(' ').at(-1)}`, limit, message: `More than ${limit} for ${whose}.` },
        mend: `Wait ${rate.reset_s} s, then go on more slowly.`,
      },
    ])
    this.rate = rate
  }
}

const WINDOW_S = 60
/** `::1` as its neighbourhood has it. */
const LOOPBACK_64 = neighbourhood('::1')

/** `RateLimit-*` as clients know them, and `Retry-After` once nothing is left. */
export const rateHeaders = ({ limit, remaining, reset_s }: Rate): Record<string, string> => ({
  'ratelimit-limit': String(limit),
  'ratelimit-remaining': String(remaining),
  'ratelimit-reset': String(reset_s),
  ...(remaining === 0 && { 'retry-after': String(reset_s) }),
})

/** Counts requests by key, `points` of them a minute. Throws `RateExceeded`. */
export function counter(whose: string, points: number) {
  const limiter = new RateLimiterMemory({ points, duration: WINDOW_S })
  const rateOf = (result: RateLimiterRes, remaining: number): Rate => ({
    ...{ limit: points, remaining, reset_s: Math.max(1, Math.ceil(result.msBeforeNext / 1000)) },
  })
  return async (key: string): Promise<Rate> => {
    try {
      const result = await limiter.consume(key)
      return rateOf(result, result.remainingPoints)
    } catch (error) {
      if (error instanceof RateLimiterRes) throw new RateExceeded(whose, rateOf(error, 0))
      throw error
    }
  }
}

export interface Rates {
  /**
   * Counts a request before anything is done for it. Throws `RateExceeded`. This machine has no limit: its web server asks
   * for everybody's pages.
   */
  address(address: string): Promise<void>
  /** Counts it for whoever sends it: the account, or the token instead, and the tenant. Answers what is nearest to its end. */
  caller(caller: Caller): Promise<Rate>
}

const nearest = (a: Rate, b: Rate): Rate => (a.remaining <= b.remaining ? a : b)

/** Limits on requests, counted in memory: by address before anything is looked up, then by who it is. */
export function requestRates({ perAccount, perToken, perAddress, perTenant }: RateLimits): Rates {
  const byAddress = counter('this address', perAddress)
  const byAccount = counter('this account', perAccount)
  const byToken = counter('this token', perToken)
  const byTenant = counter('this tenant', perTenant)
  return {
    async address(address) {
      const from = neighbourhood(address)
      if (!isLoopback(from) && from !== LOOPBACK_64) await byAddress(from)
    },
    async caller({ account, token, scope }) {
      const own = token ? await byToken(token.id) : await byAccount(account.id)
      return scope.tenantId === null ? own : nearest(own, await byTenant(scope.tenantId))
    },
  }
}
