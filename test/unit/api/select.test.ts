import { describe, expect, test } from 'vitest'
import { type Columns, matching, pageFrom } from '#server/api/select.ts'
import { Refusal } from '#server/kernel/refusal.ts'

interface Row {
  readonly id: string
  readonly name: string
  readonly size: number
  readonly nic: string | null
}

const ROWS: readonly Row[] = [
  { id: '1', name: 'nic-2', size: 9, nic: null },
  { id: '2', name: 'Fabric-1', size: 100, nic: 'a' },
  { id: '3', name: 'nic-1', size: 100, nic: 'b' },
]
const COLUMNS: Columns<Row> = { name: (r) => r.name, size: (r) => r.size, nic: (r) => r.nic }
const ids = (rows: readonly Row[]) => rows.map(({ id }) => id).join('')

describe('a filter', () => {
  test.each([
    [undefined, '123'],
    ['name:eq:nic-1', '3'],
    ['name:contains:fabric', '2'],
    ['size:gt:9', '23'],
    ['size:lt:100', '1'],
    ['nic:eq:a', '2'],
    ['nic:ne:a', '13'],
    [['size:eq:100', 'name:contains:nic'], '3'],
  ])('%j leaves %s', (filter, left) => {
    expect(ids(matching(ROWS, filter, COLUMNS))).toBe(left)
  })

  test.each(['colour:eq:red', 'name', 'name:like:x'])('%s is refused', (filter) => {
    expect(() => matching(ROWS, filter, COLUMNS)).toThrow(Refusal)
  })
})

describe('a page', () => {
  const page = (input: object) => pageFrom(ROWS, { limit: 100, ...input }, COLUMNS, 'name')

  test('is sorted by the list’s own field or the one that is asked for, absent values last', () => {
    expect(ids(page({}).items)).toBe('231')
    expect(ids(page({ sort: '-size' }).items)).toBe('321')
    expect(ids(page({ sort: 'nic' }).items)).toBe('231')
    expect(() => page({ sort: 'colour' })).toThrow(Refusal)
  })

  test('is followed by the next until there is none', () => {
    const first = page({ limit: 2 })
    expect([ids(first.items), first.next]).toEqual(['23', '3'])
    const second = page({ limit: 2, cursor: first.next })
    expect([ids(second.items), second.next]).toEqual(['1', null])
    expect(page({ cursor: 'gone' })).toEqual({ items: [], next: null })
  })
})
