import type { ReactNode } from 'react'
import { type Filter, type Kind, passes, type Value } from './filter.ts'

/** One column of a table. */
export interface Column<Row> {
  readonly id: string
  readonly header: string
  /** What it is sorted and filtered by. */
  readonly value: (row: Row) => Value
  /** What is shown; the value when absent. */
  readonly cell?: (row: Row) => ReactNode
  readonly numeric?: boolean
  readonly className?: string
  /** How it can be filtered; not at all when absent. */
  readonly filter?: Kind
  /** Where it stands in the two-line row of a phone; nowhere when absent. */
  readonly phone?: 'title' | 'under' | 'figure' | 'side' | 'side-under' | 'tools'
  /** A phone's row has no header above it: what is said before the value there, and what after it. */
  readonly phoneWords?: (row: Row) => { readonly before?: string; readonly after?: string }
  /** Only shown when asked for. */
  readonly hidden?: boolean
  /** Buttons, no data: its header is only spoken, and it is not sorted by. */
  readonly isTools?: boolean
}

/** Keeps the rows that pass every filter and whose text columns hold the search. */
export function narrowed<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  filters: readonly Filter[],
  search: string,
): Row[] {
  const wanted = search.trim().toLowerCase()
  const byId = new Map(columns.map((column) => [column.id, column]))
  const tests = filters.flatMap((filter) => {
    const column = byId.get(filter.field)
    return column ? [{ column, filter }] : []
  })
  return rows.filter((row) => {
    for (const { column, filter } of tests) if (!passes(column.value(row), filter)) return false
    return (
      wanted === '' ||
      columns.some((column) =>
        String(column.value(row) ?? '')
          .toLowerCase()
          .includes(wanted),
      )
    )
  })
}

/** By number where both are, else by text with numbers in it in their order; what is missing comes last. */
export function compare(a: Value, b: Value): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b), 'en', { numeric: true })
}
