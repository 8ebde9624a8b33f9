import { hexRest, writeHex } from './bytes.ts'
import type { Codec, Described, FieldShape, ValueOf } from './codec.ts'
import { toHex } from './hex.ts'
import { confine, fault, type Reader, take } from './reader.ts'
import { type Fields, struct } from './struct.ts'
import { pad, reserve, type Writer } from './writer.ts'

/** One kind of element: its code and what follows the header. Experimenter elements have code 0xffff and two more numbers. */
export interface Variant<F extends Fields = Fields> {
  readonly code: number
  readonly fields: F
  readonly experimenter?: { readonly id: number; readonly subtype: number }
}

export const variant = <F extends Fields>(
  code: number,
  fields: F,
  experimenter?: { readonly id: number; readonly subtype: number },
): Variant<F> => (experimenter ? { code, fields, experimenter } : { code, fields })

export interface ElementRules {
  /** The length includes padding to this boundary. */
  readonly align?: number
  /** Padding to this boundary follows and is not counted. */
  readonly pad?: number
}

export interface Unknown {
  readonly type: 'unknown'
  /** The element whole, header included, padding that is not counted left out. */
  readonly hex: string
}

const EXPERIMENTER = 0xffff
const keyOf = (code: number, id = -1, subtype = 0): number => (id < 0 ? code : (id + 1) * 0x1_0000 + subtype)
const variantKey = (v: Variant): number => keyOf(v.code, v.experimenter?.id, v.experimenter?.subtype)

/** Key of the element at `at`, and how long the header is that this key covers. */
function keyAt(r: Reader, at: number, length: number, nested: boolean): number {
  const code = r.view.getUint16(at)
  if (code !== EXPERIMENTER || !nested || length < 10) return code
  return keyOf(code, r.view.getUint32(at + 4), r.view.getUint16(at + 8))
}

/** Reads type and length of the element ahead without moving; answers its length. */
export function lengthAhead(r: Reader): number {
  if (r.end - r.at < 4) fault('truncated', r.at, `an element header has 4 bytes, ${r.end - r.at} left`)
  const length = r.view.getUint16(r.at + 2)
  if (length < 4) fault('length', r.at + 2, `element length ${length} is shorter than its header`)
  if (length > r.end - r.at) fault('truncated', r.at + 2, `element length ${length}, ${r.end - r.at} bytes left`)
  return length
}

export function skipPad(r: Reader, length: number, align: number): void {
  const missing = (align - (length % align)) % align
  if (missing > 0) take(r, missing)
}

/**
 * An element of type (16 bits), length (16 bits) and content. One that the declaration does not know, or whose content
 * it cannot hold, is kept whole as `{ type: 'unknown', hex }`.
 */
export function tagged<const V extends Readonly<Record<string, Variant>>>(
  variants: V,
  rules: ElementRules = {},
): Codec<{ [K in keyof V & string]: { readonly type: K } & ValueOf<V[K]['fields']> }[keyof V & string] | Unknown> {
  type Value = { readonly type: string; readonly hex?: string }
  const entries = Object.entries(variants).map(([name, v]) => ({
    name,
    v,
    codec: struct(v.fields, name) as Codec<Value>,
  }))
  const byKey = new Map(entries.map((e) => [variantKey(e.v), e]))
  const byName = new Map(entries.map((e) => [e.name, e]))
  const nested = entries.some((e) => e.v.experimenter)
  const after = rules.pad ?? 1
  const shape = unionShape(entries, rules)

  function read(r: Reader): Value {
    const at = r.at
    const length = lengthAhead(r)
    const entry = byKey.get(keyAt(r, at, length, nested))
    let value: Value | undefined
    if (entry) {
      r.at = at + (entry.v.experimenter ? 10 : 4)
      const outer = confine(r, at, length)
      value = entry.codec.read(r)
      if (r.at !== r.end || r.alien) value = undefined
      r.alien = false
      r.end = outer
    }
    r.at = at + length
    if (after > 1) skipPad(r, length, after)
    return value ?? { type: 'unknown', hex: toHex(r.bytes, at, at + length) }
  }

  function write(w: Writer, value: Value): void {
    const start = w.at
    const entry = byName.get(value.type)
    if (entry) {
      writeHeader(w, entry.v)
      entry.codec.write(w, value)
      if (rules.align) pad(w, start, rules.align)
      w.view.setUint16(start + 2, w.at - start)
    } else writeHex(w, value.hex ?? '')
    if (after > 1) pad(w, start, after)
  }
  return { shape, read, write } as never
}

function writeHeader(w: Writer, v: Variant): void {
  const at = reserve(w, v.experimenter ? 10 : 4)
  w.view.setUint16(at, v.code)
  if (!v.experimenter) return
  w.view.setUint32(at + 4, v.experimenter.id)
  w.view.setUint16(at + 8, v.experimenter.subtype)
}

function unionShape(
  entries: readonly { name: string; v: Variant; codec: Described }[],
  rules: ElementRules,
): Described['shape'] {
  const known = entries.map((e) => e.v.code)
  const unknown: FieldShape[] = [
    { name: 'type', shape: { kind: 'literal', value: 'unknown' } },
    { name: 'hex', shape: { kind: 'element', known, align: rules.align ?? 1 } },
  ]
  const variants = new Map(entries.map((e) => [e.name, e.codec.shape]))
  return { kind: 'union', variants: variants.set('unknown', { kind: 'struct', fields: unknown }) }
}

/** An element that is kept as it is. */
export const element = (rules: ElementRules = {}): Codec<string> => ({
  shape: { kind: 'element', known: [], align: rules.align ?? 1 },
  read: (r) => {
    const at = r.at
    const length = lengthAhead(r)
    take(r, length)
    skipPad(r, length, rules.pad ?? 1)
    return toHex(r.bytes, at, at + length)
  },
  write: (w, value) => {
    const start = w.at
    hexRest.write(w, value)
    pad(w, start, rules.pad ?? 1)
  },
})
