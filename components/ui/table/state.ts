'use client'
import { parseAsArrayOf, parseAsInteger, parseAsString, useQueryStates } from 'nuqs'
import { type Filter, parseFilter, printFilter } from './filter.ts'

export const PAGE_SIZES = [20, 50, 100, 500] as const

const KEYS = {
  q: parseAsString.withDefault(''),
  filter: parseAsArrayOf(parseAsString, ';').withDefault([]),
  sort: parseAsString.withDefault(''),
  page: parseAsInteger.withDefault(1),
  rows: parseAsInteger.withDefault(PAGE_SIZES[0]),
  hide: parseAsArrayOf(parseAsString).withDefault([]),
}

export interface TableView {
  readonly search: string
  readonly filters: readonly Filter[]
  /** A column's id; `-` before it turns the order round. */
  readonly sort: string
  readonly page: number
  readonly rows: number
  readonly hidden: readonly string[]
}

/** How a table is looked at, kept in the URL so that it can be sent to a colleague. */
export function useTableView(defaultSort: string, defaultHidden: readonly string[]) {
  const [keys, setKeys] = useQueryStates(KEYS, { history: 'replace', clearOnDefault: true })
  const view: TableView = {
    search: keys.q,
    filters: keys.filter.flatMap((text) => parseFilter(text) ?? []),
    sort: keys.sort || defaultSort,
    page: Math.max(1, keys.page),
    rows: keys.rows,
    hidden: keys.hide.length > 0 ? keys.hide.filter((id) => id !== 'none') : defaultHidden,
  }
  return {
    view,
    setSearch: (q: string) => void setKeys({ q: q || null, page: null }),
    setFilters: (filters: readonly Filter[]) =>
      void setKeys({ filter: filters.length > 0 ? filters.map(printFilter) : null, page: null }),
    /** Takes every filter and the search away. */
    clear: () => void setKeys({ q: null, filter: null, page: null }),
    setSort: (sort: string) => void setKeys({ sort: sort === defaultSort ? null : sort, page: null }),
    setPage: (page: number) => void setKeys({ page: page <= 1 ? null : page }),
    setRows: (rows: number) => void setKeys({ rows, page: null }),
    setHidden: (hidden: readonly string[]) => void setKeys({ hide: hidden.length > 0 ? [...hidden] : ['none'] }),
  }
}
export type TableControls = ReturnType<typeof useTableView>
