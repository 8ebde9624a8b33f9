import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { Refusal } from '#server/kernel/refusal.ts'
import { fitsPassword, hashPassword } from './password.ts'
import type { AccountStore } from './ports.ts'
import type { Caller, Sessions } from './sessions.ts'

export interface SignInLimits {
  /** Failed tries for one account … */
  readonly perAccount: number
  /** … and from one address … */
  readonly perAddress: number
  /** … within this time. */
  readonly window_ms: number
}

export interface Credentials {
  readonly name: string
  readonly password: string
}

export interface Origin {
  readonly address: string
  readonly agent: string
}

export interface LocalSignIn {
  /** Throws `Refusal`: `unauthenticated` (which of the two is wrong is not said), `too-many` with the seconds to wait. */
  signIn(credentials: Credentials, from: Origin): Promise<{ id: string; caller: Caller }>
  /** Ends all other sessions of the account. Throws `Refusal` (`rule`, pointer `/current`) when the present password is wrong. */
  changePassword(caller: Caller, current: string, next: string, from: Origin): Promise<void>
}

/** How long one who tried too often has to wait. */
export class TooManyTries extends Refusal {
  readonly wait_s: number

  constructor(wait_s: number) {
    super('too-many', `Too many failed tries. Wait ${wait_s} s.`)
    this.wait_s = wait_s
  }
}

interface Tries {
  readonly limiter: RateLimiterMemory
  readonly key: string
}

/** Counts a try before the password is looked at, so that parallel tries cannot slip through. */
async function count(tries: readonly Tries[]): Promise<void> {
  for (const { limiter, key } of tries) {
    try {
      await limiter.consume(key)
    } catch (error) {
      if (error instanceof RateLimiterRes) throw new TooManyTries(Math.ceil(error.msBeforeNext / 1000))
      throw error
    }
  }
}

const wrong = () => new Refusal('unauthenticated', 'Name or password is wrong.')

/** Sign-in with a name and a password that are kept here. */
export function localSignIn(accounts: AccountStore, sessions: Sessions, limits: SignInLimits): LocalSignIn {
  const duration = Math.ceil(limits.window_ms / 1000)
  const byAccount = new RateLimiterMemory({ points: limits.perAccount, duration })
  const byAddress = new RateLimiterMemory({ points: limits.perAddress, duration })
  const triesOf = (name: string, address: string): Tries[] => [
    { limiter: byAddress, key: address },
    { limiter: byAccount, key: name.toLowerCase() },
  ]
  const forgive = async (name: string, address: string) => {
    await byAddress.reward(address, 1)
    await byAccount.delete(name.toLowerCase())
  }
  return {
    async signIn({ name, password }, from) {
      await count(triesOf(name, from.address))
      const account = await accounts.byName(name)
      const fits = await fitsPassword(account?.passwordHash, password)
      if (!fits || account?.state !== 'active') throw wrong()
      await forgive(name, from.address)
      return sessions.begin(account, from)
    },
    async changePassword({ account, session }, current, next, { address }) {
      await count(triesOf(account.name, address))
      if (!(await fitsPassword(account.passwordHash, current)))
        throw new Refusal('rule', 'The present password is wrong.', [
          {
            ...{ pointer: '/current', rule: 'password', message: 'The present password is wrong.' },
            mend: 'Type the password that you signed in with.',
          },
        ])
      await forgive(account.name, address)
      await accounts.setPassword(account.id, await hashPassword(next))
      await sessions.endOthers(account.id, session)
    },
  }
}
