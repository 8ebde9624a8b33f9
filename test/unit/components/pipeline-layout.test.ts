import { describe, expect, it } from 'vitest'
import { layout } from '#components/datapaths/pipeline-layout.ts'
import type { DatapathTable } from '#server/contract/datapaths.ts'

const table = (id: number, next: number[], dropped = '0'): DatapathTable => ({
  ...{ table: id, name: `t${id}`, words: '', kind: 'exact', fields: [], miss: 'drop', entries: 1, limit: null },
  ...{ packets: '0', next, dropped },
})

describe('the layout of a pipeline', () => {
  it('puts a table to the right of every table that leads to it', () => {
    const { nodes } = layout([table(0, [1, 3]), table(1, [2]), table(2, [3]), table(3, [])])
    expect(nodes.map(({ table: { table: id }, column }) => [id, column])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ])
  })

  it('puts tables side by side in rows that do not overlap', () => {
    const { nodes, height } = layout([table(0, [10, 20]), table(10, [30]), table(20, [30]), table(30, [])])
    const [upper, lower] = nodes.filter(({ column }) => column === 1)
    expect(lower?.y).toBeGreaterThanOrEqual((upper?.y ?? 0) + 60)
    expect(height).toBeGreaterThanOrEqual((lower?.y ?? 0) + 60)
  })

  it('draws every edge to a table that is there, and none to one that is not', () => {
    const { edges } = layout([table(0, [5, 99]), table(5, [0])])
    expect(edges.map(({ from, to }) => [from.table.table, to.table.table])).toEqual([[0, 5]])
  })

  it('leaves room below the last row for what is dropped', () => {
    expect(layout([table(0, [], '3')]).height).toBeGreaterThan(layout([table(0, [])]).height)
  })

  it('of nothing is empty', () => expect(layout([])).toMatchObject({ nodes: [], edges: [] }))
})
