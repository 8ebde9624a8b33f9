import { writeHex } from '#server/codec/wire/bytes.ts'
import type { Codec, FieldShape, Spread } from '#server/codec/wire/codec.ts'
import { toHex } from '#server/codec/wire/hex.ts'
import { type Extra, extrasShape, shortElement } from '#server/codec/wire/properties.ts'
import { confine, type Reader, take } from '#server/codec/wire/reader.ts'
import { pad, reserve, type Writer } from '#server/codec/wire/writer.ts'

/** Statistics that 1.5 carries as a list of fields (OXS); before, and when a switch keeps them, as fixed ones. */
export interface Counters {
  readonly duration_sec?: number
  readonly duration_nsec?: number
  readonly idle_sec?: number
  readonly idle_nsec?: number
  readonly flow_count?: number
  readonly packet_count?: bigint
  readonly byte_count?: bigint
  readonly unknown_oxs?: readonly Extra[]
}

type Mutable = { -readonly [K in keyof Counters]: Counters[K] }

const uint32: FieldShape['shape'] = { kind: 'uint', bits: 32 }
const counter: FieldShape['shape'] = { kind: 'bigint', bits: 64, style: 'decimal' }
const optional = (name: keyof Counters, shape: FieldShape['shape']): FieldShape => ({ name, shape, optional: true })

const fields: readonly FieldShape[] = [
  ...['duration_sec', 'duration_nsec', 'idle_sec', 'idle_nsec', 'flow_count'].map((n) =>
    optional(n as 'flow_count', uint32),
  ),
  optional('packet_count', counter),
  optional('byte_count', counter),
  optional('unknown_oxs', extrasShape(shortElement)),
]

/** Headers without the length: class OFPXSC_OPENFLOW_BASIC, field, reserved bit. In the order in which Open vSwitch writes them. */
const KNOWN = [
  { code: 0x80020000, size: 8, first: 'duration_sec', second: 'duration_nsec' },
  { code: 0x80020200, size: 8, first: 'idle_sec', second: 'idle_nsec' },
  { code: 0x80020800, size: 8, first: 'packet_count' },
  { code: 0x80020a00, size: 8, first: 'byte_count' },
  { code: 0x80020600, size: 4, first: 'flow_count' },
] as const

const ORDER = new Map<number, number>(KNOWN.map((k, i) => [(k.code | k.size) >>> 0, i]))

function readKnown(r: Reader, at: number, order: number, out: Mutable): void {
  const known = KNOWN[order] as (typeof KNOWN)[number]
  if ('second' in known) {
    out[known.first] = r.view.getUint32(at)
    out[known.second] = r.view.getUint32(at + 4)
  } else if (known.first === 'flow_count') out.flow_count = r.view.getUint32(at)
  else out[known.first] = r.view.getBigUint64(at)
}

function read(r: Reader): Counters {
  const at = take(r, 4)
  const length = r.view.getUint16(at + 2)
  const outer = confine(r, at, length)
  const out: Mutable = {}
  const extras: Extra[] = []
  let last = -1
  for (let place = 0; r.at < r.end; place++) {
    const start = take(r, 4)
    const header = r.view.getUint32(start)
    const content = take(r, header & 0xff)
    const order = ORDER.get(header) ?? -1
    if (order > last || (order >= 0 && !r.exact && out[(KNOWN[order] as (typeof KNOWN)[number]).first] === undefined)) {
      readKnown(r, content, order, out)
      last = order
    } else extras.push({ at: place, hex: toHex(r.bytes, start, r.at) })
  }
  r.end = outer
  take(r, (8 - (length % 8)) % 8)
  if (extras.length > 0) out.unknown_oxs = extras
  return out
}

function writeKnown(w: Writer, known: (typeof KNOWN)[number], value: Counters): void {
  const at = reserve(w, 4 + known.size)
  w.view.setUint32(at, (known.code | known.size) >>> 0)
  if ('second' in known) {
    w.view.setUint32(at + 4, value[known.first] ?? 0)
    w.view.setUint32(at + 8, value[known.second] ?? 0)
  } else if (known.first === 'flow_count') w.view.setUint32(at + 4, value.flow_count ?? 0)
  else w.view.setBigUint64(at + 4, value[known.first] ?? 0n)
}

function write(w: Writer, value: Counters): void {
  const start = reserve(w, 4)
  const extras = value.unknown_oxs ?? []
  let next = 0
  let place = 0
  for (const known of KNOWN) {
    if (value[known.first] === undefined) continue
    for (; (extras[next]?.at ?? Number.POSITIVE_INFINITY) <= place; next++, place++)
      writeHex(w, (extras[next] as Extra).hex)
    writeKnown(w, known, value)
    place++
  }
  for (; next < extras.length; next++) writeHex(w, (extras[next] as Extra).hex)
  w.view.setUint16(start, 0)
  w.view.setUint16(start + 2, w.at - start)
  pad(w, start, 8)
}

/** ofp_stats (OpenFlow 1.5.1, section 7.2.4). */
export const oxs: Spread<Counters> & Codec<Counters> = {
  shape: { kind: 'struct', fields },
  spread: fields,
  read,
  write,
}
