import { TABLE_ALL } from '#server/codec/openflow/flow.ts'
import { GROUP } from '#server/codec/openflow/group.ts'
import type { Message } from '#server/codec/openflow/message.ts'
import { type FlowUpdate, MONITOR_FLAGS } from '#server/codec/openflow/monitor.ts'
import type { PortDescription } from '#server/datapath/driver.ts'
import { type Group, sameGroup } from '#server/engine/program/entry.ts'
import { matchNotation } from '#server/engine/program/notation/match.ts'
import { PORT } from '#server/kernel/action.ts'
import type { Connection } from './connection.ts'
import { describePort } from './describe.ts'
import { ConnectionLost, SwitchError } from './failure.ts'
import { readGroups } from './read.ts'
import type { Patience } from './waiting.ts'

const MONITOR = 1
/** Events of one burst are told together after so long. */
const BURST_MS = 20

/** Asks the switch to report changes of entries; those by this connection come abbreviated. False when it cannot. */
export async function startMonitor(connection: Connection, patience: Patience): Promise<boolean> {
  if (connection.version === 4) return false
  const { add, removed, modify } = MONITOR_FLAGS
  const monitor = { monitor: MONITOR, out_port: PORT.any, out_group: GROUP.any, flags: add | removed | modify } as const
  const monitors = [{ ...monitor, table: TABLE_ALL, command: 'add', match: [] }] as const
  try {
    await connection.collect({ type: 'flow_monitor', monitors }, () => undefined, patience)
    return true
  } catch (error) {
    if (error instanceof SwitchError) return false
    throw error
  }
}

/** What another than this connection did, in words; undefined for what it did itself. */
export function foreignMove(update: FlowUpdate): string | undefined {
  if (update.type === 'resumed') return 'the switch had paused its reports'
  if (!('match' in update) || update.type === 'initial') return undefined
  const where = [`table=${update.table}`, `priority=${update.priority}`, ...matchNotation(update.match)].join(',')
  const why = update.type === 'removed' ? ` (${update.reason})` : ''
  return `${where} was ${update.type}${why}`
}

/** Collects what happens in a burst, and tells it once. */
export function burst<T>(tell: (all: T[]) => void, wait_ms = BURST_MS) {
  let all: T[] = []
  let timer: NodeJS.Timeout | undefined
  return {
    add(one: T) {
      all.push(one)
      timer ??= setTimeout(() => {
        timer = undefined
        tell(all.splice(0))
      }, wait_ms)
    },
    stop() {
      clearTimeout(timer)
      all = []
    },
  }
}

/** Ports as port status messages change them. */
export function changedPorts(ports: readonly PortDescription[], message: Message): PortDescription[] | undefined {
  if (message.type !== 'port_status') return undefined
  const port = describePort(message.desc)
  const others = ports.filter((one) => one.port !== port.port)
  return message.reason === 'delete' ? others : [...others, port].sort((a, b) => a.port - b.port)
}

/** Compares groups with those of the last look: switches report nothing when a group is added or modified. */
export interface GroupWatch {
  /** Groups that this driver is about to change; call the answer when it is done. */
  own(groups: Iterable<number>): () => void
  stop(): void
}

/** What differs between two looks, except for groups that are exempt. */
export function movedGroups(
  before: ReadonlyMap<number, Group>,
  after: ReadonlyMap<number, Group>,
  exempt: { has(group: number): boolean },
): number[] {
  const moved: number[] = []
  for (const [number, group] of after) {
    const old = before.get(number)
    if (!(old && sameGroup(old, group)) && !exempt.has(number)) moved.push(number)
  }
  for (const number of before.keys()) if (!after.has(number) && !exempt.has(number)) moved.push(number)
  return moved
}

/** Looks at the groups every `interval_ms`. */
export function watchGroups(
  connection: Connection,
  first: ReadonlyMap<number, Group>,
  moved: (groups: number[]) => void,
  interval_ms: number,
): GroupWatch {
  let held = first
  let stopped = false
  /** Own changes, until a look that began after their end (monotonic milliseconds) has been taken. */
  const exempt = new Map<number, number>()
  const look = async () => {
    const began_ms = performance.now()
    const now = await readGroups(connection, { deadline_ms: 10_000 })
    if (stopped) return
    const strange = movedGroups(held, now, exempt)
    held = now
    for (const [group, ended_ms] of exempt) if (ended_ms < began_ms) exempt.delete(group)
    if (strange.length > 0) moved(strange)
  }
  const again = () => {
    timer = setTimeout(() => {
      look()
        // A lost connection ends the watch; an answer that came late or not at all is asked for again.
        .catch((error) => error instanceof ConnectionLost)
        .then((over) => over === true || stopped || again())
    }, interval_ms)
    timer.unref()
  }
  let timer: NodeJS.Timeout | undefined
  again()
  return {
    own(groups) {
      const mine = [...groups]
      for (const group of mine) exempt.set(group, Number.POSITIVE_INFINITY)
      return () => {
        for (const group of mine) exempt.set(group, performance.now())
      }
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
