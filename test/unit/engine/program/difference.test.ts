import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apply, cascade, diff, inverse, isProvenanceOnly, restrict, tally } from '#server/engine/program/difference.ts'
import { entry, group } from '#server/engine/program/entry.ts'
import { EMPTY_DIFFERENCE, EMPTY_PROGRAM, isEmptyDifference, type Program } from '#server/engine/program/program.ts'
import { aProgram, programOf } from './arbitrary.ts'

const sorted = ({ entries, groups, neighbours }: Program) => ({
  entries: [...entries].sort(([a], [b]) => (a < b ? -1 : 1)),
  groups: [...groups].sort(([a], [b]) => a - b),
  neighbours: [...neighbours.keys()].sort(),
})

const drop = (priority: number, cookie = 0n) => entry({ table: 0, priority, match: [], instructions: [], cookie })

describe('the algebra of programs', () => {
  it('leads from one program to the other, and back', () => {
    fc.assert(
      fc.property(aProgram, aProgram, (a, b) => {
        const d = diff(a, b)
        expect(sorted(apply(a, d))).toEqual(sorted(b))
        expect(sorted(apply(b, inverse(d)))).toEqual(sorted(a))
        expect(inverse(d)).toEqual(diff(b, a))
        expect(inverse(inverse(d))).toEqual(d)
      }),
    )
  })

  it('finds nothing between a program and itself', () => {
    fc.assert(fc.property(aProgram, (a) => isEmptyDifference(diff(a, a))))
    expect(diff(EMPTY_PROGRAM, EMPTY_PROGRAM)).toEqual(EMPTY_DIFFERENCE)
  })

  it('lists changes in the order of their keys, however the programs were put together', () => {
    fc.assert(
      fc.property(aProgram, (a) => {
        const shuffled = { ...a, entries: new Map([...a.entries].reverse()) }
        const keys = diff(EMPTY_PROGRAM, shuffled).entries.map((change) => change.after?.key)
        expect(keys).toEqual([...keys].sort())
        expect(isEmptyDifference(diff(a, shuffled))).toBe(true)
      }),
    )
  })

  it('applies to anything: what is named comes to its after state, all else stays', () => {
    fc.assert(
      fc.property(aProgram, aProgram, aProgram, (a, b, other) => {
        const d = diff(a, b)
        const once = apply(other, d)
        expect(sorted(apply(once, d))).toEqual(sorted(once))
      }),
    )
  })

  it('takes a before-image from what is really held, and its inverse brings that back', () => {
    fc.assert(
      fc.property(aProgram, aProgram, aProgram, (a, b, held) => {
        const d = diff(a, b)
        const image = restrict(held, { ...d, groups: [] })
        expect(sorted(apply(held, image))).toEqual(sorted(apply(held, { ...d, groups: [] })))
        expect(sorted(apply(apply(held, image), inverse(image)))).toEqual(sorted(held))
      }),
    )
  })

  it('keeps entries that go with a removed group in the before-image', () => {
    const uses = entry({
      table: 0,
      priority: 1,
      match: [],
      instructions: [{ type: 'apply_actions', actions: [{ type: 'group', group: 7 }] }],
    })
    const seven = group({ group: 7, type: 'all', buckets: [] })
    const held = programOf([uses, drop(2)], [seven])
    const d = { ...EMPTY_DIFFERENCE, groups: [{ before: seven }] }
    expect(cascade(held, d)).toEqual([{ before: uses }])
    expect(restrict(held, d)).toEqual({ entries: [{ before: uses }], groups: [{ before: seven }], neighbours: [] })
    expect(cascade(held, { ...d, entries: [{ before: uses }] })).toEqual([])
    expect(cascade(held, { ...EMPTY_DIFFERENCE, groups: [{ before: seven, after: seven }] })).toEqual([])
  })

  it('leaves the entries of a group whose type changes where they are, as a switch does', () => {
    const uses = entry({
      table: 0,
      priority: 1,
      match: [],
      instructions: [{ type: 'apply_actions', actions: [{ type: 'group', group: 7 }] }],
    })
    const [all, select] = (['all', 'select'] as const).map((type) => group({ group: 7, type, buckets: [] }))
    const d = { ...EMPTY_DIFFERENCE, groups: [{ before: all, after: select }] }
    expect(cascade(programOf([uses], all ? [all] : []), d)).toEqual([])
  })

  it('lists a cookie that alone changes, and tells that it is only that', () => {
    const d = diff(programOf([drop(1, 1n), drop(2, 1n)]), programOf([drop(1, 2n), drop(2, 1n), drop(3)]))
    expect(d.entries.map(isProvenanceOnly)).toEqual([false, true])
    expect(tally(d)).toEqual({ added: 1, removed: 0, replaced: 0, provenance: 1, groups: 0 })
  })

  it('compares two programs of 100,000 entries in far less than a second', () => {
    const many = (last: number) =>
      programOf(
        Array.from({ length: 100_000 }, (_, i) =>
          entry({
            table: 1,
            priority: 100,
            match: [{ field: 'eth_dst', value: BigInt(i) }],
            instructions: [{ type: 'apply_actions', actions: [{ type: 'output', port: i === 99_999 ? last : 1 }] }],
          }),
        ),
      )
    const [a, b] = [many(1), many(2)]
    // CPU time: others on the machine do not count.
    const start = process.cpuUsage()
    expect(diff(a, b).entries).toHaveLength(1)
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(800)
  })
})
