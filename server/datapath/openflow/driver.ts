import type { Endpoint } from '#server/datapath/connection/endpoint.ts'
import type { Log } from '#server/datapath/connection/log.ts'
import { type Driver, DriverError, type DriverEvent } from '#server/datapath/driver.ts'
import type { Difference } from '#server/engine/program/program.ts'
import { type Attachment, createAttachment } from './attachment.ts'
import { discardBundle } from './bundle.ts'
import { readPortCounters } from './describe.ts'
import type { Listeners } from './listeners.ts'
import { createNeighbours } from './neighbour.ts'
import { tunnelPortOf } from './order.ts'
import { commitPart, convergePart, type Part, stagePart } from './part.ts'
import { readHeld } from './read.ts'
import { driverError, type Reach } from './refusal.ts'
import type { Session } from './session.ts'
import { type Counts, noCounts } from './status.ts'

/** Time for reading everything that a switch holds, and for its counters. */
const READ_MS = 30_000
const DISCARD_MS = 2000
/** Staged parts beyond so many were forgotten by whoever staged them; the switch has dropped them by itself. */
const STAGED_MAX = 64

export interface OpenflowOptions {
  /** How the datapath is called in errors. */
  readonly id: string
  /** How it is called in logs. */
  readonly name: string
  /** 16 hexadecimal digits. */
  readonly datapathId: string
  /** Where the switch connects to. */
  readonly controller: Endpoint
  readonly listeners: Listeners
  /** Name of the port that leads to other VTEPs; absent where there is none. */
  readonly tunnel?: string
  /** A number above every one given before, durable before it is given. Rejects when this engine may not be master. */
  readonly generation: () => Promise<bigint>
  readonly log: Log
  /** Time between two looks at the groups, which no switch reports; default 1 s. */
  readonly groups_ms?: number
}

/** A driver, and what only this kind has. */
export interface OpenflowDatapath extends Driver {
  /** Opens the address where the switch connects. Rejects when it is taken. */
  start(): Promise<void>
  status(): Readonly<Counts>
}

/** Tells events to whoever listens; one that throws does not keep others from hearing. */
function audience(log: Log, datapath: string) {
  const listeners = new Set<(event: DriverEvent) => void>()
  const tell = (listener: (event: DriverEvent) => void, event: DriverEvent) => {
    try {
      listener(event)
    } catch (error) {
      log('warn', 'A listener to a datapath threw.', { datapath, error: String(error) })
    }
  }
  return {
    emit(event: DriverEvent) {
      for (const listener of listeners) tell(listener, event)
    },
    subscribe(listener: (event: DriverEvent) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** Runs an operation on the session in service, and says in the driver's terms why it failed. */
function operations(id: string, attachment: Attachment) {
  return async <T>(work: (session: Session, sent: () => void) => Promise<T>): Promise<T> => {
    let reach: Reach = 'nothing sent'
    try {
      return await work(attachment.session(), () => {
        reach = 'commit sent'
      })
    } catch (error) {
      const failure = driverError(id, error, reach)
      if (failure.failure === 'fenced') attachment.fence()
      throw failure
    }
  }
}

/** Parts that were staged and not committed, by token. */
function stagedParts() {
  const parts = new Map<string, Part>()
  let last = 0
  return {
    add(part: Part): string {
      const token = `${++last}`
      parts.set(token, part)
      const [oldest] = parts.keys()
      if (parts.size > STAGED_MAX && oldest !== undefined) parts.delete(oldest)
      return token
    },
    take(token: string): Part | undefined {
      const part = parts.get(token)
      parts.delete(token)
      return part
    },
    clear: () => parts.clear(),
  }
}

const needsBundles = (session: Session, id: string): void => {
  if (!session.description.features.includes('bundles'))
    throw new DriverError('refused', id, 'the switch has no bundles, so that a change could not be atomic')
}

/** Drives one Open vSwitch bridge by OpenFlow 1.3 to 1.5. The switch dials; nothing happens before `start`. */
export function openflowDatapath(options: OpenflowOptions): OpenflowDatapath {
  const { id, name, datapathId, log } = options
  const counts = noCounts()
  const neighbours = createNeighbours()
  const parts = stagedParts()
  const { emit, subscribe } = audience(log, name)
  const groups_ms = options.groups_ms ?? 1000
  const attachment = createAttachment({ ...options, groups_ms, neighbours, counts, emit, lost: parts.clear })
  const operate = operations(id, attachment)
  let withdraw: (() => Promise<void>) | undefined

  const resolve = async (session: Session, difference: Difference): Promise<void> => {
    if (difference.neighbours.length === 0) return
    const port = session.tunnelPort() ?? tunnelPortOf(difference)
    if (port === undefined && difference.neighbours.some(({ after }) => after))
      log('warn', 'Tunnel neighbours are not resolved: the switch has no tunnel port.', { datapath: name })
    return neighbours.resolve(difference, session.connection, port)
  }
  const refused = (error: unknown): never => {
    counts.bundlesRefused++
    throw error
  }

  return {
    get connected() {
      return attachment.connected
    },
    describe: () => operate(async (session) => session.description),
    read: (known) =>
      operate(({ connection }) => readHeld(connection, neighbours.held, { deadline_ms: READ_MS }, known)),
    portCounters: () => operate(({ connection }) => readPortCounters(connection, { deadline_ms: READ_MS })),
    stage: (request, deadline_ms) =>
      operate(async (session) => {
        needsBundles(session, id)
        const staged = stagePart(session, request, { deadline_ms }).catch(refused)
        const [part] = await Promise.all([staged, resolve(session, request.difference)])
        counts.bundlesStaged++
        return { token: parts.add(part) }
      }),
    commit: ({ token }, deadline_ms) =>
      operate(async (session, sent) => {
        const part = parts.take(token)
        if (part?.session !== session) throw new DriverError('away', id, `${name} no longer holds the staged part`)
        await commitPart(part, { deadline_ms }, sent).catch(refused)
        counts.bundlesCommitted++
        neighbours.settle(part.request.difference)
      }),
    async discard({ token }) {
      const part = parts.take(token)
      if (part) await discardBundle(part.bundle, { deadline_ms: DISCARD_MS })
    },
    converge: (difference, deadline_ms) =>
      operate(async (session, sent) => {
        needsBundles(session, id)
        await resolve(session, difference)
        await convergePart(session, difference, { deadline_ms }, sent).catch(refused)
        counts.bundlesCommitted++
        neighbours.settle(difference)
      }),
    subscribe,
    status: () => counts,
    async start() {
      withdraw = await options.listeners.serve(options.controller, datapathId, attachment.take)
    },
    async close() {
      const stop = withdraw
      withdraw = undefined
      attachment.close('closed by Weft')
      await stop?.()
    },
  }
}
