import type { DatapathTable } from '#server/contract/datapaths.ts'

export const NODE = { width: 150, height: 60 } as const
const PITCH_X = 172
/** Room below a row for what hangs there: arcs that skip tables, stubs of dropped packets, or neither. */
const ROOM = { arcs: 78, stubs: 52, none: 26 } as const
const EDGE = 10

export interface Node {
  readonly table: DatapathTable
  readonly column: number
  readonly row: number
  readonly x: number
  readonly y: number
}
export interface Edge {
  readonly from: Node
  readonly to: Node
  readonly path: string
}
export interface Layout {
  readonly width: number
  readonly height: number
  readonly nodes: readonly Node[]
  readonly edges: readonly Edge[]
}

/** The longest way from an entry table to each; tables only go on to higher ones, so one pass in their order is enough. */
function columnsOf(tables: readonly DatapathTable[]): ReadonlyMap<number, number> {
  const columns = new Map(tables.map(({ table }) => [table, 0]))
  for (const { table, next } of tables)
    for (const to of next)
      if (to > table && columns.has(to)) columns.set(to, Math.max(columns.get(to) ?? 0, (columns.get(table) ?? 0) + 1))
  return columns
}

/** A straight edge to the neighbour, a curve to another row, an arc below what it skips. */
function pathOf(from: Node, to: Node, depth: number): string {
  if (skips(from, to)) {
    const x1 = from.x + NODE.width * 0.62
    const x2 = to.x + NODE.width * 0.38
    const low = from.y + NODE.height + depth
    return `M${x1} ${from.y + NODE.height}C${x1} ${low} ${x1 + 36} ${low} ${x1 + 60} ${low}H${x2 - 60}C${x2 - 36} ${low} ${x2} ${low} ${x2} ${to.y + NODE.height}`
  }
  const [x1, y1, x2, y2] = [from.x + NODE.width, from.y + NODE.height / 2, to.x, to.y + NODE.height / 2]
  const middle = (x1 + x2) / 2
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`
}

/** Whether an edge passes tables of its own row. */
const skips = (from: Pick<Node, 'column' | 'row'>, to: Pick<Node, 'column' | 'row'>): boolean =>
  to.column - from.column > 1 && from.row === to.row

/** Lays the tables of a datapath out from left to right by how packets pass them. */
export function layout(unsorted: readonly DatapathTable[]): Layout {
  const tables = [...unsorted].sort((a, b) => a.table - b.table)
  const columns = columnsOf(tables)
  const rows = new Map<number, number>()
  const placed = new Map(
    tables.map((table) => {
      const column = columns.get(table.table) ?? 0
      const row = rows.get(column) ?? 0
      rows.set(column, row + 1)
      return [table.table, { table, column, row }] as const
    }),
  )
  const pairs = [...placed.values()].flatMap((from) =>
    from.table.next.flatMap((id) => {
      const to = placed.get(id)
      return to && to.column > from.column ? [{ from, to }] : []
    }),
  )
  const stubs = tables.some(({ dropped, miss }) => dropped !== '0' || miss === 'controller')
  const room = pairs.some(({ from, to }) => skips(from, to)) ? ROOM.arcs : stubs ? ROOM.stubs : ROOM.none
  const at = ({ table, column, row }: Pick<Node, 'table' | 'column' | 'row'>): Node => ({
    ...{ table, column, row },
    ...{ x: EDGE + column * PITCH_X, y: 8 + row * (NODE.height + room) },
  })
  let arcs = 0
  const edges = pairs.map(({ from, to }) => {
    if (skips(from, to)) arcs += 1
    return { from: at(from), to: at(to), path: pathOf(at(from), at(to), 40 + (arcs % 3) * 9) }
  })
  const nodes = [...placed.values()].map(at)
  const last = Math.max(0, ...nodes.map(({ column }) => column))
  const deepest = Math.max(0, ...nodes.map(({ row }) => row))
  const below = deepest === 0 ? room : stubs ? ROOM.stubs : ROOM.none
  return {
    width: EDGE * 2 + last * PITCH_X + NODE.width,
    height: 8 + deepest * (NODE.height + room) + NODE.height + below,
    nodes,
    edges,
  }
}
