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

interface State {
  readonly destination: Destination
  readonly position: Position
  at: string | null
  problem: string | null
}

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

/**
 * Sends lines and checkpoints to their destinations, from the database, in order: what could not be sent is sent later,
 * also after a restart. After a crash a destination may get the same twice, never a gap.
 */
export function auditShipper({ source, keys, destinations, file, onFault }: ShipperParts) {
  let states: State[] = []
  let timer: NodeJS.Timeout | undefined
  let looking: NodeJS.Timeout | undefined
  let pumping: Promise<void> | undefined
  let again = false

  async function remember(): Promise<void> {
    const positions = Object.fromEntries(states.map(({ destination, position }) => [destination.to, position]))
    await writeFile(`${file}.new`, JSON.stringify(positions), { mode: 0o600 })
    await rename(`${file}.new`, file)
  }

  async function deliver(state: State, records: readonly Shipped[], move: (position: Position) => void): Promise<void> {
    await state.destination.send(records)
    move(state.position)
    Object.assign(state, { at: new Date().toISOString(), problem: null })
    await remember()
  }

  async function sendLines(state: State): Promise<void> {
    for (const [chain, end] of await source.ends())
      for (let after = state.position.chains[chain] ?? 0; after < end; after = state.position.chains[chain] ?? end) {
        const lines = await source.lines(chain, after, BATCH)
        const last = lines.at(-1)
        if (!last) break
        await deliver(state, lines.map(shippedLine), ({ chains }) => {
          chains[chain] = last.sequence
        })
      }
  }

  async function sendCheckpoints(state: State): Promise<void> {
    for (;;) {
      const found = await source.checkpoints(state.position.checkpoint, BATCH)
      const last = found.at(-1)
      if (!last) return
      const known = new Map((await keys.verificationKeys()).map(({ keyId, publicKey }) => [keyId, publicKey]))
      const records = found.map((one) => toShipped(one, known.get(one.keyId) ?? ''))
      await deliver(state, records, (position) => {
        position.checkpoint = last.id
      })
    }
  }

  /** Answers whether everything arrived. */
  async function bring(state: State): Promise<boolean> {
    try {
      if (state.destination.lines) await sendLines(state)
      await sendCheckpoints(state)
      state.problem = null
      return true
    } catch (error) {
      // Said once, not with every new try.
      if (state.problem === null) onFault(state.destination.to, error as Error)
      state.problem = (error as Error).message
      return false
    }
  }

  async function pump(): Promise<void> {
    do {
      again = false
      const arrived = await Promise.all(states.map(bring))
      if (arrived.includes(false)) wake(RETRY_MS)
    } while (again)
  }

  function run(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    if (pumping) {
      again = true
      return pumping
    }
    pumping = pump().finally(() => {
      pumping = undefined
    })
    return pumping
  }

  function wake(after_ms = GATHER_MS): void {
    if (states.length > 0) timer ??= setTimeout(() => void run(), after_ms).unref()
  }

  return {
    async start(): Promise<void> {
      if (destinations.length === 0) return
      const positions = await remembered(file)
      states = destinations.map((destination) => ({
        ...{ destination, at: null, problem: null },
        position: positions[destination.to] ?? { checkpoint: 0, chains: {} },
      }))
      looking = setInterval(() => wake(), LOOK_MS).unref()
      wake()
    },
    /** There is more to send. */
    wake: () => wake(),
    state: () => states.map(({ destination: { to, lines }, at, problem }) => ({ to, lines, at, problem })),
    /** Sends what is left, tries each destination once, and ends. */
    async close(): Promise<void> {
      clearInterval(looking)
      await run()
      clearTimeout(timer)
      await Promise.all(destinations.map((destination) => destination.close()))
    },
  }
}
