import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { ShippedCheckpoint } from '#server/contract/audit.ts'
import type { Destination } from './shipper.ts'

/** Newest checkpoints of each chain that are taken from a file: the last one vouches for all lines before it. */
const PER_CHAIN = 20

/**
 * A file that lines of JSON are added to, one record each, and that is never read back or written over. It is opened
 * anew each time, so that it can be moved away.
 */
export const fileDestination = (file: string, lines: boolean): Destination => ({
  ...{ to: `file:${file}`, lines },
  async send(records) {
    const handle = await open(file, 'a', 0o600)
    try {
      await handle.appendFile(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
      await handle.datasync()
    } finally {
      await handle.close()
    }
  },
  close: async () => undefined,
})

/**
 * The newest checkpoints of each chain in such a file, which may be large; lines that are none are passed over. Throws
 * what opening and reading a file throws.
 */
export async function readCheckpoints(file: string): Promise<ShippedCheckpoint[]> {
  const byChain = new Map<string, ShippedCheckpoint[]>()
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (!line.includes('"checkpoint"')) continue
    const checkpoint = parsed(line)
    if (!checkpoint) continue
    const kept = byChain.get(checkpoint.chain) ?? []
    kept.push(checkpoint)
    if (kept.length > PER_CHAIN) kept.shift()
    byChain.set(checkpoint.chain, kept)
  }
  return [...byChain.values()].flat()
}

function parsed(line: string): ShippedCheckpoint | undefined {
  try {
    return ShippedCheckpoint.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
