import fc from 'fast-check'
import { type Bucket, type Entry, entry, type Group, type GroupType, group } from '#server/engine/program/entry.ts'
import type { Program } from '#server/engine/program/program.ts'
import type { Action, Instruction } from '#server/kernel/action.ts'
import { type FieldMatch, fullMask } from '#server/kernel/match.ts'

/** Few values for each thing, so that two random programs touch often. */
const fields = ['in_port', 'metadata', 'eth_dst', 'vlan_vid', 'ipv6_src'] as const

const fieldMatch: fc.Arbitrary<FieldMatch> = fc
  .constantFrom(...fields)
  .chain((field) =>
    fc.record(
      { field: fc.constant(field), value: fc.bigInt(0n, fullMask(field)), mask: fc.bigInt(0n, fullMask(field)) },
      { requiredKeys: ['field', 'value'] },
    ),
  )

export const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ type: fc.constant('output' as const), port: fc.integer({ min: 1, max: 5 }) }),
  fc.constant<Action>({ type: 'output', port: 0xfffffffd, max_len: 128 }),
  fc.record({ type: fc.constant('group' as const), group: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    type: fc.constant('set_field' as const),
    field: fc.constant('eth_dst' as const),
    value: fc.bigInt(0n, 3n),
  }),
  fc.constant<Action>({ type: 'set_field', field: 'metadata', value: 0xffn, mask: 0x0fn }),
  fc.constant<Action>({ type: 'pop_vlan' }),
  fc.constant<Action>({
    type: 'copy_field',
    ...{ from: 'eth_src', from_offset: 0, to: 'eth_dst', to_offset: 0, bits: 48 },
  }),
  fc.constant<Action>({ type: 'unknown', hex: 'ffff0010deadbeef' }),
)

const instructions: fc.Arbitrary<readonly Instruction[]> = fc
  .record(
    {
      apply: fc.array(action, { maxLength: 3 }),
      write: fc.array(action, { minLength: 1, maxLength: 2 }),
      metadata: fc.bigInt(0n, 255n),
      table: fc.integer({ min: 1, max: 3 }),
    },
    { requiredKeys: [] },
  )
  .map(({ apply, write, metadata, table }) => [
    ...(table === undefined ? [] : [{ type: 'goto_table' as const, table }]),
    ...(apply === undefined ? [] : [{ type: 'apply_actions' as const, actions: apply }]),
    ...(write === undefined ? [] : [{ type: 'write_actions' as const, actions: write }]),
    ...(metadata === undefined ? [] : [{ type: 'write_metadata' as const, metadata, mask: 0xffn }]),
  ])

export const anEntry: fc.Arbitrary<Entry> = fc
  .record({
    table: fc.integer({ min: 0, max: 2 }),
    priority: fc.constantFrom(0, 100, 65535),
    match: fc.uniqueArray(fieldMatch, { selector: (one) => one.field, maxLength: 2 }),
    instructions,
    cookie: fc.bigInt(0n, 3n),
    idle_timeout: fc.constantFrom(0, 0, 60),
    importance: fc.constantFrom(0, 0, 1),
  })
  .map(entry)

const bucket: fc.Arbitrary<Omit<Bucket, 'weight'> & { weight?: number }> = fc.record({
  weight: fc.integer({ min: 0, max: 2 }),
  actions: fc.array(action, { maxLength: 2 }),
})

export const aGroup: fc.Arbitrary<Group> = fc
  .record({
    group: fc.integer({ min: 1, max: 4 }),
    type: fc.constantFrom<GroupType>('all', 'indirect', 'select', 'fast_failover'),
    buckets: fc.array(bucket, { maxLength: 3 }),
  })
  .map(group)

/** A program with these entries and groups; the last of those with one key stays. */
export const programOf = (
  entries: readonly Entry[],
  groups: readonly Group[] = [],
  neighbours: string[] = [],
): Program => ({
  entries: new Map(entries.map((one) => [one.key, one])),
  groups: new Map(groups.map((one) => [one.group, one])),
  neighbours: new Map(neighbours.map((address) => [address, { address }])),
})

export const aProgram: fc.Arbitrary<Program> = fc
  .tuple(
    fc.array(anEntry, { maxLength: 12 }),
    fc.array(aGroup, { maxLength: 4 }),
    fc.uniqueArray(fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3')),
  )
  .map(([entries, groups, neighbours]) => programOf(entries, groups, neighbours))
