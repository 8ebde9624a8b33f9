import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'

/** Whether somebody sits there who can be asked. */
export const isTerminal = (): boolean => process.stdin.isTTY === true

/** Asks on the terminal without showing what is typed; without a terminal the answer is standard input. */
export async function askSecret(question: string): Promise<string> {
  if (!isTerminal()) return (await text(process.stdin)).trimEnd()
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  // From here on the terminal shows nothing by itself: before, an answer that comes quickly could be read.
  const line = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  process.stderr.write(question)
  try {
    return await line.question('')
  } finally {
    line.close()
    process.stderr.write('\n')
  }
}

/** What proves who somebody is: asked for, or the password out of a file. */
export const askedSecrets = (passwordFile: unknown) => ({
  password: async () =>
    typeof passwordFile === 'string' ? (await readFile(passwordFile, 'utf8')).trimEnd() : askSecret('Password: '),
  code: () => askSecret('Code: '),
})
