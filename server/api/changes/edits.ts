import type { Edit } from '#server/contract/changes.ts'
import type { EditRow } from '#server/inventory/changes.ts'
import type { Label } from '#server/inventory/labels.ts'

/** Names for ids inside edits, by `kind/id`. */
export type Names = ReadonlyMap<string, Pick<Label, 'name'>>

/** Fields that hold ids, and what they are ids of. Those that say nothing to people are left out. */
const REFERENCES: Readonly<Record<string, string>> = { networkId: 'network', attachmentId: 'attachment' }
const SILENT = new Set(['id', 'tenantId', 'revision'])

type Values = Readonly<Record<string, unknown>>

function words(field: string, value: unknown, names: Names): string | null {
  if (value === null || value === undefined) return null
  const kind = REFERENCES[field]
  if (kind !== undefined) return names.get(`${kind}/${String(value)}`)?.name ?? String(value)
  return Array.isArray(value) ? value.join(', ') : String(value)
}

const valuesOf = (value: unknown): Values => (typeof value === 'object' && value !== null ? (value as Values) : {})

/** References that the edits name, so that they can be looked up at once. */
export const referencesOf = (edits: readonly EditRow[]): string[] =>
  edits.flatMap(({ before, after }) =>
    [before, after].flatMap((value) =>
      Object.entries(REFERENCES).flatMap(([field, kind]) => {
        const id = valuesOf(value)[field]
        return typeof id === 'string' ? [`${kind}/${id}`] : []
      }),
    ),
  )

/** One edit, field by field. */
export function viewEdit(edit: EditRow, names: Names): Edit {
  const [before, after] = [valuesOf(edit.before), valuesOf(edit.after)]
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((field) => !SILENT.has(field))
    .map((field) => ({ field, before: words(field, before[field], names), after: words(field, after[field], names) }))
    .filter(({ before, after }) => before !== after)
  const named = Object.keys(after).length > 0 ? after : before
  const label = String(named.name ?? named.prefix ?? edit.id)
  return { kind: edit.kind, id: edit.id, operation: edit.operation, label, fields }
}
