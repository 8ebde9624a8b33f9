import { randomInt } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
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

/**
 * Makes the operator `admin` where there is no account yet. The password is handed to `keep` before it counts, so that a
 * crash in between leaves no account that nobody can use. Answers whether it was made.
 */
export async function createFirstOperator(
  accounts: AccountStore,
  keep: (password: string) => Promise<void>,
): Promise<boolean> {
  if ((await accounts.count()) > 0) return false
  const password = makePassword()
  await keep(password)
  await accounts.create(
    { tenantId: null },
    {
      ...{ name: FIRST_OPERATOR, displayName: 'Administrator', role: 'operator', tenantId: null, breakGlass: true },
      passwordHash: await hashPassword(password),
    },
  )
  return true
}

/** Account names are file names too. */
const NAME = /^[a-z0-9][a-z0-9-]*$/

const fileIn = (folder: string, name: string) => path.join(folder, `${name}-password`)

/** Keeps a password that nobody chose in a file that its owner alone may read, until it is changed. Answers the file's name. */
export async function keepPassword(folder: string, password: string, name = FIRST_OPERATOR): Promise<string> {
  const file = fileIn(folder, name)
  // A file that is there keeps its mode when it is written.
  await rm(file, { force: true })
  await writeFile(file, `${password}\n`, { mode: 0o600 })
  return file
}

export const firstPassword = (folder: string): Promise<string | undefined> =>
  readFile(fileIn(folder, FIRST_OPERATOR), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )

/** The account has a password of its person's own now. */
export async function forgetPassword(folder: string, name: string): Promise<void> {
  if (NAME.test(name)) await rm(fileIn(folder, name), { force: true })
}
