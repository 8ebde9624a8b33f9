import type { Message } from '#server/codec/openflow/message.ts'
import type { Log } from '#server/datapath/connection/log.ts'
import type { Description, DriverEvent, PortDescription } from '#server/datapath/driver.ts'
import { hasBundles } from './bundle.ts'
import { type Connection, openConnection } from './connection.ts'
import { describeSwitch } from './describe.ts'
import { SwitchError } from './failure.ts'
import type { Greeting } from './handshake.ts'
import type { Neighbours } from './neighbour.ts'
import { readGroups } from './read.ts'
import { becomeMaster } from './role.ts'
import type { Counts } from './status.ts'
import { burst, changedPorts, foreignMove, type GroupWatch, startMonitor, watchGroups } from './watch.ts'

/** Time for each question while a connection is taken into service. */
const QUESTION_MS = 10_000
/** How long a switch that has a newer master is left alone before it is asked again. */
const FENCED_MS = 30_000

export interface SessionOptions {
  readonly name: string
  /** A number above every one given before, durable before it is given. Rejects when this engine may not be master. */
  readonly generation: () => Promise<bigint>
  /** Name of the port that leads to other VTEPs. */
  readonly tunnel?: string
  readonly neighbours: Neighbours
  readonly counts: Counts
  readonly log: Log
  /** Time between two looks at the groups. */
  readonly groups_ms: number
  readonly emit: (event: DriverEvent) => void
  /** Another controller has become master; the connection stays open, so that the two do not take turns for ever. */
  readonly fenced: () => void
  /** Called once, when the session is over or was never of use. */
  readonly over: (reason: string) => void
}

/** One connection in service: we are master, know what the switch is, and hear what happens there. */
export interface Session {
  readonly connection: Connection
  readonly description: Description
  readonly groups: GroupWatch
  /** Port that leads to other VTEPs, while the switch has it. */
  tunnelPort(): number | undefined
}

const strangersWords = (moves: readonly string[]): string =>
  moves.length === 1 ? `${moves[0]}` : `${moves[0]}, and ${moves.length - 1} more`

const portNamed = (ports: readonly PortDescription[], name: string | undefined): number | undefined =>
  name === undefined ? undefined : ports.find((port) => port.name === name)?.port

/** What is done with messages that nobody asked for. */
function ears(options: SessionOptions, ports: (message: Message) => void, demoted: () => void) {
  const moved = burst<string>((all) => options.emit({ type: 'moved', reason: strangersWords(all) }))
  const heard = (message: Message) => {
    if (message.type === 'multipart_reply' && message.body.type === 'flow_monitor') {
      for (const update of message.body.updates) {
        const words = foreignMove(update)
        if (words !== undefined) moved.add(words)
      }
    } else if (message.type === 'port_status') ports(message)
    else if (message.type === 'role_status' && message.role !== 'master') demoted()
    else if (message.type === 'packet_in') options.counts.packetIns++
  }
  return { heard, moved }
}

/** Becomes master, tries out what the switch can, and learns what it is. */
async function settle(connection: Connection, { generation, tunnel }: SessionOptions) {
  const patience = { deadline_ms: QUESTION_MS }
  await becomeMaster(connection, await generation(), patience)
  const [bundles, monitor] = [await hasBundles(connection, patience), await startMonitor(connection, patience)]
  const [description, groups] = await Promise.all([
    describeSwitch(connection, { bundles, monitor }, patience),
    readGroups(connection, patience),
  ])
  const hasTunnel = portNamed(description.ports, tunnel) !== undefined
  return {
    groups,
    description: hasTunnel ? { ...description, features: [...description.features, 'tunnel'] } : description,
  }
}

/** Takes a greeted switch into service. Resolves to undefined when that fails; `over` says why, then and later. */
export async function openSession(greeting: Greeting, options: SessionOptions): Promise<Session | undefined> {
  const { counts, log, name, emit } = options
  const stops: (() => void)[] = []
  let description: Description | undefined
  const ports = burst<PortDescription[]>((all) => emit({ type: 'ports', ports: all.at(-1) ?? [] }))
  const onPorts = (message: Message) => {
    const changed = description && changedPorts(description.ports, message)
    if (!changed || !description) return
    description = { ...description, ports: changed }
    ports.add(changed)
  }
  const { heard, moved } = ears(options, onPorts, options.fenced)
  stops.push(ports.stop, moved.stop)
  const connection = openConnection(greeting, {
    traffic: counts,
    heard,
    erred: (error) => {
      counts.strayErrors++
      log('warn', 'A switch sent an error that belongs to no request.', { datapath: name, error: error.message })
    },
    closed: (reason) => {
      for (const stop of stops) stop()
      options.over(reason)
    },
  })
  try {
    const settled = await settle(connection, options)
    description = settled.description
    if (!connection.open) return undefined
    const looked = (groups: number[]) => moved.add(`group ${groups.join(', ')} changed`)
    const groups = watchGroups(connection, settled.groups, looked, options.groups_ms)
    const tunnelPort = () => portNamed(description?.ports ?? [], options.tunnel)
    stops.push(groups.stop, options.neighbours.keep(connection, tunnelPort))
    return {
      connection,
      groups,
      tunnelPort,
      get description() {
        return description as Description
      },
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const refused = error instanceof SwitchError && error.fenced
    if (refused) options.fenced()
    setTimeout(() => connection.close(reason), refused ? FENCED_MS : 0).unref()
    return undefined
  }
}
