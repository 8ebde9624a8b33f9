import { brokenRules, Refusal } from '#server/kernel/refusal.ts'
import type { BreachedPasswords } from './known-passwords/breached.ts'
import { isCommonPassword } from './known-passwords/common.ts'
import { checkByRules } from './password-rules.ts'

/**
 * Refuses a new password that others would try: by what it is made of, by the list of common ones, and by the breached ones.
 * `names`: of the account. Throws `Refusal` (`rule`; `unavailable` while the breached ones cannot be asked).
 */
export type PasswordCheck = (password: string, names: readonly string[], pointer: string) => Promise<void>

export interface PasswordCheckParts {
  /** No password is made of its name either. */
  readonly product: string
  /** Absent where nobody keeps such a list. */
  readonly breached: BreachedPasswords | undefined
  readonly onFault: (error: Error) => void
}

/** What is checked wherever somebody chooses a password. */
export function passwordCheck({ product, breached, onFault }: PasswordCheckParts): PasswordCheck {
  /** A password that could not be looked up is not taken: the one before goes on, and nobody believes what was not checked. */
  const unchecked = (error: Error, pointer: string): Refusal => {
    onFault(error)
    const message = 'The password could not be compared with those of breaches.'
    const mend = 'Let whoever runs this installation look at the file that WEFT_BREACHED_PASSWORDS names.'
    return new Refusal('unavailable', message, [{ pointer, rule: 'password.unchecked', message, mend }])
  }
  return async (password, names, pointer) => {
    const refuse = (rule: string, message: string, mend: string) => brokenRules([{ pointer, rule, message, mend }])
    checkByRules(password, [...names, product], pointer)
    if (await isCommonPassword(password))
      throw refuse('password.common', 'The password is one of the commonest.', 'Take several words of your own.')
    const isBreached = await breached?.has(password).catch((error: Error) => {
      throw unchecked(error, pointer)
    })
    if (isBreached)
      throw refuse('password.breached', 'The password became known in a breach.', 'Take one that you use nowhere else.')
  }
}
