import { describe, expect, it } from 'vitest'
import { growth, leavesFirst, type Step, stepsOf, tunnelPortOf } from '#server/datapath/openflow/order.ts'
import { type Entry, entry, type Group, group } from '#server/engine/program/entry.ts'
import { type Difference, EMPTY_DIFFERENCE } from '#server/engine/program/program.ts'
import type { Action } from '#server/kernel/action.ts'

const to = (...actions: Action[]) => ({ actions })
const groupOf = (number: number, ...references: number[]): Group =>
  group({ group: number, type: 'all', buckets: references.map((id) => to({ type: 'group', group: id })) })
const entryOf = (table: number, priority: number): Entry => entry({ table, priority, match: [], instructions: [] })
const difference = (d: Partial<Difference>): Difference => ({ ...EMPTY_DIFFERENCE, ...d })

const words = (steps: Step[]): string[] =>
  steps.map((step) =>
    step.type === 'group'
      ? `${step.command} group ${step.group.group}`
      : `${step.command} ${step.entry.table}/${step.entry.priority}`,
  )

describe('the order of modifications', () => {
  it('puts groups before the entries that use them, and takes them away after', () => {
    const d = difference({
      groups: [{ before: groupOf(1) }, { after: groupOf(2) }],
      entries: [{ before: entryOf(0, 1) }, { after: entryOf(0, 2) }],
    })
    expect(words(stepsOf(d))).toEqual(['add group 2', 'add 0/2', 'delete 0/1', 'delete group 1'])
  })

  it('puts leaf groups first and takes roots away first', () => {
    const d = difference({
      groups: [
        { after: groupOf(1, 2, 3) },
        { after: groupOf(2, 3) },
        { after: groupOf(3) },
        { before: groupOf(13) },
        { before: groupOf(12, 13) },
        { before: groupOf(11, 12) },
      ],
    })
    expect(words(stepsOf(d))).toEqual([
      'add group 3',
      'add group 2',
      'add group 1',
      'delete group 11',
      'delete group 12',
      'delete group 13',
    ])
  })

  it('modifies a group that is there and adds one that is not', () => {
    const d = difference({ groups: [{ before: groupOf(1), after: groupOf(1, 9) }, { after: groupOf(2) }] })
    expect(words(stepsOf(d))).toEqual(['modify group 1', 'add group 2'])
    expect(words(stepsOf(d, { groups: new Set([2]) }))).toEqual(['add group 1', 'modify group 2'])
  })

  it('replaces an entry by adding over it', () => {
    expect(words(stepsOf(difference({ entries: [{ before: entryOf(0, 1), after: entryOf(0, 1) }] })))).toEqual([
      'add 0/1',
    ])
  })

  it('makes room in full tables before it adds, in other tables afterwards', () => {
    const d = difference({
      entries: [
        { before: entryOf(1, 1) },
        { after: entryOf(1, 2) },
        { before: entryOf(2, 1) },
        { after: entryOf(2, 2) },
      ],
    })
    expect(words(stepsOf(d, { full: new Set([1]) }))).toEqual(['delete 1/1', 'add 1/2', 'add 2/2', 'delete 2/1'])
  })

  it('ends for groups that refer to each other in a circle, and for very long chains', () => {
    expect(leavesFirst([groupOf(1, 2), groupOf(2, 1)])).toHaveLength(2)
    const chain = Array.from({ length: 50_000 }, (_, i) => groupOf(i, i + 1))
    expect(leavesFirst(chain)[0]?.group).toBe(49_999)
  })

  it('counts what tables gain', () => {
    const d = difference({
      entries: [{ after: entryOf(1, 2) }, { before: entryOf(1, 1) }, { before: entryOf(2, 1), after: entryOf(2, 1) }],
    })
    expect([...growth(d)]).toEqual([[1, 1]])
  })
})

describe('the tunnel port of a difference', () => {
  it('is where packets go once their tunnel destination is set', () => {
    const actions: Action[] = [
      { type: 'output', port: 4 },
      { type: 'set_field', field: 'tun_dst', value: 0xc0000202n },
      { type: 'output', port: 7 },
    ]
    const g = group({ group: 1, type: 'all', buckets: [to({ type: 'output', port: 5 }), to(...actions)] })
    expect(tunnelPortOf(difference({ groups: [{ after: g }] }))).toBe(7)
    const e = entry({ table: 0, priority: 1, match: [], instructions: [{ type: 'apply_actions', actions }] })
    expect(tunnelPortOf(difference({ entries: [{ after: e }] }))).toBe(7)
    expect(tunnelPortOf(difference({ entries: [{ after: entryOf(0, 0) }] }))).toBeUndefined()
  })
})
