import { FLOW_FLAGS, type FlowEntry, TABLE_ALL } from '#server/codec/openflow/flow.ts'
import { GROUP, type GroupDesc } from '#server/codec/openflow/group.ts'
import type { EntryCounters, Held } from '#server/datapath/driver.ts'
import { type Entry, entryKey, type Group, group } from '#server/engine/program/entry.ts'
import type { TunnelNeighbour } from '#server/engine/program/program.ts'
import { PORT } from '#server/kernel/action.ts'
import type { Connection } from './connection.ts'
import type { Patience } from './waiting.ts'

/** Flags that say how an entry is installed, not what it is; a switch need not give them back. */
const TRANSIENT = FLOW_FLAGS.check_overlap | FLOW_FLAGS.reset_counts

/** An entry as the switch gives it back; the codec has brought match and actions into canonical form. */
function heldEntry(flow: FlowEntry): Entry {
  const { table, priority, match, instructions, cookie, idle_timeout, hard_timeout, importance } = flow
  // Fields without a name here are part of where the entry stands: see `namelessFields`.
  const nameless = flow.unknown_oxm?.map(({ hex }) => `?${hex},`).join('') ?? ''
  return Object.freeze({
    table,
    priority,
    match,
    instructions,
    cookie,
    idle_timeout,
    hard_timeout,
    flags: flow.flags & ~TRANSIENT,
    importance,
    key: entryKey(table, priority, match) + nameless,
  })
}

const heldCounters = (flow: FlowEntry): EntryCounters => ({
  packets: flow.packet_count ?? 0n,
  bytes: flow.byte_count ?? 0n,
  age_ms: (flow.duration_sec ?? 0) * 1000 + Math.floor((flow.duration_nsec ?? 0) / 1e6),
})

/** A group as the switch gives it back. */
function heldGroup(desc: GroupDesc): Group {
  const type = desc.group_type
  if (typeof type === 'number') throw new Error(`group ${desc.group} has the unknown type ${type}`)
  return group({ group: desc.group, type, buckets: desc.buckets })
}

/** All groups, by number. */
export async function readGroups(connection: Connection, patience: Patience): Promise<Map<number, Group>> {
  const groups: Group[] = []
  await connection.collect(
    { type: 'group_desc', group: GROUP.all },
    (part) => {
      for (const desc of part.groups) groups.push(heldGroup(desc))
    },
    patience,
  )
  return new Map(groups.sort((a, b) => a.group - b.group).map((g) => [g.group, g]))
}

const ALL_FLOWS = {
  type: 'flow',
  table: TABLE_ALL,
  out_port: PORT.any,
  out_group: GROUP.any,
  cookie: 0n,
  cookie_mask: 0n,
  match: [],
} as const

/** Everything that the switch holds, with counters. `neighbours` are the tunnel ends that the driver keeps resolved. */
export async function readHeld(
  connection: Connection,
  neighbours: ReadonlyMap<string, TunnelNeighbour>,
  patience: Patience,
): Promise<Held> {
  const entries = new Map<string, Entry>()
  const seen: [string, FlowEntry][] = []
  const groups = readGroups(connection, patience)
  const flows = connection.collect(
    ALL_FLOWS,
    (part) => {
      for (const flow of part.flows) {
        const entry = heldEntry(flow)
        entries.set(entry.key, entry)
        seen.push([entry.key, flow])
      }
    },
    patience,
  )
  await Promise.all([groups, flows])
  const program = Object.freeze({ entries, groups: await groups, neighbours })
  let counters: ReadonlyMap<string, EntryCounters> | undefined
  return {
    program,
    // Few who read a program ask for its counters as well.
    get counters() {
      counters ??= new Map(seen.map(([key, flow]) => [key, heldCounters(flow)]))
      return counters
    },
  }
}
