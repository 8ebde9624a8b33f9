import type { Operation, Outcome, Watch } from '#server/codec/ovsdb/index.ts'
import type { Log } from '#server/datapath/connection/log.ts'
import type { Transport } from '#server/datapath/connection/transport.ts'
import { OvsdbError } from './failure.ts'
import { follow } from './follow.ts'
import { createMirror, type Mirror, type RowChange, type Table } from './mirror.ts'
import type { CallOptions, Session } from './session.ts'
import type { SessionSource, Taker } from './source.ts'
import { transactOn } from './transaction.ts'
import { WATCH } from './watch.ts'

export type OvsdbEvent =
  /** The mirror holds what the database holds; how it differs from before the loss follows as `rows`. */
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected'; readonly reason: string }
  | { readonly type: 'rows'; readonly changes: readonly RowChange[] }

export interface OvsdbClientOptions {
  readonly source: SessionSource
  readonly log: Log
  /** What is mirrored; by default what a driver follows. */
  readonly watch?: Watch
}

/** A switch's database, with the watched tables mirrored in memory. It connects, and connects again, by itself. */
export interface OvsdbClient {
  /** Connected, and the mirror is as the database is. */
  readonly connected: boolean
  /** How it is connected, while it is. */
  readonly transport: Transport | undefined
  /** Why it is not connected, as last heard; undefined while it is, or before the first attempt. */
  readonly trouble: string | undefined
  /** Rows of a watched table by their id, as last known. */
  table(name: string): Table
  /** See `transactOn`. */
  transact(operations: readonly Operation[], options?: CallOptions): Promise<readonly Outcome[]>
  /**
   * Waits until `probe`, asked now and after every change while connected, answers something. `what` is for the error:
   * OvsdbError `stalled`, `aborted`, or `away` when the client is closed. What `probe` throws is thrown.
   */
  until<T>(what: string, probe: () => T | undefined, options?: CallOptions): Promise<T>
  /** Calls `listener` for every event until the returned function is called. */
  subscribe(listener: (event: OvsdbEvent) => void): () => void
  close(): Promise<void>
}

interface Listeners {
  add(listener: (event: OvsdbEvent) => void): () => void
  tell(event: OvsdbEvent): void
}

/** What a listener throws is its own fault and must not end the connection. */
function createListeners(log: Log): Listeners {
  const listeners = new Set<(event: OvsdbEvent) => void>()
  return {
    add: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell: (event) => {
      for (const listener of [...listeners])
        try {
          listener(event)
        } catch (error) {
          log('warn', 'A listener for database events failed.', { reason: String(error) })
        }
    },
  }
}

type Probe<T> = () => T | undefined

function untilOn<T>(
  client: Pick<OvsdbClient, 'connected' | 'trouble' | 'subscribe'>,
  closing: AbortSignal,
  what: string,
  probe: Probe<T>,
  { deadline_ms = 10_000, signal }: CallOptions,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const finish = (end: () => void) => {
      clearTimeout(timer)
      unsubscribe()
      signal?.removeEventListener('abort', abort)
      closing.removeEventListener('abort', closed)
      end()
    }
    const fail = (error: unknown) => finish(() => reject(error))
    const look = () => {
      try {
        const answer = client.connected ? probe() : undefined
        if (answer !== undefined) finish(() => resolve(answer))
      } catch (error) {
        fail(error)
      }
    }
    const abort = () => fail(new OvsdbError('aborted', `waiting for ${what} was aborted`))
    const closed = () => fail(new OvsdbError('away', `the client was closed while it waited for ${what}`))
    const late = () => {
      const why = client.trouble === undefined ? '' : `, not connected: ${client.trouble}`
      fail(new OvsdbError('stalled', `waited ${deadline_ms} ms for ${what}${why}`))
    }
    const timer = setTimeout(late, deadline_ms)
    const unsubscribe = client.subscribe(look)
    signal?.addEventListener('abort', abort, { once: true })
    closing.addEventListener('abort', closed, { once: true })
    if (signal?.aborted) abort()
    else if (closing.aborted) closed()
    else look()
  })
}

interface Connection extends Taker {
  /** The session whose database the mirror follows; undefined while there is none. */
  live(): Session | undefined
  /** Why there is none; undefined while there is one, or when that is not known. */
  trouble(): string | undefined
  close(): Promise<void>
}

/** Takes sessions, one after the other, and makes the mirror follow each. */
function createConnection(mirror: Mirror, watch: Watch, log: Log, tell: Listeners['tell']): Connection {
  let session: Session | undefined
  let live = false
  let closing = false
  let complaint = ''
  const moved = (changes: readonly RowChange[]) => {
    if (changes.length > 0) tell({ type: 'rows', changes })
  }
  const failed = (reason: string) => {
    // The same failure again and again is said once.
    if (reason !== complaint && !closing) log('warn', 'A switch database cannot be reached.', { reason })
    complaint = reason
  }
  const begin = async (taken: Session) => {
    const changes = await follow(taken, watch, mirror, moved)
    live = true
    complaint = ''
    log('info', 'A switch database is connected.', { peer: taken.peer })
    tell({ type: 'connected' })
    moved(changes)
  }
  const take = async (taken: Session): Promise<boolean> => {
    session = taken
    await begin(taken).catch((error: Error) => {
      taken.close(error.message)
      failed(`${taken.peer}: ${error.message}`)
    })
    const reason = await taken.closed
    const useful = live
    session = undefined
    live = false
    if (useful) {
      log('info', 'A switch database is gone.', { peer: taken.peer, reason })
      tell({ type: 'disconnected', reason })
    }
    return useful
  }
  const close = async () => {
    closing = true
    const last = session
    last?.close('closed here')
    await last?.closed
  }
  return {
    take,
    failed,
    live: () => (live && session?.open ? session : undefined),
    trouble: () => (live || complaint === '' ? undefined : complaint),
    close,
  }
}

/** Opens a client. It starts to connect at once and goes on until closed; `until` and `subscribe` tell when it has. */
export function openOvsdbClient({ source, log, watch = WATCH }: OvsdbClientOptions): OvsdbClient {
  const mirror = createMirror()
  const listeners = createListeners(log)
  const connection = createConnection(mirror, watch, log, listeners.tell)
  const closing = new AbortController()
  source(connection, closing.signal)
  const client: OvsdbClient = {
    get connected() {
      return connection.live() !== undefined
    },
    get transport() {
      return connection.live()?.transport
    },
    get trouble() {
      return connection.trouble()
    },
    table: mirror.table,
    transact: async (operations, options) => {
      const session = connection.live()
      if (!session) throw new OvsdbError('away', 'the switch database is not connected')
      return transactOn(session, operations, options)
    },
    until: (what, probe, options = {}) => untilOn(client, closing.signal, what, probe, options),
    subscribe: listeners.add,
    close: async () => {
      closing.abort()
      await connection.close()
    },
  }
  return client
}
