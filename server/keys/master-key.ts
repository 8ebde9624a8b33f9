import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { MASTER_KEY_BYTES } from './master.ts'

const BASE64 = /^[A-Za-z0-9+/]{43}=$/
const OTHERS = 0o077

/** Reads a master key: 32 bytes in base64. Undefined when there is no such file; throws when it holds something else. */
export async function readMasterKey(file: string): Promise<Buffer | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  if (!BASE64.test(text.trim())) throw new Error(`it is not ${MASTER_KEY_BYTES} bytes in base64`)
  return Buffer.from(text.trim(), 'base64')
}

/** Whether others than its owner may read a file. */
export const isOpenToOthers = async (file: string): Promise<boolean> => ((await stat(file)).mode & OTHERS) !== 0

/**
 * Makes a master key in a file that its owner alone may read. The file is there whole or not at all; where another process
 * was quicker, that one's key counts. Answers the key.
 */
export async function makeMasterKey(file: string): Promise<Buffer> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomBytes(4).toString('hex')}`
  const handle = await open(draft, 'wx', 0o600)
  try {
    await handle.writeFile(`${randomBytes(MASTER_KEY_BYTES).toString('base64')}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(draft)
  const key = await readMasterKey(file)
  if (!key) throw new Error(`${file} went away while it was made`)
  return key
}
