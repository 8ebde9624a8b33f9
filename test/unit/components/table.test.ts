import { describe, expect, it } from 'vitest'
import { type Column, compare, narrowed } from '#components/ui/table/columns.ts'
import { parseFilter, printFilter } from '#components/ui/table/filter.ts'

interface Row {
  readonly id: string
  readonly mac: string
  readonly ports: number
}
const rows: readonly Row[] = [
  { id: 'red', mac: '52:54:00:00:00:01', ports: 3 },
  { id: 'blue', mac: '52:54:00:00:00:02', ports: 12 },
]
const columns: readonly Column<Row>[] = [
  { id: 'id', header: 'Name', value: (row) => row.id },
  { id: 'mac', header: 'MAC', value: (row) => row.mac },
  { id: 'ports', header: 'Ports', value: (row) => row.ports },
]
const ids = (filters: readonly string[], search = '') =>
  narrowed(
    rows,
    columns,
    filters.flatMap((text) => parseFilter(text) ?? []),
    search,
  ).map(({ id }) => id)

describe('a filter of a table', () => {
  it('keeps its colons', () => {
    const filter = parseFilter('mac:eq:52:54:00:00:00:01')
    expect(filter?.value).toBe('52:54:00:00:00:01')
    expect(filter && printFilter(filter)).toBe('mac:eq:52:54:00:00:00:01')
  })

  it.each(['', 'id', 'id:like:red', ':eq:red'])('is not read from %j', (text) =>
    expect(parseFilter(text)).toBeUndefined(),
  )

  it('compares by its operator, text without case', () => {
    expect(ids(['id:eq:RED'])).toEqual(['red'])
    expect(ids(['id:ne:red'])).toEqual(['blue'])
    expect(ids(['id:contains:u'])).toEqual(['blue'])
    expect(ids(['ports:gt:3'])).toEqual(['blue'])
    expect(ids(['ports:lt:12', 'mac:contains:00:01'])).toEqual(['red'])
  })

  it('of a field that the table has not is passed over; a search looks everywhere', () => {
    expect(ids(['colour:eq:red'])).toEqual(['red', 'blue'])
    expect(ids([], ':02')).toEqual(['blue'])
  })
})

describe('the order of values', () => {
  it('is by number within text, and what is missing comes last', () => {
    expect([null, 'h10', 'h2'].sort(compare)).toEqual(['h2', 'h10', null])
    expect([12, 3].sort(compare)).toEqual([3, 12])
  })
})
