import { type Description, type Driver, DriverError, type DriverEvent, type Staged } from '#server/datapath/driver.ts'
import type { Datapaths } from '#server/engine/change/ports.ts'
import { apply } from '#server/engine/program/difference.ts'
import { type Difference, EMPTY_PROGRAM, type Program } from '#server/engine/program/program.ts'

export type Operation = 'read' | 'stage' | 'commit' | 'discard' | 'converge'

/**
 * What goes wrong. `refuse`: the device answers an error. `close`: the connection is lost before the operation, `lost`:
 * after it took effect and before its answer. `stall`: no answer ever, nothing done. `lie`: an answer, nothing done.
 */
export type Fault = 'refuse' | 'close' | 'lost' | 'stall' | 'lie'

/** Asked before every operation; `count` is how often this device was asked for it, from 1. */
export type Faults = (operation: Operation, count: number, datapathId: string) => Fault | undefined

/** A device in memory that can fail. What it holds survives its connection, and whoever drives it. */
export interface Device {
  readonly datapathId: string
  program: Program
  /** Every operation that reached it, in order. */
  readonly log: string[]
  faults: Faults
  /** Milliseconds of virtual time after which a lost connection comes back; undefined: when `connect` is called. */
  reconnect_ms: number | undefined
  connect(): void
  disconnect(reason?: string): void
  /** Somebody else changes what it holds. */
  edit(difference: Difference): void
  /** Loses everything, as a restart does. */
  restart(): void
  readonly driver: Driver
}

const description = (datapathId: string): Description => ({
  datapathId,
  product: 'device in memory',
  protocol: 'none',
  tables: 254,
  tableLimits: {},
  tableDefault: 1_000_000,
  groupTypes: ['all', 'select', 'indirect'],
  maxGroups: 1_000_000,
  metadataBits: 64,
  features: ['bundles'],
  ports: [],
})

/** A device refuses an entry that points to a group it has not, and drops the entries of a group that goes. */
function take(program: Program, difference: Difference): Program {
  const next = apply(program, difference)
  const entries = new Map(next.entries)
  for (const entry of next.entries.values())
    for (const instruction of entry.instructions)
      for (const action of 'actions' in instruction ? instruction.actions : [])
        if (action.type === 'group' && !next.groups.has(action.group)) {
          if (program.groups.has(action.group)) entries.delete(entry.key)
          else throw new Error(`unknown group ${action.group}`)
        }
  return { ...next, entries }
}

/** What a lost connection means for an operation under way. */
const lostAs = (operation: Operation) => (operation === 'commit' || operation === 'converge' ? 'unknown' : 'away')

export function createDevice(
  datapathId: string,
  world: { sleep(duration_ms: number): Promise<void>; log?: string[] },
): Device {
  const listeners = new Set<(event: DriverEvent) => void>()
  const staged = new Map<string, { difference: Difference; change: string }>()
  const counts = new Map<Operation, number>()
  let connected = true
  let tokens = 0
  let connections = 1

  const tell = (event: DriverEvent) => {
    for (const listener of [...listeners]) listener(event)
  }
  const never = () => new Promise<never>(() => {})

  const operate = async <T>(operation: Operation, what: string, effect: () => T, nothing: T): Promise<T> => {
    if (!connected) throw new DriverError('away', datapathId, 'not connected')
    const count = (counts.get(operation) ?? 0) + 1
    counts.set(operation, count)
    const fault = device.faults(operation, count, datapathId)
    device.log.push(`${operation} ${what}`.trim())
    world.log?.push(`${datapathId} ${operation} ${what}`.trim())
    const since = connections
    await world.sleep(1)
    if (since !== connections) throw new DriverError(lostAs(operation), datapathId, 'the connection was lost')
    if (fault === 'stall') return never()
    if (fault === 'refuse') throw new DriverError('refused', datapathId, 'OFPFMFC_TABLE_FULL', 'table=0, priority=1')
    if (fault === 'close') {
      device.disconnect('closed by fault')
      throw new DriverError(lostAs(operation), datapathId, 'connection closed')
    }
    if (fault === 'lie') return nothing
    let value: T
    try {
      value = effect()
    } catch (error) {
      throw new DriverError('refused', datapathId, (error as Error).message)
    }
    if (fault === 'lost') {
      device.disconnect('closed by fault')
      throw new DriverError(lostAs(operation), datapathId, 'answer lost')
    }
    return value
  }

  const driver: Driver = {
    get connected() {
      return connected
    },
    describe: async () => description(datapathId),
    read: () => {
      const read = () => ({ program: device.program, counters: new Map() })
      return operate('read', '', read, { program: EMPTY_PROGRAM, counters: new Map() })
    },
    portCounters: async () => [],
    stage: ({ change, difference }) => {
      const token = `${change}-${++tokens}`
      const put = (): Staged => {
        staged.set(token, { difference, change })
        return { token }
      }
      return operate('stage', token, put, { token })
    },
    commit: ({ token }) =>
      operate(
        'commit',
        token,
        () => {
          const part = staged.get(token)
          if (!part) throw new Error('unknown bundle')
          staged.delete(token)
          device.program = take(device.program, part.difference)
        },
        undefined,
      ),
    discard: ({ token }) => operate('discard', token, () => void staged.delete(token), undefined),
    converge: (difference) =>
      operate(
        'converge',
        '',
        () => {
          device.program = take(device.program, difference)
        },
        undefined,
      ),
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: async () => {},
  }

  const device: Device = {
    datapathId,
    program: EMPTY_PROGRAM,
    log: [],
    faults: () => undefined,
    reconnect_ms: undefined,
    driver,
    connect() {
      if (connected) return
      connected = true
      connections++
      tell({ type: 'connected', description: description(datapathId) })
    },
    disconnect(reason = 'closed') {
      if (!connected) return
      connected = false
      connections++
      staged.clear()
      tell({ type: 'disconnected', reason })
      if (device.reconnect_ms !== undefined)
        world.sleep(device.reconnect_ms).then(
          () => device.connect(),
          () => {},
        )
    },
    edit(difference) {
      device.program = take(device.program, difference)
      if (connected) tell({ type: 'moved', reason: 'somebody else' })
    },
    restart() {
      device.disconnect('restarted')
      device.program = EMPTY_PROGRAM
    },
  }
  return device
}

/** The drivers of devices, as the engine is given them. */
export function datapathsOf(devices: readonly Device[]): Datapaths {
  const byId = new Map(devices.map((device) => [device.datapathId, device.driver]))
  return {
    ids: [...byId.keys()],
    driver: (datapathId) => byId.get(datapathId),
    subscribe(listener) {
      const ends = [...byId].map(([id, driver]) => driver.subscribe((event) => listener(id, event)))
      return () => {
        for (const end of ends) end()
      }
    },
  }
}
