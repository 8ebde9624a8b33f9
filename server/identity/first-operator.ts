import { randomInt } from 'node:crypto'
import { hashPassword } from './password.ts'
import type { AccountStore } from './ports.ts'

/** Without letters and digits that look alike. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const GROUPS = 5
const GROUP_LENGTH = 4

/** A password to be read and typed: 116 random bits in groups of four. */
export const makePassword = (): string =>
  Array.from({ length: GROUPS }, () =>
    Array.from({ length: GROUP_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join(''),
  ).join('-')

export const FIRST_OPERATOR = 'admin'

/** Makes the operator `admin` where there is no account yet, and answers its password; undefined where there is one. */
export async function createFirstOperator(accounts: AccountStore): Promise<string | undefined> {
  if ((await accounts.count()) > 0) return undefined
  const password = makePassword()
  await accounts.create({
    ...{ name: FIRST_OPERATOR, displayName: 'Administrator', role: 'operator', tenantId: null },
    passwordHash: await hashPassword(password),
  })
  return password
}
