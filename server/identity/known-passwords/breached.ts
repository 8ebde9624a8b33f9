import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { ConfigError } from '#server/config.ts'
import { hasHash, type ReadAt, sampleHashes } from './sorted-hashes.ts'

/** Passwords that were found in breaches, as a file that whoever runs the installation keeps. */
export interface BreachedPasswords {
  /** Rejects where the file cannot be asked. */
  has(password: string): Promise<boolean>
}

/** Of lines that are looked at before the file is relied on. */
const SAMPLES = 256

const readerOf =
  (file: FileHandle): ReadAt =>
  async (position, length) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
    return buffer.subarray(0, bytesRead)
  }

/** Opened for each question: a newer list may take the file's place at any time. */
async function asking<T>(name: string, ask: (read: ReadAt, size: number) => Promise<T>): Promise<T> {
  const file = await open(name)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new Error('it is no file')
    return await ask(readerOf(file), stat.size)
  } finally {
    await file.close()
  }
}

/** The name of a password in the file. SHA-1 is how such lists are published; it protects nothing here. */
const nameOf = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase()

/** Looks whether the file is what it should be. Throws `ConfigError`. */
export async function openBreachedPasswords(file: string): Promise<BreachedPasswords> {
  await asking(file, (read, size) => sampleHashes(read, size, SAMPLES)).catch((error: Error) => {
    throw new ConfigError([`WEFT_BREACHED_PASSWORDS=${file}: ${error.message}`])
  })
  return { has: (password) => asking(file, (read, size) => hasHash(read, size, nameOf(password))) }
}
