import pg from 'pg'
import type { AccessMoves, Moved } from '#server/identity/ports.ts'

/** The channel of the triggers on sessions, accounts, bindings, groups, roles and tokens. */
const CHANNEL = 'weft_access'
const RETRY_MS = 1000

const KINDS: readonly string[] = ['session', 'account', 'token', 'notice']

function movedOf(payload: string | undefined): Moved {
  const [kind = '', ...keys] = (payload ?? '').split(' ')
  return KINDS.includes(kind) ? { kind: kind as Exclude<Moved['kind'], 'anything'>, keys } : { kind: 'anything' }
}

export interface Listening extends AccessMoves {
  /** For every connection that writes: PostgreSQL tells one of its own writes before it answers their commit. */
  hear(client: pg.ClientBase): Promise<void>
  close(): Promise<void>
}

/**
 * Hears of writes that were committed, on every connection that we write on and, once somebody listens, on one that does
 * nothing else, for the writes of others. While that one is away nobody is attentive; when it is back anything may have moved.
 */
export function listening(url: string, onError: (error: Error) => void): Listening {
  const listeners = new Set<(moved: Moved) => void>()
  let client: pg.Client | undefined
  let attentive = false
  let closed = false
  let again: NodeJS.Timeout | undefined
  const tell = (moved: Moved) => {
    for (const told of listeners) told(moved)
  }
  const hear = async (one: pg.ClientBase) => {
    one.on('notification', ({ payload }) => tell(movedOf(payload)))
    await one.query(`LISTEN ${CHANNEL}`)
  }
  async function connect(): Promise<void> {
    const own = new pg.Client({ connectionString: url, keepAlive: true })
    client = own
    const lost = (error?: Error) => {
      if (client !== own) return
      client = undefined
      attentive = false
      if (error) onError(error)
      own.removeAllListeners('notification')
      own.end().catch(() => {})
      if (!closed) again = setTimeout(() => void connect(), RETRY_MS)
    }
    own.on('error', lost)
    own.on('end', () => lost())
    try {
      await own.connect()
      await hear(own)
      if (client !== own) return
      attentive = true
      tell({ kind: 'anything' })
    } catch (error) {
      lost(error as Error)
    }
  }
  return {
    get attentive() {
      return attentive
    },
    hear,
    subscribe(told) {
      listeners.add(told)
      if (client === undefined && again === undefined && !closed) void connect()
      return () => listeners.delete(told)
    },
    async close() {
      closed = true
      clearTimeout(again)
      const own = client
      client = undefined
      attentive = false
      await own?.end().catch(() => {})
    },
  }
}
