import { type Instruction, PORT } from '#server/kernel/action.ts'
import {
  type Block,
  type Capability,
  type Part,
  type PartEntry,
  type PartInstruction,
  type Phase,
  SLOTS,
  type TableName,
  type TableSpec,
} from '../capability.ts'
import type { Finding } from '../finding.ts'
import { type Entry, entry, type Group, group as madeGroup, sameEntry } from '../program/entry.ts'
import type { Program } from '../program/program.ts'

/** A table of a pipeline under its number. */
export interface ComposedTable {
  readonly table: number
  readonly block: string
  readonly name: TableName
  readonly spec: TableSpec
}

/** Why an entry or group is wanted, and when it appears. */
export interface Origin {
  readonly phase: Phase
  readonly because: readonly string[]
  /** What an entry's packets are to the first of these intents. */
  readonly counts?: string
}

/** What one datapath shall hold. Entries have no cookies yet: those come with the plan. */
export interface Composed {
  readonly datapathId: string
  readonly program: Program
  /** By `Entry.key`, and by `group:N`. */
  readonly origins: ReadonlyMap<string, Origin>
  readonly tables: readonly ComposedTable[]
}

export interface Composition {
  readonly datapaths: ReadonlyMap<string, Composed>
  readonly findings: readonly Finding[]
}

/** Each slot has 50 table numbers: a capability that comes later does not renumber those of another slot. */
const SLOT_TABLES = 50

export const groupOrigin = (group: number): string => `group:${group}`

/**
 * Numbers the tables of all blocks: slot by slot, inside a slot in the order in which capabilities are registered. That
 * list only grows at its end, so numbers stay. Table 0, where packets come in, is the first table of the first `admit` block.
 */
export function numberTables(blocks: readonly Block[]): ReadonlyMap<TableName, ComposedTable> {
  const tables = new Map<TableName, ComposedTable>()
  for (const [place, slot] of SLOTS.entries()) {
    let table = place * SLOT_TABLES
    for (const block of blocks.filter((one) => one.slot === slot))
      for (const spec of block.tables) {
        if (table >= (place + 1) * SLOT_TABLES) throw new Error(`slot ${slot} has room for ${SLOT_TABLES} tables`)
        const name: TableName = `${block.name}.${spec.name}`
        tables.set(name, { table: table++, block: block.name, name, spec })
      }
  }
  return tables
}

const wrong = (rule: string, message: string, datapathId: string, subject?: string): Finding => ({
  severity: 'error',
  rule: `compose.${rule}`,
  message,
  mend: 'This is a fault of the capability that wrote the entry; nothing was changed.',
  datapathId,
  ...(subject !== undefined && { subject }),
})

/** One datapath's pipeline while it is laid out. */
interface Layout {
  readonly datapathId: string
  readonly tables: ReadonlyMap<TableName, ComposedTable>
  /** The tables of the blocks that this datapath uses, in order. */
  readonly pipeline: readonly ComposedTable[]
  readonly entries: Map<string, Entry>
  readonly groups: Map<number, Group>
  readonly neighbours: Set<string>
  readonly origins: Map<string, Origin>
  readonly findings: Finding[]
}

/** Going on after the last table of a pipeline is dropping. */
function nextOf({ pipeline }: Layout, from: ComposedTable): Instruction | undefined {
  const next = pipeline.find(({ table }) => table > from.table)
  return next && { type: 'goto_table', table: next.table }
}

function numbered(layout: Layout, from: ComposedTable, instruction: PartInstruction): Instruction | undefined {
  if (instruction.type === 'next') return nextOf(layout, from)
  if (instruction.type !== 'goto') return instruction
  const to = layout.tables.get(instruction.table)
  if (to && to.table > from.table) return { type: 'goto_table', table: to.table }
  const why = to ? 'which does not come later' : 'which no block has'
  layout.findings.push(wrong('goto', `${from.name} goes on to ${instruction.table}, ${why}.`, layout.datapathId))
  return undefined
}

const merged = (a: readonly string[], b: readonly string[]): readonly string[] => [...new Set([...a, ...b])]

