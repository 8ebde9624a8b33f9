import { nameOf } from '#server/api/door.ts'
import { isLoopback } from '#server/config.ts'
import { type Limited, type LimitWatch, limitCounter, neighbourhood } from '#server/identity/limits.ts'
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

/** Whose requests are counted together. */
type Whose = 'address' | 'account' | 'token' | 'tenant'

/** More requests than are served: who is limited, and how long to wait. */
export class RateExceeded extends Refusal {
  readonly rate: Rate

  constructor(whose: Whose, rate: Rate) {
    const limit = `${rate.limit} requests a minute`
    const message = `More than ${limit} for this ${whose}.`
    super('too-many', `${message} Wait ${rate.reset_s} s.`, [
      {
        ...{ pointer: '', rule: `rate.${whose}`, limit, message },
        mend: `Wait ${rate.reset_s} s, then go on more slowly.`,
      },
    ])
    this.rate = rate
  }
}

const WINDOW_MS = 60_000
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
export function counter(whose: Whose, points: number, watch: LimitWatch) {
  const limit = { name: `rate.${whose}`, points, window_ms: WINDOW_MS, what: `requests for this ${whose}` }
  const { count } = limitCounter(limit, watch)
  return async (key: string, by: Limited): Promise<Rate> => {
    const { over, remaining, wait_s } = await count(key, by)
    const rate = { limit: points, remaining, reset_s: wait_s }
    if (over) throw new RateExceeded(whose, rate)
    return rate
  }
}

export interface Rates {
  /**
   * Counts a request before anything is done for it. Throws `RateExceeded`. This machine has no limit: its web server asks
   * for everybody's pages.
   */
  address(address: string): Promise<void>
  /** Counts it for whoever sends it: the account, or the token instead, and the tenant. Answers what is nearest to its end. */
  caller(caller: Caller, address: string): Promise<Rate>
}

const nearest = (a: Rate, b: Rate): Rate => (a.remaining <= b.remaining ? a : b)

/** Limits on requests, counted in memory: by address before anything is looked up, then by who it is. */
export function requestRates({ perAccount, perToken, perAddress, perTenant }: RateLimits, watch: LimitWatch): Rates {
  const byAddress = counter('address', perAddress, watch)
  const byAccount = counter('account', perAccount, watch)
  const byToken = counter('token', perToken, watch)
  const byTenant = counter('tenant', perTenant, watch)
  return {
    async address(address) {
      const from = neighbourhood(address)
      if (!isLoopback(from) && from !== LOOPBACK_64) await byAddress(from, { address })
    },
    async caller(caller, address) {
      const { account, token, scope } = caller
      const { id: actorId, providerName: provider } = account
      const by = { address, actor: nameOf(caller), actorId, provider, tenantId: scope.tenantId }
      const own = token
        ? await byToken(token.id, { ...by, subject: `token/${token.id}` })
        : await byAccount(account.id, { ...by, subject: `user/${account.id}` })
      if (scope.tenantId === null) return own
      return nearest(own, await byTenant(scope.tenantId, { ...by, subject: `tenant/${scope.tenantId}` }))
    },
  }
}
