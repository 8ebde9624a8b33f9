import { readFile, rename, writeFile } from 'node:fs/promises'
import type { ShippedCheckpoint } from '#server/contract/audit.ts'
import { type Checkpoint, type CheckpointKeys, toShipped } from '../checkpoint.ts'
import type { LinkedLine } from '../line.ts'

/** A line as it is shipped. */
export type ShippedLine = Omit<LinkedLine, 'hash' | 'at_ms'> & {
  readonly type: 'line'
  readonly at: string
  /** Hexadecimal. */
  readonly hash: string
}
export type Shipped = ShippedLine | ShippedCheckpoint

/** A place outside that lines and checkpoints go to. */
export interface Destination {
  readonly to: string
  /** Every line goes there, not checkpoints alone. */
  readonly lines: boolean
  /** Resolves when it has them; rejects when it may not. */
  send(records: readonly Shipped[]): Promise<void>
  close(): Promise<void>
}

/** How far a destination has everything. */
interface Position {
  /** Id of the last checkpoint. */
  checkpoint: number
  /** Last line of each chain. */
  chains: Record<string, number>
}

export interface ShippingSource {
  /** Where each chain ends now. */
  ends(): Promise<ReadonlyMap<string, number>>
  lines(chain: string, after: number, limit: number): Promise<LinkedLine[]>
  /** In the order in which they were made. */
  checkpoints(after: number, limit: number): Promise<(Checkpoint & { readonly id: number })[]>
}

export interface ShipperParts {
  readonly source: ShippingSource
  readonly keys: Pick<CheckpointKeys, 'verificationKeys'>
  readonly destinations: readonly Destination[]
  /** Where it is remembered how far each destination is. */
  readonly file: string
  readonly onFault: (to: string, error: Error) => void
}

const BATCH = 500
/** Lines that come in close order go together. */
const GATHER_MS = 200
const RETRY_MS = 5000
/** Other processes write too. */
const LOOK_MS = 10_000

const shippedLine = ({ hash, at_ms, ...line }: LinkedLine): ShippedLine => ({
  ...{ type: 'line', at: new Date(at_ms).toISOString(), ...line, hash: hash.toString('hex') },
})

async function remembered(file: string): Promise<Record<string, Position>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}'
    throw error
  })
  return JSON.parse(text) as Record<string, Position>
}

/** Brings everything to one destination, in order; what could not be sent is tried again. */
function courier(
  { source, keys, onFault }: Pick<ShipperParts, 'source' | 'keys' | 'onFault'>,
  destination: Destination,
  position: Position,
  remember: () => Promise<void>,
) {
  const { to, lines } = destination
  let at: string | null = null
  let problem: string | null = null
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let again = false

  async function deliver(records: readonly Shipped[], move: () => void): Promise<void> {
    await destination.send(records)
    move()
    at = new Date().toISOString()
    await remember()
  }

  async function sendLines(): Promise<void> {
    const { chains } = position
    for (const [chain, end] of await source.ends()) {
      // Another database than the one that was sent: all of it is new.
      if ((chains[chain] ?? 0) > end) chains[chain] = 0
      while ((chains[chain] ?? 0) < end) {
        const found = await source.lines(chain, chains[chain] ?? 0, BATCH)
        const last = found.at(-1)
        if (!last) break
        await deliver(found.map(shippedLine), () => {
          chains[chain] = last.sequence
        })
      }
    }
  }

  async function sendCheckpoints(): Promise<void> {
    for (;;) {
      const found = await source.checkpoints(position.checkpoint, BATCH)
      const last = found.at(-1)
      if (!last) return
      const known = new Map((await keys.verificationKeys()).map(({ keyId, publicKey }) => [keyId, publicKey]))
      const records = found.map((one) => toShipped(one, known.get(one.keyId) ?? ''))
      await deliver(records, () => {
        position.checkpoint = last.id
      })
    }
  }

  async function bring(): Promise<void> {
    do {
      again = false
      try {
        if (lines) await sendLines()
        await sendCheckpoints()
        problem = null
      } catch (error) {
        // Said once, not with every new try.
        if (problem === null) onFault(to, error as Error)
        problem = (error as Error).message
        wake(RETRY_MS)
        return
      }
    } while (again)
  }

  /** Sends what there is; while that goes on, once more after it. */
  function run(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    again = true
    running ??= bring().finally(() => {
      running = undefined
    })
    return running
  }

  function wake(after_ms = GATHER_MS): void {
    timer ??= setTimeout(() => void run(), after_ms).unref()
  }

  return {
    wake: () => wake(),
    state: () => ({ to, lines, at, problem }),
    async close(): Promise<void> {
      await run()
      clearTimeout(timer)
      await destination.close()
    },
  }
}

/**
 * Sends lines and checkpoints to their destinations, from the database, each by itself: what could not be sent is sent
 * later, also after a restart. After a crash a destination may get the same twice, never a gap.
 */
export function auditShipper({ destinations, file, ...parts }: ShipperParts) {
  const positions: Record<string, Position> = {}
  let couriers: ReturnType<typeof courier>[] = []
  let looking: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  async function write(): Promise<void> {
    await writeFile(`${file}.new`, JSON.stringify(positions), { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
  const remember = (): Promise<void> => {
    writing = writing.then(write, write)
    return writing
  }
  const wakeAll = () => {
    for (const { wake } of couriers) wake()
  }

  return {
    async start(): Promise<void> {
      if (destinations.length === 0) return
      const known = await remembered(file)
      couriers = destinations.map((destination) => {
        const position = known[destination.to] ?? { checkpoint: 0, chains: {} }
        positions[destination.to] = position
        return courier(parts, destination, position, remember)
      })
      looking = setInterval(wakeAll, LOOK_MS).unref()
      wakeAll()
    },
    /** There is more to send. */
    wake: wakeAll,
    state: () => couriers.map(({ state }) => state()),
    /** Sends what is left, tries each destination once, and ends. */
    async close(): Promise<void> {
      clearInterval(looking)
      await Promise.all(couriers.map(({ close }) => close()))
    },
  }
}
