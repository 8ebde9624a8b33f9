'use client'
import type { UseQueryResult } from '@tanstack/react-query'
import {
  columnVisibilityFeature,
  createColumnHelper,
  createPaginatedRowModel,
  createSortedRowModel,
  rowPaginationFeature,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { type KeyboardEvent, type ReactNode, useMemo, useState } from 'react'
import { ErrorBanner, Refused } from '../banner.tsx'
import { Button } from '../button.tsx'
import { Checkbox } from '../checkbox.tsx'
import { Icon } from '../icon.tsx'
import { Skeleton } from '../skeleton.tsx'
import { type Column, compare, narrowed } from './columns.ts'
import { FilterBar } from './filter-bar.tsx'
import { useTableView } from './state.ts'
import { TableFoot } from './table-foot.tsx'
import './table.css'

const features = tableFeatures({
  rowSortingFeature,
  rowPaginationFeature,
  columnVisibilityFeature,
  sortedRowModel: createSortedRowModel(),
  paginatedRowModel: createPaginatedRowModel(),
})

/** A cell; on a phone with the words that its header says elsewhere. */
function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const value = column.value(row)
  const words = column.phoneWords?.(row)
  return (
    <>
      {words?.before ? <span className="only-s p-word">{words.before} </span> : null}
      {column.cell ? column.cell(row) : (value ?? <span className="dim">—</span>)}
      {words?.after ? <span className="only-s p-word"> {words.after}</span> : null}
    </>
  )
}

interface Props<Row extends { readonly id: string }> {
  /** What the rows are, in lower case: `networks`. */
  readonly noun: string
  readonly columns: readonly Column<Row>[]
  /** What was read; undefined while nothing is known yet. */
  readonly query: Pick<UseQueryResult<readonly Row[]>, 'data' | 'isError' | 'error' | 'refetch'>
  /** What a row is called, for the name of its checkbox. */
  readonly nameOf: (row: Row) => string
  readonly sort: string
  readonly empty: ReactNode
  /** The tools for what is selected; without it rows cannot be selected. */
  readonly bulk?: (selected: readonly Row[], clear: () => void) => ReactNode
}

const flip = (sort: string, id: string) => (sort === id ? `-${id}` : id)

/** Arrow keys go from row to row. */
function onRowKeys(event: KeyboardEvent<HTMLTableSectionElement>) {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const row = (event.target as HTMLElement).closest('tr')
  const next = event.key === 'ArrowDown' ? row?.nextElementSibling : row?.previousElementSibling
  const link = next?.querySelector<HTMLElement>('a, input')
  if (!link) return
  event.preventDefault()
  link.focus()
}

