/** One field of an object, as it was and as it became; absent on one side where it was not there. */
export interface FieldDifference {
  /** `quotas.networks`, `addresses` */
  readonly field: string
  readonly before: string | undefined
  readonly after: string | undefined
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isPlainList = (value: unknown): value is unknown[] =>
  Array.isArray(value) && value.every((one) => typeof one !== 'object' || one === null)

function words(value: unknown): string {
  if (value === null || value === '') return '—'
  if (isPlainList(value)) return value.length === 0 ? '—' : value.map(String).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Every leaf of a value by its path. */
function leaves(value: unknown, path: string, into: Map<string, string>): Map<string, string> {
  const inside = isObject(value) || (Array.isArray(value) && !isPlainList(value))
  if (!inside || Object.keys(value).length === 0) return into.set(path, words(value))
  for (const [key, one] of Object.entries(value)) leaves(one, path === '' ? key : `${path}.${key}`, into)
  return into
}

const leavesOf = (value: unknown): Map<string, string> =>
  value === null || value === undefined ? new Map() : leaves(value, '', new Map())

/** What differs between an object before and after, field by field; all of it where it was made or removed. */
export function differenceOf(before: unknown, after: unknown): FieldDifference[] {
  const [was, is] = [leavesOf(before), leavesOf(after)]
  return [...new Set([...was.keys(), ...is.keys()])]
    .map((field) => ({ field: field === '' ? 'value' : field, before: was.get(field), after: is.get(field) }))
    .filter(({ before: b, after: a }) => b !== a)
}

/** Whether the log kept only the beginning of an object, since it was too large. */
export const isCut = (value: unknown): boolean =>
  isObject(value) && value.cut === true && typeof value.sha256 === 'string'
