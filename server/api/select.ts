import { type ListInput, readList } from '#server/inventory/list.ts'
import type { Condition, Fields, Page } from '#server/inventory/page.ts'

type Value = string | number | null
/** How the fields of a list that is made in memory are read off its items. */
export type Columns<T> = Readonly<Record<string, (item: T) => Value>>

const TEXT = (columns: object): Fields => Object.fromEntries(Object.keys(columns).map((field) => [field, 'text']))

/** Compares as the database would: absent values last, numbers as numbers. */
function order(a: Value, b: Value): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [left, right] = [String(a), String(b)]
  return left < right ? -1 : Number(left > right)
}

function holds(found: Value, { operator, value }: Condition): boolean {
  const text = String(value)
  if (operator === 'ne') return String(found ?? '') !== text
  if (found === null) return false
  if (operator === 'eq') return String(found) === text
  if (operator === 'contains') return String(found).toLowerCase().includes(text.toLowerCase())
  const side = order(found, typeof found === 'number' ? Number(text) : text)
  return operator === 'gt' ? side > 0 : side < 0
}

/** What a filter leaves of a list in memory. Throws `Refusal` (`malformed`) that names what can be filtered by. */
export function matching<T>(items: readonly T[], filter: ListInput['filter'], columns: Columns<T>): readonly T[] {
  const { conditions } = readList({ filter, limit: 1 }, TEXT(columns))
  const tests = conditions.map((one) => [columns[one.field] as Columns<T>[string], one] as const)
  return tests.length === 0 ? items : items.filter((item) => tests.every(([read, one]) => holds(read(item), one)))
}

/** One page of a list in memory: filtered, sorted, from behind the item that the cursor names. */
export function pageFrom<T extends { readonly id: string }>(
  items: readonly T[],
  input: ListInput,
  columns: Columns<T>,
  sortedBy: string,
): Page<T> {
  const { filter, cursor, ...rest } = input
  const { sort = sortedBy, limit } = readList(rest, TEXT(columns))
  const read = columns[sort.replace(/^-/, '')] as Columns<T>[string]
  const side = sort.startsWith('-') ? -1 : 1
  const all = matching(items, filter, columns).toSorted((a, b) => side * (order(read(a), read(b)) || order(a.id, b.id)))
  const from = cursor === undefined ? 0 : all.findIndex(({ id }) => id === cursor) + 1
  const shown = cursor !== undefined && from === 0 ? [] : all.slice(from, from + limit)
  const more = shown.length > 0 && from + shown.length < all.length
  return { items: shown, next: more ? (shown.at(-1)?.id ?? null) : null }
}
