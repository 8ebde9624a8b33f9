import { stringify } from 'yaml'

export const FORMATS = ['table', 'json', 'yaml'] as const
export type Format = (typeof FORMATS)[number]

type Row = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value in one cell: objects by their name or state, lists by their items or their number. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (Array.isArray(value)) {
    if (value.length === 0) return '–'
    if (value.every((one) => !isObject(one))) return value.join(' ')
    const names = value.map((one) => (isObject(one) ? one.name : undefined))
    return names.every((name) => typeof name === 'string') ? names.join(' ') : String(value.length)
  }
  // Keys and certificates are for files.
  if (String(value).startsWith('-----BEGIN ')) return 'PEM, by -o json'
  if (!isObject(value)) return String(value).replaceAll('\n', ' ')
  if (typeof value.state === 'string') return value.state
  if (typeof value.name === 'string') return value.name
  return Object.entries(value)
    .map(([key, one]) => `${key}=${cell(one)}`)
    .join(' ')
}

const isText = (value: unknown) => typeof value !== 'number'

/** Columns that people read: the name first, no ids where a name says the same. */
function columnsOf(rows: readonly Row[]): string[] {
  const all = [...new Set(rows.flatMap(Object.keys))]
  const named = all.includes('name') || all.includes('prefix') || all.includes('match')
  const kept = all.filter((name) => !(name.endsWith('Id') || (name === 'id' && named) || name === 'revision'))
  const first = ['name', 'prefix'].filter((name) => kept.includes(name))
  return [...first, ...kept.filter((name) => !first.includes(name))]
}

const heading = (name: string) =>
  name
    .replace(/Name$/, '')
    .replace(/[A-Z]/g, (letter) => ` ${letter}`)
    .toUpperCase()

function table(rows: readonly Row[], columns: readonly string[] = columnsOf(rows)): string {
  if (rows.length === 0) return 'Nothing.'
  const cells = rows.map((row) => columns.map((name) => cell(row[name])))
  const widths = columns.map((name, at) => Math.max(heading(name).length, ...cells.map((row) => row[at]?.length ?? 0)))
  const right = columns.map((name) => !rows.some((row) => isText(row[name])))
  const line = (texts: readonly string[]) =>
    texts
      .map((text, at) => (right[at] ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(columns.map(heading)), ...cells.map(line)].join('\n')
}

/** One object, field by field; lists of objects as tables below. */
function card(row: Row): string {
  const tables = Object.entries(row).filter(([, value]) => Array.isArray(value) && value.some(isObject))
  const fields = Object.entries(row).filter(([name]) => !tables.some(([other]) => other === name))
  const width = Math.max(...fields.map(([name]) => name.length), 0)
  const lines = fields.map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}`)
  return [...lines, ...tables.map(([name, value]) => `\n${heading(name)}\n${table(value as Row[])}`)].join('\n')
}

/** Writes an answer of the API down for people (`table`: a list with these columns) or for programs. */
export function format(answer: unknown, as: Format, columns?: readonly string[]): string {
  if (as === 'json') return JSON.stringify(answer ?? null, null, 2)
  if (as === 'yaml') return stringify(answer ?? null).trimEnd()
  if (answer === undefined || answer === null) return 'Done.'
  if (!isObject(answer)) return cell(answer)
  if (Array.isArray(answer.items)) {
    const more = typeof answer.next === 'string' ? `\nThere are more: --cursor ${answer.next}` : ''
    return table(answer.items as Row[], columns) + more
  }
  return card(answer)
}
