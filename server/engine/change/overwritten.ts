import type { Finding } from '../finding.ts'
import type { IntentEdit, IntentSnapshot } from './ports.ts'

/** JSON with its keys in order, so that equal values are equal texts. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, canonical(one)]),
  )
}

/** Whether a value is what `other` says of it: properties that `other` has beside are left out. */
export function sameValue(value: unknown, other: unknown): boolean {
  if (typeof value !== 'object' || value === null || typeof other !== 'object' || other === null) return value === other
  const seen = Object.keys(value).map((key) => [key, (other as Readonly<Record<string, unknown>>)[key]])
  return JSON.stringify(canonical(value)) === JSON.stringify(canonical(Object.fromEntries(seen)))
}

const rowKey = ({ kind, id }: { readonly kind: string; readonly id: string }): string => `${kind}/${id}`

/** Committed rows by `kind/id`. */
export const rowsByKey = ({ rows }: Pick<IntentSnapshot, 'rows'>): ReadonlyMap<string, unknown> =>
  new Map(rows.map((row) => [rowKey(row), row.value]))

/** Edits that start from another value than the one committed now: a later change is overwritten with them. */
export function overwritten(now: Pick<IntentSnapshot, 'rows'>, edits: readonly IntentEdit[]): Finding[] {
  const present = rowsByKey(now)
  return edits.flatMap((edit): Finding[] => {
    const value = present.get(rowKey(edit))
    if (value === undefined || edit.before === undefined || sameValue(value, edit.before)) return []
    return [
      {
        severity: 'warning',
        rule: 'change.overwrites',
        message: `This ${edit.kind} was changed again since; that is overwritten too.`,
        mend: 'Look at its history, and edit it by hand if the later change shall stay.',
        subject: rowKey(edit),
      },
    ]
  })
}

/**
 * What takes the edits of a change back, computed against the present: what is gone or already as it was is left out.
 * `before` is what the change made of a row, so that `overwritten` finds later changes to it.
 */
export function turnedEdits(now: Pick<IntentSnapshot, 'rows'>, edits: readonly IntentEdit[]): IntentEdit[] {
  const present = rowsByKey(now)
  return edits.flatMap(({ kind, id, before, after }): IntentEdit[] => {
    const value = present.get(rowKey({ kind, id }))
    const isGone = after !== undefined && value === undefined
    const isBack = before !== undefined && value !== undefined && sameValue(value, before)
    if (isGone || isBack) return []
    return [{ kind, id, ...(after !== undefined && { before: after }), ...(before !== undefined && { after: before }) }]
  })
}
