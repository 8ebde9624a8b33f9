import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

/** One a line, in lower case; `make-common.ts` says where they are from. */
const FILE = new URL('common.txt.gz', import.meta.url)

/**
 * Whether a password, however its letters are written, is one of the 44,000 commonest that are long enough for us. The list
 * is read for each question, which takes a few milliseconds: passwords are chosen seldom, and nothing stays in memory.
 */
export async function isCommonPassword(password: string): Promise<boolean> {
  const list = await promisify(gunzip)(await readFile(FILE))
  const line = Buffer.from(password.toLowerCase())
  return !line.includes('\n') && list.includes(Buffer.concat([Buffer.from('\n'), line, Buffer.from('\n')]))
}
