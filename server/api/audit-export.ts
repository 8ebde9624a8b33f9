import type { AuditLine } from '#server/contract/audit.ts'

const COLUMNS = [
  ...(['id', 'at', 'actor', 'actorId', 'provider', 'address', 'action', 'outcome', 'reason', 'subject'] as const),
  ...(['tenantId', 'tenantName', 'changeId', 'detail', 'before', 'after', 'chain', 'sequence', 'hash'] as const),
] satisfies readonly (keyof AuditLine)[]

/** What a spreadsheet would take for the start of a formula. */
const FORMULA = /^[=+\-@\t\r\n]/

/** A value as a cell of CSV (RFC 4180). Text that a spreadsheet would compute gets an apostrophe before it. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const guarded = FORMULA.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded
}

const csvRow = (cells: readonly string[]): string => `${cells.join(',')}\r\n`

/** Lines of a CSV file; with the names of the columns before the first. */
export const toCsv = (lines: readonly AuditLine[], withNames: boolean): string =>
  (withNames ? csvRow(COLUMNS) : '') + lines.map((line) => csvRow(COLUMNS.map((name) => cell(line[name])))).join('')

/** One JSON object in each line. */
export const toJsonLines = (lines: readonly AuditLine[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('')
