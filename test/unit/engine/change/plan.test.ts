import { describe, expect, test } from 'vitest'
import type { Block, Capability, Part, PartEntry } from '#server/engine/capability.ts'
import { compose, numberTables } from '#server/engine/change/compose.ts'
import { grant } from '#server/engine/change/grants.ts'
import { plan, touchedReasons } from '#server/engine/change/plan.ts'
import { apply } from '#server/engine/program/difference.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { EMPTY_PROGRAM } from '#server/engine/program/program.ts'

const table = (name: string) => ({ name, kind: 'exact', fields: ['in_port'], miss: 'drop' }) as const
const admit: Block = { name: 'admit', slot: 'admit', tables: [table('ports'), table('guard')] }
const forward: Block = { name: 'forward', slot: 'forward', tables: [table('bridge')] }
const capability = { name: 'test', blocks: [forward, admit] } as unknown as Capability

const row = (port: number, over: Partial<PartEntry> = {}): PartEntry => ({
  table: 'admit.ports',
  priority: 100,
  match: [{ field: 'in_port', value: BigInt(port) }],
  instructions: [{ type: 'goto', table: 'forward.bridge' }],
  phase: 'expose',
  because: [`port/${port}`],
  ...over,
})
const part = (datapathId: string, entries: PartEntry[], groups: Part['groups'] = []): Part => ({
  datapathId,
  entries,
  groups,
  neighbours: [],
})
const composed = (...parts: Part[]) => compose([capability], parts).datapaths
const nothing = { before: new Map(), committed: new Map(), tableLimit: new Map(), cookieOf: () => 7n }

describe('composing', () => {
  test('tables are numbered slot by slot, whatever the order of blocks', () => {
    const numbers = [...numberTables([forward, admit]).values()].map(({ name, table }) => [name, table])
    expect(numbers).toEqual([
      ['admit.ports', 0],
      ['admit.guard', 1],
      ['forward.bridge', 150],
    ])
  })
  test('a named table becomes a number', () => {
    const [entry] =
      composed(part('a', [row(1)]))
        .get('a')
        ?.program.entries.values() ?? []
    expect(entry?.instructions).toEqual([{ type: 'goto_table', table: 150 }])
  })
  test('going back is refused', () => {
    const back = row(1, { table: 'forward.bridge', instructions: [{ type: 'goto', table: 'admit.ports' }] })
    expect(compose([capability], [part('a', [back])]).findings[0]?.rule).toBe('compose.goto')
  })
  test('two parts that want one place differently are refused; wanting the same is one entry with both reasons', () => {
    const other = row(1, { instructions: [], because: ['port/9'] })
    expect(compose([capability], [part('a', [row(1)]), part('a', [other])]).findings[0]?.rule).toBe('compose.conflict')
    const same = compose([capability], [part('a', [row(1)]), part('a', [row(1, { because: ['port/9'] })])])
    expect(same.findings).toEqual([])
    expect([...(same.datapaths.get('a')?.origins.values() ?? [])][0]?.because).toEqual(['port/1', 'port/9'])
  })
})

