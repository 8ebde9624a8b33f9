import { describe, expect, test } from 'vitest'
import { heldEntry, places, provenanceOf, searchedText, tablesOf } from '#server/api/held.ts'
import type { Held } from '#server/datapath/driver.ts'
import type { ComposedTable } from '#server/engine/change/compose.ts'
import { type Entry, entry } from '#server/engine/program/entry.ts'
import { outputs, program } from '../engine/change/world.ts'

const count = (packets: bigint) => ({ packets, bytes: packets * 64n, age_ms: 10 })

const held = (entries: readonly Entry[]): Held => ({
  program: program(entries),
  counters: new Map(entries.map(({ key }, n) => [key, count(BigInt(n + 1))])),
})

describe('places', () => {
  test('say of each entry whether it is held, missing, foreign or different', () => {
    const all = places(
      held([outputs(1, 1), outputs(2, 9), outputs(4, 4)]),
      program([outputs(3, 3), outputs(2, 2), outputs(1, 1)]),
    )
    expect(all.map(({ state }) => state)).toEqual(['held', 'differs', 'missing', 'foreign'])
    expect(all.map(({ entry: { key } }) => key)).toEqual(all.map(({ entry: { key } }) => key).toSorted())
    expect(all.map(({ counters }) => counters?.packets)).toEqual([1n, 2n, undefined, 3n])
  })

  test('of what is held come before what is wanted: the different one is shown as it is', () => {
    const [place] = places(held([outputs(2, 9)]), program([outputs(2, 2)]))
    expect(place && searchedText(place)).toContain('actions=output:9')
  })

  test('of a switch that was never read are all missing', () => {
    expect(places(undefined, program([outputs(1, 1)])).map(({ state }) => state)).toEqual(['missing'])
  })

  test('are laid out anew for another program, and not for the same', () => {
    const [reading, wanted] = [held([outputs(1, 1)]), program([outputs(1, 1)])]
    expect(places(reading, wanted)).toBe(places(reading, wanted))
    expect(places(reading, program([])).map(({ state }) => state)).toEqual(['foreign'])
  })
})

describe('a cookie', () => {
  test('leads to its provenance, unless somebody else made it', () => {
    expect(provenanceOf({ ...outputs(1, 1), cookie: 0x5742_0000_0000_0007n })).toBe(7n)
    expect(provenanceOf({ ...outputs(1, 1), cookie: 7n })).toBeUndefined()
  })
})

test('an entry is written in notation, with counts as text', () => {
  const [place] = places(held([outputs(1, 5)]), program([outputs(1, 5)]))
  expect(place && heldEntry(place, null)).toMatchObject({
    ...{ table: 0, priority: 100, match: 'in_port=1', actions: 'output:5', cookie: '0xab' },
    ...{ packets: '1', bytes: '64', age_ms: 10, state: 'held', because: null },
  })
})

test('tables sum what passed, what was dropped, and where it went on', () => {
  const goto = entry({ table: 0, priority: 2, match: [], instructions: [{ type: 'goto_table', table: 7 }] })
  const drop = entry({ table: 0, priority: 1, match: [], instructions: [] })
  const spec: ComposedTable['spec'] = { name: 'a', kind: 'acl', fields: ['in_port'], miss: 'drop' }
  const table: ComposedTable = { table: 0, name: 'net.a', block: 'net', spec }
  const all = places(held([goto, drop, outputs(1, 1, 7)]), program([]))
  expect(tablesOf(all, [table], 10)).toMatchObject([
    { table: 0, entries: 2, limit: 10, packets: '3', dropped: '2', next: [7], words: 'acl on in_port' },
  ])
})
