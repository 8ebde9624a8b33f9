import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { makePassword } from './first-password.ts'
import { hashPassword } from './password.ts'
import type { AccountStore } from './ports.ts'

/**
 * Makes an operator where there is no account yet, whatever those that are there are called. The password is handed to `keep` before it counts, so that a
 * crash in between leaves no account that nobody can use. Answers whether it was made.
 */
export async function createFirstOperator(
  accounts: AccountStore,
  name: string,
  keep: (password: string) => Promise<void>,
  passwordEndsAt_ms: number | null,
): Promise<boolean> {
  if ((await accounts.count()) > 0) return false
  const password = makePassword()
  await keep(password)
  await accounts.create(
    { tenantId: null },
    {
      ...{ name, displayName: 'Administrator', role: 'operator', tenantId: null, breakGlass: true },
      ...{ passwordHash: await hashPassword(password), passwordEndsAt_ms },
    },
  )
  return true
}

/** Account names are file names too. */
const NAME = /^[a-z0-9][a-z0-9-]*$/
const ENDING = '-password'

const fileIn = (folder: string, name: string) => path.join(folder, `${name}${ENDING}`)

/** Keeps a password that nobody chose in a file that its owner alone may read, until it is changed. Answers the file's name. */
export async function keepPassword(folder: string, name: string, password: string): Promise<string> {
  const file = fileIn(folder, name)
  // A file that is there keeps its mode when it is written.
  await rm(file, { force: true })
  await writeFile(file, `${password}\n`, { mode: 0o600 })
  return file
}

/** Passwords that are kept so, and whose they are. */
export async function keptPasswords(folder: string): Promise<{ name: string; password: string; file: string }[]> {
  const names = (await readdir(folder))
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .filter((name) => NAME.test(name))
  return Promise.all(
    names.sort().map(async (name) => {
      const file = fileIn(folder, name)
      return { name, password: (await readFile(file, 'utf8')).trim(), file }
    }),
  )
}

/** The account has a password of its person's own now. */
export async function forgetPassword(folder: string, name: string): Promise<void> {
  if (NAME.test(name)) await rm(fileIn(folder, name), { force: true })
}
