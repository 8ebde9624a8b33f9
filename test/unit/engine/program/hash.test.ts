import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diff, isProvenanceOnly } from '#server/engine/program/difference.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { EMPTY_PROGRAM } from '#server/engine/program/program.ts'
import { aProgram } from './arbitrary.ts'

describe('the hash of a program', () => {
  it('is equal exactly where the difference holds nothing but provenance', () => {
    fc.assert(
      fc.property(aProgram, aProgram, (a, b) => {
        const { entries, groups } = diff(a, b)
        const same = groups.length === 0 && entries.every(isProvenanceOnly)
        expect(hashProgram(a).all === hashProgram(b).all).toBe(same)
      }),
      { numRuns: 300 },
    )
  })

  it('leaves cookies, neighbours and the order of entries out', () => {
    fc.assert(
      fc.property(aProgram, fc.bigInt(0n, 1n << 63n), (a, cookie) => {
        const other = new Map([...a.entries].reverse().map(([key, entry]) => [key, { ...entry, cookie }]))
        const groups = new Map([...a.groups].reverse())
        expect(hashProgram({ entries: other, groups, neighbours: new Map() })).toEqual(hashProgram(a))
      }),
    )
  })

  it('has one hash for each table that holds something', () => {
    fc.assert(
      fc.property(aProgram, (a) => {
        const tables = new Set([...a.entries.values()].map((entry) => String(entry.table)))
        expect(Object.keys(hashProgram(a).tables).sort()).toEqual([...tables].sort())
      }),
    )
    expect(hashProgram(EMPTY_PROGRAM).tables).toEqual({})
  })

  it('stays what it is from one release to the next, since journals and rows keep it', () => {
    expect(hashProgram(EMPTY_PROGRAM).all).toMatchInlineSnapshot(
      `"5172d0714343751931cd5405459b159ce58831f73429eb85a83fd5278fb7036e"`,
    )
  })
})
