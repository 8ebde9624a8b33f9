import type { Transport } from '#server/datapath/connection/transport.ts'
import type { Clock } from '#server/kernel/clock.ts'
import type { Description, Driver, DriverEvent, Held } from './driver.ts'

/** One datapath's connection as pages show it. */
export interface Connection {
  readonly connected: boolean
  /** Milliseconds since 1970 of the last change of `connected`; null before the first connection. */
  readonly since_ms: number | null
  /** Why it is not connected, in words; null while it is. */
  readonly reason: string | null
  readonly description: Description | null
  /** How it is connected; null while it is not, or where its driver does not say. */
  readonly transport: Transport | null
}

export interface Reading {
  readonly held: Held
  readonly readAt_ms: number
  /** How long it took. */
  readonly took_ms: number
}

/** The drivers in service, with what they last said. */
export interface Fleet {
  readonly ids: readonly string[]
  driver(datapathId: string): Driver | undefined
  /** Takes a datapath into service. `known` is the description kept from an earlier connection. */
  add(datapathId: string, driver: Driver, known: Description | null): void
  remove(datapathId: string): Promise<void>
  connection(datapathId: string): Connection
  /** Somebody who would be this datapath was turned away: says why, while it is not connected. */
  turnedAway(datapathId: string, reason: string): void
  /**
   * The last reading if it is younger than `maxAge_ms` (or than nine times what it took), else a new one; callers at one
   * moment share a read. Where the datapath is away or does not answer: the last one however old, undefined when it was
   * never read. Never rejects.
   */
  reading(datapathId: string, maxAge_ms: number): Promise<Reading | undefined>
  /** The last reading, however old. */
  last(datapathId: string): Reading | undefined
  subscribe(listener: (datapathId: string, event: DriverEvent) => void): () => void
  close(): Promise<void>
}

interface Member {
  readonly driver: Driver
  readonly unsubscribe: () => void
  connection: Connection
  last: Reading | undefined
  running: Promise<Reading | undefined> | undefined
}

const NEVER: Connection = {
  ...{ connected: false, since_ms: null, reason: 'has never connected', description: null, transport: null },
}

function follow(connection: Connection, event: DriverEvent, now_ms: number): Connection {
  switch (event.type) {
    case 'connected': {
      const { description, transport = null } = event
      return { connected: true, since_ms: now_ms, reason: null, description, transport }
    }
    case 'disconnected':
      return { ...connection, connected: false, since_ms: now_ms, reason: event.reason, transport: null }
    case 'ports': {
      const { description } = connection
      return description ? { ...connection, description: { ...description, ports: event.ports } } : connection
    }
    case 'moved':
      return connection
  }
}

/** Looking takes a tenth of the time at most, so that pages about 100,000 entries leave the switch its work. */
const isFresh = ({ readAt_ms, took_ms }: Reading, maxAge_ms: number, clock: Clock): boolean =>
  clock.now_ms() - readAt_ms <= Math.max(maxAge_ms, 9 * took_ms)

/** Reads once. What is read belongs to the connection that it was read through: after another one it is old. */
async function readOnce(member: Member, clock: Clock): Promise<Reading | undefined> {
  try {
    const begun_ms = clock.monotonic_ms()
    const held = await member.driver.read(member.last?.held.program)
    member.last = { held, readAt_ms: clock.now_ms(), took_ms: clock.monotonic_ms() - begun_ms }
  } catch {
    // Away or deaf: what it held last is the best that there is, and its age is told with it.
  } finally {
    member.running = undefined
  }
  return member.last
}

/** Makes an empty fleet; `wiring` adds a driver for each datapath of the inventory. */
export function createFleet(clock: Clock): Fleet {
  const members = new Map<string, Member>()
  const listeners = new Set<(datapathId: string, event: DriverEvent) => void>()
  const heard = (id: string, event: DriverEvent) => {
    const member = members.get(id)
    if (!member) return
    member.connection = follow(member.connection, event, clock.now_ms())
    // It may have restarted meanwhile.
    if (event.type === 'connected') member.last = undefined
    for (const listener of listeners) listener(id, event)
  }
  return {
    get ids() {
      return [...members.keys()]
    },
    driver: (id) => members.get(id)?.driver,
    add(id, driver, known) {
      const unsubscribe = driver.subscribe((event) => heard(id, event))
      const connection = known
        ? { ...NEVER, description: known, reason: 'has not connected since the engine started' }
        : NEVER
      members.set(id, { driver, unsubscribe, connection, last: undefined, running: undefined })
    },
    async remove(id) {
      const member = members.get(id)
      if (!member) return
      members.delete(id)
      member.unsubscribe()
      await member.driver.close()
    },
    connection: (id) => members.get(id)?.connection ?? NEVER,
    turnedAway(id, reason) {
      const member = members.get(id)
      if (member && !member.connection.connected) member.connection = { ...member.connection, reason }
    },
    async reading(id, maxAge_ms) {
      const member = members.get(id)
      if (!member?.driver.connected) return member?.last
      if (member.last && isFresh(member.last, maxAge_ms, clock)) return member.last
      member.running ??= readOnce(member, clock)
      return member.running
    },
    last: (id) => members.get(id)?.last,
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async close() {
      const all = [...members.values()]
      members.clear()
      for (const { unsubscribe } of all) unsubscribe()
      await Promise.all(all.map(({ driver }) => driver.close()))
    },
  }
}