/** A table that filters, sorts, pages and selects over rows that the browser holds; its view is in the URL. */
export function DataTable<Row extends { readonly id: string }>(props: Props<Row>) {
  const { noun, columns, query, nameOf, bulk } = props
  const rows = query.data
  const controls = useTableView(
    props.sort,
    useMemo(() => columns.filter((c) => c.hidden).map((c) => c.id), [columns]),
  )
  const { view } = controls
  const [selection, setSelection] = useState<Record<string, boolean>>({})
  const filterKey = JSON.stringify(view.filters)
  // biome-ignore lint/correctness/useExhaustiveDependencies: filterKey stands for view.filters, which is new at each render
  const data = useMemo(
    () => narrowed(rows ?? [], columns, view.filters, view.search),
    [rows, columns, filterKey, view.search],
  )
  const defs = useMemo(() => {
    const helper = createColumnHelper<typeof features, Row>()
    return helper.columns(
      columns.map((column) =>
        helper.accessor((row: Row) => column.value(row), {
          id: column.id,
          sortFn: (a, b) => compare(column.value(a.original), column.value(b.original)),
          sortDescFirst: false,
        }),
      ),
    )
  }, [columns])
  const pages = Math.max(1, Math.ceil(data.length / view.rows))
  const page = Math.min(view.page, pages)
  const table = useTable({
    features,
    columns: defs,
    data,
    getRowId: (row) => row.id,
    autoResetPageIndex: false,
    state: {
      sorting: [{ id: view.sort.replace(/^-/, ''), desc: view.sort.startsWith('-') }],
      pagination: { pageIndex: page - 1, pageSize: view.rows },
      columnVisibility: Object.fromEntries(view.hidden.map((id) => [id, false])),
    },
  })
  const shown = columns.filter((column) => !view.hidden.includes(column.id))
  const visible = table.getRowModel().rows
  const selected = (rows ?? []).filter((row) => selection[row.id])
  const pageSelected = visible.filter((row) => selection[row.id]).length
  const selectPage = (on: boolean) =>
    setSelection({ ...selection, ...Object.fromEntries(visible.map((row) => [row.id, on])) })

  const retry = () => void query.refetch()
  if (query.isError && rows === undefined) return <Refused error={query.error} onRetry={retry} />
  if (rows?.length === 0) return <section className="card nw">{props.empty}</section>
  return (
    <section className={`card nw twoline${query.isError ? ' stale' : ''}`} aria-label={noun}>
      {query.isError ? (
        <div className="oldrows">
          <ErrorBanner error={query.error} onRetry={retry} />
        </div>
      ) : null}
      <FilterBar noun={noun} columns={columns} rows={rows ?? []} controls={controls} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <div className="tablewrap" tabIndex={0}>
        <table className="t" aria-busy={rows === undefined}>
          <thead>
            <tr>
              {bulk ? (
                <th className="pickcell">
                  <Checkbox
                    aria-label="Select all on this page"
                    isSelected={pageSelected > 0 && pageSelected === visible.length}
                    isIndeterminate={pageSelected > 0 && pageSelected < visible.length}
                    onChange={selectPage}
                  />
                </th>
              ) : null}
              {shown.map((column) => {
                const on = view.sort.replace(/^-/, '') === column.id
                const down = view.sort.startsWith('-')
                return (
                  <th
                    key={column.id}
                    className={column.numeric ? 'num' : ''}
                    aria-sort={on ? (down ? 'descending' : 'ascending') : undefined}
                  >
                    {column.isTools ? (
                      <span className="sr">{column.header}</span>
                    ) : (
                      <button type="button" onClick={() => controls.setSort(flip(view.sort, column.id))}>
                        {column.header}
                        {on ? <Icon name={down ? 'down' : 'up'} /> : null}
                      </button>
                    )}
                  </th>
                )
              })}
            </tr>
          </thead>
          <tbody onKeyDown={onRowKeys}>
            {visible.map((row) => (
              <tr key={row.id} aria-selected={bulk ? Boolean(selection[row.id]) : undefined}>
                {bulk ? (
                  <td className="pickcell">
                    <Checkbox
                      aria-label={`Select ${nameOf(row.original)}`}
                      isSelected={Boolean(selection[row.id])}
                      onChange={(on) => setSelection({ ...selection, [row.id]: on })}
                    />
                  </td>
                ) : null}
                {shown.map((column) => (
                  <td
                    key={column.id}
                    className={[
                      column.numeric ? 'num' : '',
                      column.className ?? '',
                      column.phone ? `p-${column.phone}` : '',
                    ]
                      .filter(Boolean)
                      .join(' ')}
                  >
                    <Cell column={column} row={row.original} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {rows === undefined ? <Skeleton rows={6} /> : null}
        {rows && data.length === 0 ? (
          <div className="empty">
            <p>
              No {noun} fit these filters. {rows.length.toLocaleString('en')} are hidden by them.
            </p>
            <Button small onPress={controls.clear}>
              Clear filters
            </Button>
          </div>
        ) : null}
      </div>
      <TableFoot controls={controls} page={page} pages={pages} fit={data.length} total={rows?.length ?? 0}>
        {selected.length > 0 && bulk ? (
          <div className="bulk" role="toolbar" aria-label="Selection">
            <b className="nowrap">{selected.length} selected</b>
            {bulk(selected, () => setSelection({}))}
            <button
              type="button"
              className="iconbtn slim"
              aria-label="Clear selection"
              onClick={() => setSelection({})}
            >
              <Icon name="close" small />
            </button>
          </div>
        ) : null}
      </TableFoot>
    </section>
  )
}
