import { FIELD_NAMES, FIELDS, type FieldName } from './field.ts'

/** One field of a match: `value` as an unsigned integer in network order; no `mask` means all bits. */
export interface FieldMatch {
  readonly field: FieldName
  readonly value: bigint
  readonly mask?: bigint
}

/** A match in canonical form (see `canonicalMatch`). The empty match takes every packet. */
export type Match = readonly FieldMatch[]

const ORDER = new Map(FIELD_NAMES.map((name, place) => [name, place]))
const ALL_ONES = new Map(FIELD_NAMES.map((name) => [name, (1n << BigInt(FIELDS[name].bits)) - 1n]))

/** The mask that covers every bit of a field. */
export const fullMask = (field: FieldName): bigint => ALL_ONES.get(field) as bigint

function canonicalField({ field, value, mask }: FieldMatch): FieldMatch | undefined {
  const full = fullMask(field)
  if (mask === undefined || (mask & full) === full) return { field, value: value & full }
  if ((mask & full) === 0n) return undefined
  return { field, value: value & mask & full, mask: mask & full }
}

/**
 * Puts a match into the form that the switch gives back: fields in one order, a full mask left out, a zero mask removed,
 * bits outside the mask cleared. The same packets give the same text, whoever wrote the match.
 */
export function canonicalMatch(fields: Iterable<FieldMatch>): Match {
  const kept: FieldMatch[] = []
  for (const field of fields) {
    const one = canonicalField(field)
    if (one) kept.push(one)
  }
  return Object.freeze(kept.sort((a, b) => (ORDER.get(a.field) ?? 0) - (ORDER.get(b.field) ?? 0)))
}

/** A short, exact text of a canonical match: equal texts mean equal matches. */
export function matchKey(match: Match): string {
  let key = ''
  for (const { field, value, mask } of match)
    key +=
      mask === undefined ? `${field}=${value.toString(16)},` : `${field}=${value.toString(16)}/${mask.toString(16)},`
  return key
}
