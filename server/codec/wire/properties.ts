import { writeHex } from './bytes.ts'
import type { Codec, Described, FieldShape, Flat, Infer, Shape, Spread } from './codec.ts'
import { toHex } from './hex.ts'
import { confine, type Reader } from './reader.ts'
import { lengthAhead, skipPad } from './tagged.ts'
import { pad, reserve, type Writer } from './writer.ts'

/** An element that has no name here, and its place among its neighbours. */
export interface Extra {
  readonly at: number
  readonly hex: string
}

/** A field of class, number and an 8-bit length of what follows (OXM, OXS). */
export const shortElement: Shape = {
  kind: 'refined',
  name: 'short_element',
  of: { kind: 'hex' },
  check: (hex: string) =>
    hex.length >= 8 && Number.parseInt(hex.slice(6, 8), 16) === hex.length / 2 - 4
      ? undefined
      : 'must be a field whose length fits',
}

export const extrasShape = (hex: Shape): Shape => ({
  kind: 'list',
  of: {
    kind: 'struct',
    fields: [
      { name: 'at', shape: { kind: 'uint', bits: 16 } },
      { name: 'hex', shape: hex },
    ],
  },
})

/** One property: its code and the content after the header. */
export interface Property<T> {
  readonly code: number
  readonly content: Codec<T>
}
export const property = <T>(code: number, content: Codec<T>): Property<T> => ({ code, content })

type PropertyValues<P> = Flat<
  { readonly [K in keyof P]?: P[K] extends { content: Described } ? Infer<P[K]['content']> : never } & {
    readonly properties?: readonly Extra[]
  }
>

interface KnownProperty {
  readonly name: string
  readonly order: number
  readonly code: number
  readonly content: Codec<unknown>
}

/**
 * Properties up to the end of the structure, each at most once, as optional fields of the struct around them. One that is
 * unknown, repeated or (for exact readers) out of the declared order goes to `properties` with its place, so that all
 * comes back as it was.
 */
export function properties<const P extends Readonly<Record<string, { code: number; content: Described }>>>(
  known: P,
): Spread<PropertyValues<P>> {
  const entries = Object.entries(known).map(
    ([name, { code, content }], order): KnownProperty => ({ name, order, code, content: content as Codec<unknown> }),
  )
  const byCode = new Map(entries.map((e) => [e.code, e]))
  const hex: Shape = { kind: 'element', known: entries.map((e) => e.code), align: 1 }
  const fields: FieldShape[] = [
    ...entries.map((e) => ({ name: e.name, shape: e.content.shape, optional: true })),
    { name: 'properties', shape: extrasShape(hex), optional: true },
  ]
  return {
    shape: { kind: 'struct', fields },
    spread: fields,
    read: (r: Reader) => readProperties(r, byCode),
    write: (w: Writer, value: Record<string, unknown>) => writeProperties(w, entries, value),
  } as never
}

function readProperties(r: Reader, byCode: ReadonlyMap<number, KnownProperty>): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  const extras: Extra[] = []
  let last = -1
  for (let place = 0; r.at < r.end; place++) {
    const at = r.at
    const length = lengthAhead(r)
    const entry = byCode.get(r.view.getUint16(at))
    const value = entry && isNext(r, entry, out, last) ? readContent(r, at, length, entry.content) : undefined
    r.at = at + length
    if (entry && value !== undefined) {
      out[entry.name] = value
      last = entry.order
    } else extras.push({ at: place, hex: toHex(r.bytes, at, at + length) })
    skipPad(r, length, 8)
  }
  if (extras.length > 0) out.properties = extras
  return out
}

function writeProperties(w: Writer, entries: readonly KnownProperty[], value: Record<string, unknown>): void {
  const extras = (value.properties ?? []) as readonly Extra[]
  let place = 0
  let next = 0
  const writeExtras = (until: number) => {
    for (; next < extras.length && (extras[next] as Extra).at <= until; next++, place++)
      writeExtra(w, extras[next] as Extra)
  }
  for (const { name, code, content } of entries) {
    if (value[name] === undefined) continue
    writeExtras(place)
    writeProperty(w, code, content, value[name])
    place++
  }
  writeExtras(Number.POSITIVE_INFINITY)
}

/** Exact readers name only what stands where we would write it; others take each property once, in any order. */
const isNext = (r: Reader, entry: { name: string; order: number }, out: object, last: number): boolean =>
  r.exact ? entry.order > last : !Object.hasOwn(out, entry.name)

function readContent(r: Reader, at: number, length: number, content: Codec<unknown>): unknown {
  r.at = at + 4
  const outer = confine(r, at, length)
  const value = content.read(r)
  const whole = r.at === r.end && !r.alien
  r.alien = false
  r.end = outer
  return whole ? value : undefined
}

function writeProperty(w: Writer, code: number, content: Codec<unknown>, value: unknown): void {
  const start = reserve(w, 4)
  content.write(w, value)
  w.view.setUint16(start, code)
  w.view.setUint16(start + 2, w.at - start)
  pad(w, start, 8)
}

function writeExtra(w: Writer, extra: Extra): void {
  const start = w.at
  writeHex(w, extra.hex)
  pad(w, start, 8)
}
