/** Filters of a table: `field:op:value`, as the API writes them and as the URL keeps them. */
export const OPERATORS = ['eq', 'ne', 'contains', 'gt', 'lt'] as const
export type Operator = (typeof OPERATORS)[number]

export interface Filter {
  readonly field: string
  readonly op: Operator
  readonly value: string
}

/** What a column is compared by. */
export type Kind = 'text' | 'number' | 'choice'

export const OPERATOR_WORDS: Readonly<Record<Operator, string>> = {
  eq: 'is',
  ne: 'is not',
  contains: 'contains',
  gt: 'above',
  lt: 'below',
}

/** The operators that make sense for a kind of column. */
export const operatorsOf = (kind: Kind): readonly Operator[] =>
  kind === 'number' ? ['eq', 'gt', 'lt'] : kind === 'choice' ? ['eq', 'ne'] : ['contains', 'eq', 'ne']

export const printFilter = ({ field, op, value }: Filter): string => `${field}:${op}:${value}`

/** Undefined for text that is no filter; the value may hold colons. */
export function parseFilter(text: string): Filter | undefined {
  const [field, op, ...value] = text.split(':')
  const operator = OPERATORS.find((known) => known === op)
  return field && operator ? { field, op: operator, value: value.join(':') } : undefined
}

export type Value = string | number | null

/** Whether a value passes; text is compared without case. */
export function passes(value: Value, { op, value: wanted }: Filter): boolean {
  const text = String(value ?? '').toLowerCase()
  const other = wanted.toLowerCase()
  if (op === 'eq') return text === other
  if (op === 'ne') return text !== other
  if (op === 'contains') return text.includes(other)
  return op === 'gt' ? Number(value) > Number(wanted) : Number(value) < Number(wanted)
}