describe('planning', () => {
  const group = {
    group: 5,
    type: 'all',
    buckets: [{ actions: [{ type: 'output', port: 2 }] }],
    because: ['network/1'],
  } as const
  const flood = row(3, {
    table: 'forward.bridge',
    phase: 'receive',
    instructions: [{ type: 'apply_actions', actions: [{ type: 'group', group: 5 }] }],
    because: ['network/1'],
  })
  const sending = row(4, { table: 'forward.bridge', phase: 'transmit', instructions: [], because: ['port/4'] })
  const after = composed(part('a', [row(1), flood, sending], [group]), part('b', [row(2)]))

  test('what receives comes first, then what transmits, then what lets packets in; a group before its first use', () => {
    const { waves } = plan({ ...nothing, after })
    expect(waves.map(({ name, parts }) => [name, [...parts.keys()]])).toEqual([
      ['receive', ['a']],
      ['transmit', ['a']],
      ['expose', ['a', 'b']],
    ])
    expect(waves[0]?.parts.get('a')?.groups).toHaveLength(1)
  })
  test('what nobody asks for any longer goes first and at once, with its groups', () => {
    const first = plan({ ...nothing, after })
    const { waves } = plan({ ...nothing, committed: first.programs, before: after, after: new Map() })
    expect(waves.map(({ name, parts }) => [name, [...parts.keys()]])).toEqual([['leave', ['a', 'b']]])
    expect(waves[0]?.parts.get('a')?.groups).toHaveLength(1)
  })
  test('removals of what moves go the other way round, groups with their last entry', () => {
    const first = plan({ ...nothing, after })
    const [one, other] = [row(1), row(4, { table: 'forward.bridge', phase: 'transmit', instructions: [] })]
    const elsewhere = composed(
      part('c', [
        { ...one, because: ['port/1', 'port/4'] },
        { ...other, because: ['network/1'] },
      ]),
      part('b', [row(2)]),
    )
    const { waves } = plan({ ...nothing, committed: first.programs, before: after, after: elsewhere })
    expect(waves.map(({ name, parts }) => [name, [...parts.keys()]])).toEqual([
      ['transmit', ['c']],
      ['expose', ['c']],
      ['withdraw', ['a']],
      ['silence', ['a']],
      ['clear', ['a']],
    ])
    expect(waves.at(-1)?.parts.get('a')?.groups).toHaveLength(1)
  })
  test('a place that changes hands is left by the one before it is taken by the other', () => {
    const first = plan({ ...nothing, after })
    const sold = row(1, { because: ['port/7'], instructions: [] })
    const hands = composed(part('a', [sold, flood, sending], [group]), part('b', [row(2)]))
    const { waves } = plan({ ...nothing, committed: first.programs, before: after, after: hands })
    const steps = waves.map(({ name, parts }) => {
      const [change] = parts.get('a')?.entries ?? []
      return [name, change?.before === undefined ? 'comes' : 'goes']
    })
    expect(steps).toEqual([
      ['leave', 'goes'],
      ['expose', 'comes'],
    ])
  })
  test('a group loses the buckets of who leaves before it gains others', () => {
    const bucket = (port: number) => ({ actions: [{ type: 'output', port } as const] })
    const withBuckets = (ports: number[], entries: PartEntry[]) =>
      composed(part('a', [...entries, flood], [{ ...group, buckets: ports.map(bucket) }]))
    const before = withBuckets([1, 2], [row(1), row(2)])
    const first = plan({ ...nothing, after: before })
    const steps = (next: ReturnType<typeof composed>) =>
      plan({ ...nothing, committed: first.programs, before, after: next }).waves.map(({ name, parts }) => [
        name,
        parts.get('a')?.groups.map((change) => [change.before, change.after].map((one) => one?.buckets.length)),
      ])
    expect(steps(withBuckets([2, 3], [row(2), row(3)]))).toEqual([
      ['leave', [[2, 1]]],
      ['transmit', [[1, 2]]],
      ['expose', []],
    ])
    expect(steps(withBuckets([2], [row(2)]))).toEqual([['leave', [[2, 1]]]])
    expect(steps(withBuckets([1, 2, 3], [row(1), row(2), row(3)]))).toEqual([
      ['transmit', [[2, 3]]],
      ['expose', []],
    ])
  })
  test('all waves in order are the whole difference', () => {
    const planned = plan({ ...nothing, after })
    for (const [id, wanted] of planned.programs) {
      const reached = planned.waves.reduce((now, { parts }) => {
        const d = parts.get(id)
        return d ? apply(now, d) : now
      }, EMPTY_PROGRAM)
      expect(hashProgram(reached)).toEqual(hashProgram(wanted))
    }
  })
  test('planning the same intent again changes nothing', () => {
    const first = plan({ ...nothing, after })
    expect(plan({ ...nothing, committed: first.programs, before: after, after, cookieOf: () => 8n }).waves).toEqual([])
  })
  test('new reasons for the same entry move its cookie alone', () => {
    const first = plan({ ...nothing, after })
    const more = composed(
      part('a', [row(1, { because: ['port/1', 'port/6'] }), flood, sending], [group]),
      part('b', [row(2)]),
    )
    const { waves } = plan({ ...nothing, committed: first.programs, before: after, after: more, cookieOf: () => 8n })
    expect(waves).toHaveLength(1)
    expect(waves[0]?.parts.get('a')?.entries.map((c) => [c.before?.cookie, c.after?.cookie])).toEqual([[7n, 8n]])
    expect(touchedReasons({ waves, programs: new Map() }, more)).toEqual([['port/1', 'port/6']])
  })
  test('in a table that cannot hold old and new at once, what goes makes room first', () => {
    const first = plan({ ...nothing, after: composed(part('b', [row(1), row(2)])) })
    const moved = composed(part('b', [row(1), row(3)]))
    const { waves } = plan({ ...nothing, committed: first.programs, after: moved, tableLimit: new Map([['b', 2]]) })
    expect(waves.map(({ name }) => name)).toEqual(['leave', 'expose'])
    expect(waves[0]?.parts.get('b')?.entries[0]?.after).toBeUndefined()
  })
})

describe('granting', () => {
  const demand = (key: string, pool = 'p') => ({ key, pool, first: 1, last: 3 })
  test('each demand has the lowest free number of its pool, and keeps it', () => {
    const first = grant([demand('a'), demand('b'), demand('c', 'q')], [], [])
    expect([...first.numbers]).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 1],
    ])
    const again = grant([demand('b')], first.taken, ['a', 'b'])
    expect([...again.numbers]).toEqual([['b', 2]])
    expect(again.released).toEqual(['a'])
    expect(again.taken).toEqual([])
  })
  test('a number that this change gives back is not granted again by it', () => {
    expect(grant([demand('new')], [{ key: 'old', pool: 'p', number: 1 }], ['old']).numbers.get('new')).toBe(2)
  })
  test('an empty pool is a finding', () => {
    const full = grant([demand('a'), demand('b'), demand('c'), demand('d')], [], [])
    expect(full.findings[0]).toMatchObject({ rule: 'grants.exhausted', limit: '3' })
  })
})