function layEntry(layout: Layout, part: PartEntry): void {
  const from = layout.tables.get(part.table)
  if (!from) {
    layout.findings.push(wrong('table', `No block has a table ${part.table}.`, layout.datapathId, part.because[0]))
    return
  }
  const instructions = part.instructions.flatMap((one) => numbered(layout, from, one) ?? [])
  const made = entry({ ...part, table: from.table, instructions })
  const there = layout.entries.get(made.key)
  const origin = layout.origins.get(made.key)
  if (there && !sameEntry(there, made)) {
    const message = `Two things want the same place in ${part.table}: ${origin?.because[0]} and ${part.because[0]}.`
    layout.findings.push(wrong('conflict', message, layout.datapathId, part.because[0]))
    return
  }
  layout.entries.set(made.key, made)
  const because = origin ? merged(origin.because, part.because) : part.because
  const counts = origin?.counts ?? part.counts
  layout.origins.set(made.key, { phase: origin?.phase ?? part.phase, because, ...(counts !== undefined && { counts }) })
}

function layPart(layout: Layout, part: Part): void {
  for (const one of part.entries) layEntry(layout, one)
  for (const { group, type, buckets, because } of part.groups) {
    if (layout.groups.has(group))
      layout.findings.push(wrong('group', `Two things want group ${group}.`, layout.datapathId, because[0]))
    layout.groups.set(group, madeGroup({ group, type, buckets }))
    layout.origins.set(groupOrigin(group), { phase: 'transmit', because })
  }
  for (const address of part.neighbours) layout.neighbours.add(address)
}

const MISS_PRIORITY = 0

/** What a table does with packets that no entry takes; a switch drops them by itself. */
function layMisses(layout: Layout): void {
  for (const { name, block, spec } of layout.pipeline) {
    if (spec.miss === 'drop') continue
    const toController: PartInstruction = {
      type: 'apply_actions',
      actions: [{ type: 'output', port: PORT.controller }],
    }
    layEntry(layout, {
      table: name,
      priority: MISS_PRIORITY,
      match: [],
      instructions: [spec.miss === 'continue' ? { type: 'next' } : toController],
      phase: 'receive',
      because: [`block/${block}`],
    })
  }
}

/** The tables of every block that a part of this datapath writes to. */
function pipelineOf(tables: ReadonlyMap<TableName, ComposedTable>, parts: readonly Part[]): readonly ComposedTable[] {
  const written = new Set(parts.flatMap(({ entries }) => entries.map(({ table }) => table)))
  const blocks = new Set([...written].map((name) => tables.get(name)?.block))
  return [...tables.values()].filter(({ block }) => blocks.has(block))
}

function composedOf(layout: Layout): Composed {
  const used = new Set([...layout.entries.values()].map(({ table }) => table))
  // In the order of keys, so that comparing and hashing need not sort.
  const keys = [...layout.entries.keys()].sort()
  return {
    datapathId: layout.datapathId,
    program: Object.freeze({
      entries: new Map(keys.map((key) => [key, layout.entries.get(key) as Entry])),
      groups: layout.groups,
      neighbours: new Map([...layout.neighbours].map((address) => [address, { address }])),
    }),
    origins: layout.origins,
    tables: [...layout.tables.values()].filter(({ table }) => used.has(table)),
  }
}

/** Lays the parts of all capabilities into one pipeline for each datapath. What does not fit together is a finding. */
export function compose(capabilities: readonly Capability[], parts: readonly Part[]): Composition {
  const tables = numberTables(capabilities.flatMap(({ blocks }) => blocks))
  const all = [...Map.groupBy(parts, ({ datapathId }) => datapathId)].map(([datapathId, own]): Layout => {
    const layout: Layout = {
      datapathId,
      tables,
      pipeline: pipelineOf(tables, own),
      entries: new Map(),
      groups: new Map(),
      neighbours: new Set(),
      origins: new Map(),
      findings: [],
    }
    for (const part of own) layPart(layout, part)
    layMisses(layout)
    return layout
  })
  return {
    datapaths: new Map(all.map((layout) => [layout.datapathId, composedOf(layout)])),
    findings: all.flatMap(({ findings }) => findings),
  }
}
