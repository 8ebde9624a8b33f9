import fc from 'fast-check'
import { type Message, messageShape } from '#server/codec/openflow/message.ts'
import type { Version } from '#server/codec/openflow/version.ts'
import type { FieldShape, Shape } from '#server/codec/wire/codec.ts'
import { PORT } from '#server/kernel/action.ts'
import { FIELD_NAMES, type FieldName } from '#server/kernel/field.ts'
import { canonicalMatch, type FieldMatch, fullMask } from '#server/kernel/match.ts'
import { arbitraryOf, type Rules } from '../wire/arbitrary.ts'

/** A field with a value and perhaps a mask, in canonical form: no full mask, no empty one, no value outside it. */
export const fieldMatch = (names: readonly FieldName[] = FIELD_NAMES): fc.Arbitrary<FieldMatch> =>
  fc.constantFrom(...names).chain((field) => {
    const full = fullMask(field)
    const value = fc.bigInt({ min: 0n, max: full })
    const mask =
      full === 1n ? fc.constant(undefined) : fc.option(fc.bigInt({ min: 1n, max: full - 1n }), { nil: undefined })
    return fc
      .tuple(value, mask)
      .map(([v, m]) => (m === undefined ? { field, value: v } : { field, value: v & m, mask: m }))
  })

const match = fc
  .uniqueArray(fieldMatch(), { selector: (m) => m.field, maxLength: 6 })
  .map((fields) => [...canonicalMatch(fields)])

const literalType = (fields: readonly FieldShape[]): unknown => {
  const shape = fields.find((f) => f.name === 'type')?.shape
  return shape?.kind === 'literal' ? shape.value : undefined
}

/** A field alone, or as what `set_field` sets. */
function field(shape: Shape): fc.Arbitrary<unknown> {
  const inner = shape.kind === 'refined' ? shape.of : shape
  const type = inner.kind === 'struct' ? literalType(inner.fields) : undefined
  return fieldMatch().map((m) => (type === undefined ? m : { type, ...m }))
}

const errorBody = fc
  .oneof(
    fc.record({ error_type: fc.integer({ min: 100, max: 0xfffe }), code: fc.integer({ min: 0, max: 0xffff }) }),
    fc.constantFrom(
      { error_type: 'flow_mod_failed', code: 'table_full' },
      { error_type: 'bundle_failed', code: 'msg_bad_xid' },
      { error_type: 'bad_match', code: 999 },
      { error_type: 'experimenter', code: 'timeout', experimenter: 0x4f4e4600 },
      { error_type: 'experimenter', code: 5, experimenter: 7 },
    ),
  )
  .chain((head) => fc.uint8Array({ maxLength: 64 }).map((data) => ({ ...head, data })))

const ANY = 0xffffffff
const rules = (version: Version): Rules => ({
  match: () => match,
  field,
  in_port_match: () => fc.integer({ min: 0, max: ANY }).map((port) => [{ field: 'in_port', value: BigInt(port) }]),
  fixed_bucket: (shape, all) =>
    arbitraryOf((shape as Extract<Shape, { kind: 'refined' }>).of, all)
      .filter(
        (b) => (b as { watch_port?: number }).watch_port !== ANY && (b as { watch_group?: number }).watch_group !== ANY,
      )
      .map((b) => ({ weight: 0, ...(b as object) })),
  error: () => errorBody,
  message: () => arbitraryMessage(version, 'flow_mod'),
})

/** The switch gives `max_len` for the controller alone, and seconds never without nanoseconds. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const out = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, normal(one)])) as Record<
    string,
    unknown
  >
  if (out.type === 'output') {
    if (out.port === PORT.controller) out.max_len ??= 128
    else delete out.max_len
  }
  if (out.type === 'unknown' && out.code !== undefined) out.code = 0x5000
  for (const pair of ['duration', 'idle'])
    if ((out[`${pair}_sec`] === undefined) !== (out[`${pair}_nsec`] === undefined)) {
      delete out[`${pair}_sec`]
      delete out[`${pair}_nsec`]
    }
  return out
}

/** Any message of a type, as a canonical decoder gives it. */
export function arbitraryMessage(version: Version, type: string): fc.Arbitrary<Message> {
  if (messageShape.kind !== 'late') throw new Error('a message has a late shape')
  const shape = messageShape.pick({ version, type })
  if (!shape) throw new Error(`version ${version} has no ${type}`)
  const whole = { ...rules(version) }
  // An error's rule is about the whole message.
  const body =
    shape.kind === 'refined'
      ? errorBody.chain((b) => head(type).map((h) => ({ ...h, ...b })))
      : arbitraryOf(shape, whole)
  return body.map((m) => ({ ...(normal(m) as object), version })) as fc.Arbitrary<Message>
}

const head = (type: string) =>
  fc.record({ xid: fc.integer({ min: 0, max: ANY }), type: fc.constant(type) }, { noNullPrototype: true })
