'use client'
import { useMemo, useState } from 'react'
import type { DatapathTable } from '#server/contract/datapaths.ts'
import { Segmented } from '../ui/segmented.tsx'
import { TableWrap } from '../ui/table-wrap.tsx'
import { count, plural, rate } from '../ui/words.ts'
import { layout, NODE, type Node } from './pipeline-layout.ts'
import type { Rates } from './rates.ts'

const VIEWS = [
  { id: 'picture', label: 'Picture' },
  { id: 'list', label: 'Table list' },
] as const
type View = (typeof VIEWS)[number]['id']

interface Props {
  readonly tables: readonly DatapathTable[]
  readonly offered: number | null
  readonly rates: Rates
  readonly selected: number | null
  readonly onSelect: (table: number | null) => void
}

/** Packets per second where two reads are known, else the count. */
function flowOf(table: DatapathTable, rates: Rates): string {
  const perSecond = rates.now.get(`packets ${table.table}`)
  if (perSecond === undefined) return `${count(table.packets)} ${table.packets === '1' ? 'packet' : 'packets'}`
  const { figure, unit } = rate(perSecond, 'pkt/s')
  return `${figure} ${unit}`
}

function dropOf(table: DatapathTable, rates: Rates): string | undefined {
  if (table.dropped === '0') return undefined
  const perSecond = rates.now.get(`dropped ${table.table}`)
  if (!perSecond) return `✕ ${count(table.dropped)} dropped`
  const { figure, unit } = rate(perSecond, '/s')
  return `✕ ${figure}${unit === '/s' ? '' : ' '}${unit} dropped`
}

const shortened = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

function TableNode({
  node,
  rates,
  selected,
  onSelect,
}: { node: Node } & Pick<Props, 'rates' | 'selected' | 'onSelect'>) {
  const { table, x, y } = node
  const drop = dropOf(table, rates)
  const isSelected = selected === table.table
  const middle = x + NODE.width / 2
  return (
    <a
      href={`?table=${table.table}`}
      className={`pn${isSelected ? ' sel' : ''}`}
      aria-current={isSelected ? 'true' : undefined}
      onClick={(event) => {
        event.preventDefault()
        onSelect(isSelected ? null : table.table)
      }}
    >
      <title>{`Table ${table.table}, ${table.name}: ${plural(table.entries, 'entry', 'entries')}, ${flowOf(table, rates)}${drop ? `, ${drop}` : ''}`}</title>
      {drop ? (
        <>
          <path className="pd" d={`M${middle} ${y + NODE.height}v22`} />
          <text className="pdt" x={middle} y={y + NODE.height + 36} textAnchor="middle">
            {drop}
          </text>
        </>
      ) : null}
      {table.miss === 'controller' && !drop ? (
        <>
          <path className="pm" d={`M${middle} ${y + NODE.height}v22`} />
          <text className="pt" x={middle} y={y + NODE.height + 36} textAnchor="middle">
            a miss: to the controller
          </text>
        </>
      ) : null}
      <rect x={x} y={y} width={NODE.width} height={NODE.height} rx="6" />
      <text className="pid" x={x + 10} y={y + 18}>
        {table.table}
      </text>
      <text className="pnm" x={x + 14 + String(table.table).length * 7} y={y + 18}>
        {shortened(table.name, 19 - String(table.table).length)}
      </text>
      <text className="pk" x={x + NODE.width - 10} y={y + 35} textAnchor="end">
        {table.kind}
      </text>
      <text className="pt" x={x + 10} y={y + 35}>
        {plural(table.entries, 'entry', 'entries')}
      </text>
      <text className="pt" x={x + 10} y={y + 51}>
        {flowOf(table, rates)}
      </text>
    </a>
  )
}

function Picture({ tables, rates, selected, onSelect }: Omit<Props, 'offered'>) {
  const shape = useMemo(() => layout(tables), [tables])
  const most = Math.max(1, ...tables.map((table) => rates.now.get(`packets ${table.table}`) ?? 0))
  const width = (table: DatapathTable) => {
    const perSecond = rates.now.get(`packets ${table.table}`)
    return perSecond === undefined ? 2.4 : 1.6 + 4.4 * Math.sqrt(perSecond / most)
  }
  const scale = Math.max(shape.width, 700)
  return (
    <section
      className="pipewrap"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a picture that scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={`${tables.length} tables from left to right; the same figures are in the table list`}
    >
      <svg
        className="pipe"
        viewBox={`0 0 ${scale} ${shape.height}`}
        style={{ minWidth: Math.min(scale, 1000), maxWidth: scale * 1.08 }}
      >
        <title>Pipeline</title>
        {shape.edges.map((edge) => (
          <path
            key={`${edge.from.table.table}-${edge.to.table.table}`}
            className="pe"
            d={edge.path}
            style={{ strokeWidth: Math.min(width(edge.from.table), width(edge.to.table)) }}
          />
        ))}
        {shape.nodes.map((node) => (
          <TableNode key={node.table.table} node={node} rates={rates} selected={selected} onSelect={onSelect} />
        ))}
      </svg>
    </section>
  )
}

const MISS: Readonly<Record<DatapathTable['miss'], string>> = {
  drop: 'dropped',
  continue: 'goes on',
  controller: 'to the controller',
}
export const missWords = (table: DatapathTable): string => MISS[table.miss]

function List({ tables, rates, selected, onSelect }: Omit<Props, 'offered'>) {
  return (
    <TableWrap>
      <table className="t tight">
        <thead>
          <tr>
            <th className="num">Table</th>
            <th>Name</th>
            <th className="not-s">What it does</th>
            <th className="not-s">Kind</th>
            <th className="num">Entries</th>
            <th className="num">Packets</th>
            <th className="num">Now</th>
            <th className="num">Dropped</th>
            <th className="not-s">A miss</th>
          </tr>
        </thead>
        <tbody>
          {tables.map((table) => (
            <tr key={table.table} aria-selected={selected === table.table}>
              <td className="num">{table.table}</td>
              <td>
                <button
                  type="button"
                  className="linkish"
                  onClick={() => onSelect(selected === table.table ? null : table.table)}
                >
                  {table.name}
                </button>
              </td>
              <td className="mid not-s">{table.words}</td>
              <td className="mid not-s">
                {table.kind} on {table.fields.join(', ')}
              </td>
              <td className="num">
                {table.entries.toLocaleString('en')}
                {table.limit === null ? null : <span className="dim"> of {table.limit.toLocaleString('en')}</span>}
              </td>
              <td className="num">{count(table.packets)}</td>
              <td className="num">{rates.now.has(`packets ${table.table}`) ? flowOf(table, rates) : '—'}</td>
              <td className="num">{count(table.dropped)}</td>
              <td className="mid not-s">{missWords(table)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  )
}

/** The tables that packets pass, as a picture or as a list with the same facts. */
export function Pipeline({ offered, ...props }: Props) {
  const [view, setView] = useState<View>('picture')
  return (
    <section className="card" aria-labelledby="h-pipe">
      <header>
        <h2 id="h-pipe">Pipeline</h2>
        <span className="dim">
          {plural(props.tables.length, 'table')}
          {offered === null ? '' : ` of ${offered}`}
        </span>
        <Segmented className="push" label="View" options={VIEWS} value={view} onValue={setView} />
      </header>
      {view === 'picture' ? <Picture {...props} /> : <List {...props} />}
    </section>
  )
}
