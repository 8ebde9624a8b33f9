import { type Action, type Instruction, PORT } from '#server/kernel/action.ts'
import type { Entry, Group } from './entry.ts'
import { type Lookup, tableLookup } from './lookup.ts'
import { changedBy, inSetOrder, type Packet } from './packet.ts'
import type { Program } from './program.ts'

export type { Packet } from './packet.ts'

/** What a datapath does with one packet. */
export interface Verdict {
  /** Copies that leave, in order; `port` is a port number or `PORT.local`. */
  readonly outputs: readonly { readonly port: number; readonly packet: Packet }[]
  /** Whether a copy goes to the controller. */
  readonly controller: boolean
  /** Nothing leaves, and nothing goes to the controller. */
  readonly dropped: boolean
  /** The tables on the way and the entry that took the packet there; no entry: a miss. */
  readonly trace: readonly { readonly table: number; readonly entry?: Entry }[]
  /** What was met on the way and could not be judged (an unknown action, one bucket of several): empty, the verdict is exact. */
  readonly doubts: readonly string[]
}

export interface EvaluateOptions {
  /** The ports that `ALL` and `FLOOD` reach. */
  readonly ports?: readonly number[]
}

/** Groups that refer to groups; deeper is taken for a loop. */
const GROUP_DEPTH = 16

interface Run {
  readonly groups: ReadonlyMap<number, Group>
  readonly ports: readonly number[]
  readonly outputs: { port: number; packet: Packet }[]
  readonly doubts: string[]
  controller: boolean
}

function output(run: Run, port: number, packet: Packet): void {
  if (port === PORT.in_port) run.outputs.push({ port: packet.in_port, packet })
  else if (port === PORT.controller) run.controller = true
  else if (port === PORT.all || port === PORT.flood) for (const one of run.ports) output(run, one, packet)
  else if (port === PORT.normal || port === PORT.table || port === PORT.any) run.doubts.push(`output to port ${port}`)
  else if (port !== packet.in_port) run.outputs.push({ port, packet })
}

function chooseBuckets({ group, type, buckets }: Group, run: Run): Group['buckets'] {
  if (type === 'all') return buckets
  const usable = type === 'select' ? buckets.filter((bucket) => bucket.weight > 0) : buckets
  if (usable.length > 1) run.doubts.push(`one of ${usable.length} buckets of group ${group}`)
  return usable.slice(0, 1)
}

function enterGroup(run: Run, number: number, packet: Packet, depth: number): void {
  const group = run.groups.get(number)
  if (group === undefined || depth > GROUP_DEPTH) {
    run.doubts.push(group === undefined ? `group ${number} does not exist` : `groups deeper than ${GROUP_DEPTH}`)
    return
  }
  // Each bucket works on a copy of its own; packets are values, so the same one will do.
  for (const bucket of chooseBuckets(group, run)) perform(run, inSetOrder(bucket.actions), packet, depth + 1)
}

/** Performs actions in order; answers the packet as they leave it. */
function perform(run: Run, actions: readonly Action[], packet: Packet, depth = 0): Packet {
  let now = packet
  for (const action of actions) {
    if (action.type === 'output') output(run, action.port, now)
    else if (action.type === 'group') enterGroup(run, action.group, now, depth)
    else {
      const changed = changedBy(action, now)
      if (changed === undefined) run.doubts.push(`action ${action.type}`)
      else now = changed
    }
  }
  return now
}

interface Pipeline {
  packet: Packet
  set: readonly Action[]
  next: number | undefined
}

function follow(run: Run, at: Pipeline, instruction: Instruction): void {
  switch (instruction.type) {
    case 'apply_actions':
      at.packet = perform(run, instruction.actions, at.packet)
      return
    case 'clear_actions':
      at.set = []
      return
    case 'write_actions':
      at.set = [...at.set, ...instruction.actions]
      return
    case 'write_metadata': {
      const set = { type: 'set_field', field: 'metadata', value: instruction.metadata, mask: instruction.mask } as const
      at.packet = changedBy(set, at.packet) ?? at.packet
      return
    }
    case 'goto_table':
      at.next = instruction.table
      return
    case 'unknown':
      run.doubts.push('an unknown instruction')
  }
}

function indexTables(program: Program): ReadonlyMap<number, Lookup> {
  const tables = new Map<number, Entry[]>()
  for (const entry of program.entries.values()) {
    const list = tables.get(entry.table)
    if (list) list.push(entry)
    else tables.set(entry.table, [entry])
  }
  return new Map([...tables].map(([table, entries]) => [table, tableLookup(entries)]))
}

/**
 * Prepares a program for many packets; the answer says what the datapath does with one. This is the meaning of a
 * program: traces, checks and the simulator ask it. A packet never leaves by the port that it came in by, unless it is
 * sent to `PORT.in_port`.
 */
export function evaluator(program: Program, { ports = [] }: EvaluateOptions = {}): (packet: Packet) => Verdict {
  const tables = indexTables(program)
  return (packet) => {
    const run: Run = { groups: program.groups, ports, outputs: [], doubts: [], controller: false }
    const trace: { table: number; entry?: Entry }[] = []
    const at: Pipeline = { packet, set: [], next: 0 }
    while (at.next !== undefined) {
      const table: number = at.next
      at.next = undefined
      const entry = tables.get(table)?.(at.packet)
      trace.push(entry === undefined ? { table } : { table, entry })
      // A miss drops: what the action set holds is not performed.
      if (entry === undefined) at.set = []
      for (const instruction of entry?.instructions ?? []) follow(run, at, instruction)
      if (at.next !== undefined && at.next <= table) {
        run.doubts.push(`goto table ${at.next} from table ${table}`)
        at.next = undefined
      }
    }
    perform(run, inSetOrder(at.set), at.packet)
    const { outputs, controller, doubts } = run
    return { outputs, controller, dropped: outputs.length === 0 && !controller, trace, doubts }
  }
}

/** What a program does with one packet; for more than a few, prepare an `evaluator`. */
export const evaluate = (program: Program, packet: Packet, options?: EvaluateOptions): Verdict =>
  evaluator(program, options)(packet)
