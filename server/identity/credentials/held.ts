import { brokenRules, type RefusalDetail } from '#server/kernel/refusal.ts'
import { isAtLeast, meets, type SecondFactor, strengthOf } from '../duties.ts'
import type { Caller } from '../sessions.ts'
import type { Passkeys } from './passkeys.ts'
import type { StoredPasskey } from './ports.ts'
import type { Totp } from './totp.ts'

interface Held {
  readonly totp: boolean
  readonly passkeys: readonly Pick<StoredPasskey, 'id' | 'synced'>[]
}

/** What a passkey proves: one that stays in its device is hardware. */
export const passkeyMethod = ({ synced }: Pick<StoredPasskey, 'synced'>): string =>
  synced ? 'passkey' : 'passkey+hardware'

/** The ways of signing in, beside the password alone, that somebody has here. */
const methodsOf = ({ totp, passkeys }: Held): string[] => [
  ...(totp ? ['password+totp'] : []),
  ...passkeys.map(passkeyMethod),
]

export interface FactorRules {
  /** Before a factor is added. Throws `Refusal` (`rule`) where there is one that the session has to prove first. */
  beforeAdding(caller: Caller): Promise<void>
  /** Before one is removed: `totp`, or a passkey's id. Throws `Refusal` (`rule`) where that is the last that counts. */
  beforeRemoving(accountId: string, factor: string): Promise<void>
}

const refuse = (detail: Omit<RefusalDetail, 'pointer'>) => brokenRules([{ pointer: '', ...detail }])

/** What is added to, and taken from, what somebody signs in with where a second factor is asked for. */
export function factorRules(
  totp: Pick<Totp, 'isAsked'>,
  passkeys: Pick<Passkeys, 'of'>,
  asked: SecondFactor,
): FactorRules {
  const heldBy = async (accountId: string): Promise<Held> => {
    const [codes, own] = await Promise.all([totp.isAsked(accountId), passkeys.of(accountId)])
    return { totp: codes, passkeys: own }
  }
  return {
    // Else a password alone would be enough to add what it is to be protected by.
    async beforeAdding({ account, method, owes }) {
      if (!owes.includes('second-factor')) return
      const stronger = methodsOf(await heldBy(account.id)).find(
        (held) => !isAtLeast(strengthOf(method), strengthOf(held)),
      )
      if (stronger === undefined) return
      throw refuse({
        ...{ rule: 'second-factor.prove', message: 'There is a second factor, which has to be proved first.' },
        mend: `Send ${stronger.startsWith('passkey') ? 'a passkey' : 'password and code'} to POST /session/step-up.`,
      })
    },
    async beforeRemoving(accountId, factor) {
      if (asked === 'optional') return
      const held = await heldBy(accountId)
      const left = { totp: held.totp && factor !== 'totp', passkeys: held.passkeys.filter(({ id }) => id !== factor) }
      const counts = (methods: readonly string[]) => methods.some((method) => meets(method, asked))
      if (!counts(methodsOf(held)) || counts(methodsOf(left))) return
      throw refuse({
        ...{
          rule: 'second-factor.last',
          message: 'It is the last second factor that counts, and one is asked for here.',
        },
        mend: 'Add another one first.',
      })
    },
  }
}
