import { hash, verify } from '@node-rs/argon2'

/** Argon2id, the library's default, with 19 MiB, two passes, one lane: the least that OWASP's password storage guide names. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/** Answers the password's Argon2id hash in PHC notation. */
export const hashPassword = (password: string): Promise<string> => hash(password, COST)

/** Stands in for the hash of an account that does not exist, so that the answer takes as long. */
let nobody: Promise<string> | undefined

/** Whether the password fits the hash; without a hash it takes as long and answers false. */
export async function fitsPassword(passwordHash: string | null | undefined, password: string): Promise<boolean> {
  nobody ??= hashPassword('nobody has this password')
  const fits = await verify(passwordHash ?? (await nobody), password)
  return fits && typeof passwordHash === 'string'
}
