import { describe, expect, test } from 'vitest'
import { datapathDifference, shownSubjects } from '#server/api/difference.ts'
import type { PlannedWave } from '#server/engine/change/plan.ts'
import { type Difference, EMPTY_DIFFERENCE } from '#server/engine/program/program.ts'
import { outputs, replicates } from '../engine/change/world.ts'

const wave = (part: Partial<Difference>): PlannedWave =>
  ({ name: 'w', words: '', parts: new Map([['d1', { ...EMPTY_DIFFERENCE, ...part }]]) }) as PlannedWave

const context = {
  ...{ datapathId: 'd1', datapath: 'nic-1', server: 's1', tables: [] },
  because: (of: object) => ('buckets' in of ? 'a group' : 'an entry'),
}

describe('a difference in lines', () => {
  test('marks what comes, goes and changes, groups first, wave by wave', () => {
    const { lines, added, removed, replaced } = datapathDifference(
      [
        wave({ entries: [{ after: outputs(1, 1) }], groups: [{ after: replicates(7, [1]) }] }),
        wave({ entries: [{ before: outputs(2, 2), after: outputs(2, 3) }, { before: outputs(3, 3) }] }),
      ],
      context,
    )
    expect(lines.map(({ mark, wave, table, because }) => [mark, wave, table, because])).toEqual([
      ['+', 0, null, 'a group'],
      ['+', 0, 0, 'an entry'],
      ['~', 1, 0, 'an entry'],
      ['-', 1, 0, 'an entry'],
    ])
    expect(lines[2]).toMatchObject({
      before: expect.stringContaining('actions=output:2'),
      after: expect.stringContaining('actions=output:3'),
    })
    expect([added, removed, replaced]).toEqual([1, 1, 1])
  })

  test('leaves out what only moves provenance', () => {
    const moved = { before: outputs(1, 1), after: { ...outputs(1, 1), cookie: 0xcdn } }
    expect(datapathDifference([wave({ entries: [moved] })], context).lines).toEqual([])
  })

  test('writes 500 lines at most and says how many more there are', () => {
    const entries = Array.from({ length: 1234 }, (_, n) => ({ after: outputs(n, 1) }))
    const { lines, truncated, added } = datapathDifference([wave({ entries })], context)
    expect([lines.length, truncated, added]).toEqual([500, 734, 1234])
    expect(shownSubjects([wave({ entries })], 'd1')).toHaveLength(500)
  })

  test('of a datapath that the change leaves alone is empty', () => {
    expect(
      datapathDifference([wave({ entries: [{ after: outputs(1, 1) }] })], { ...context, datapathId: 'd2' }),
    ).toMatchObject({ lines: [], added: 0, truncated: 0 })
  })
})
