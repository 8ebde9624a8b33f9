import { FLOW_FLAGS, type FlowEntry, TABLE_ALL } from '#server/codec/openflow/flow.ts'
import { GROUP, type GroupDesc } from '#server/codec/openflow/group.ts'
import type { EntryCounters, Held } from '#server/datapath/driver.ts'
import { type Entry, entryKey, type Group, group, sameEntry } from '#server/engine/program/entry.ts'
import type { Program, TunnelNeighbour } from '#server/engine/program/program.ts'
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

/** Counters of entries in the order in which they came, at three numbers for each: a dump has many, and few are asked for. */
function tally() {
  let numbers = new BigUint64Array(3 << 10)
  let at = 0
  return {
    add({ packet_count = 0n, byte_count = 0n, duration_sec = 0, duration_nsec = 0 }: FlowEntry) {
      if (at === numbers.length) {
        const more = new BigUint64Array(numbers.length * 4)
        more.set(numbers)
        numbers = more
      }
      numbers[at++] = packet_count
      numbers[at++] = byte_count
      numbers[at++] = BigInt(duration_sec * 1000 + Math.floor(duration_nsec / 1e6))
    },
    of(keys: readonly string[]): ReadonlyMap<string, EntryCounters> {
      const number = (place: number) => numbers[place] ?? 0n
      return new Map(
        keys.map((key, n) => [
          key,
          { packets: number(3 * n), bytes: number(3 * n + 1), age_ms: Number(number(3 * n + 2)) },
        ]),
      )
    },
  }
}

/** The entry as it is known, if that is what the switch gave back. */
function recognise(entry: Entry, known: Program | undefined): Entry {
  const one = known?.entries.get(entry.key)
  return one && one.cookie === entry.cookie && sameEntry(one, entry) ? one : entry
}

/**
 * Everything that the switch holds, with counters. `neighbours` are the tunnel ends that the driver keeps resolved;
 * entries that are as in `known` are given as the same values.
 */
export async function readHeld(
  connection: Connection,
  neighbours: ReadonlyMap<string, TunnelNeighbour>,
  patience: Patience,
  known?: Program,
): Promise<Held> {
  const entries = new Map<string, Entry>()
  const keys: string[] = []
  const seen = tally()
  const groups = readGroups(connection, patience)
  const flows = connection.collect(
    ALL_FLOWS,
    (part) => {
      for (const flow of part.flows) {
        const entry = recognise(heldEntry(flow), known)
        entries.set(entry.key, entry)
        keys.push(entry.key)
        seen.add(flow)
      }
    },
    patience,
  )
  await Promise.all([groups, flows])
  const program = Object.freeze({ entries, groups: await groups, neighbours })
  let counters: ReadonlyMap<string, EntryCounters> | undefined
  return {
    program,
    get counters() {
      counters ??= seen.of(keys)
      return counters
    },
  }
}
