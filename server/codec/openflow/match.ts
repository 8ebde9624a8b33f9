import { writeHex } from '#server/codec/wire/bytes.ts'
import type { FieldShape, Shape, Spread } from '#server/codec/wire/codec.ts'
import { toHex } from '#server/codec/wire/hex.ts'
import { type Extra, extrasShape, shortElement } from '#server/codec/wire/properties.ts'
import { confine, fault, type Reader, take } from '#server/codec/wire/reader.ts'
import { pad, reserve, type Writer } from '#server/codec/wire/writer.ts'
import { FIELD_NAMES, type FieldName } from '#server/kernel/field.ts'
import { type FieldMatch, fullMask, type Match } from '#server/kernel/match.ts'
import { type Oxm, oxmTable, readValue, writeOxm } from './oxm.ts'

/** A match, and the fields in it that have no name here, each with its place among all fields. */
export interface MatchFields {
  readonly match: Match
  readonly unknown_oxm?: readonly Extra[]
}

const value: Shape = { kind: 'bigint', bits: 128, style: 'hex' }

/** What a field and its value look like in a match or a `set_field`. */
export const fieldValueFields: readonly FieldShape[] = [
  { name: 'field', shape: { kind: 'word', words: FIELD_NAMES } },
  { name: 'value', shape: value },
  { name: 'mask', shape: value, optional: true },
]

/** Says what is wrong with a value for its field, if anything. */
export function fieldComplaint({ field, value, mask }: FieldMatch): string | undefined {
  const full = fullMask(field)
  return value > full || (mask ?? 0n) > full ? `${field} has ${full.toString(2).length} bits` : undefined
}

export const fieldShape: Shape = {
  kind: 'refined',
  name: 'field',
  of: { kind: 'struct', fields: fieldValueFields },
  check: fieldComplaint,
}

const fields: readonly FieldShape[] = [
  {
    name: 'match',
    shape: { kind: 'refined', name: 'match', of: { kind: 'list', of: fieldShape }, check: () => undefined },
  },
  { name: 'unknown_oxm', shape: extrasShape(shortElement), optional: true },
]

/** What a match is read into. */
interface Found {
  readonly match: FieldMatch[]
  readonly places: number[]
  extras: Extra[] | undefined
}

/** Adds a field where it belongs: at the end as received, or by rank in canonical form, where it is also cleaned. */
function add(r: Reader, found: Found, oxm: Oxm, value: bigint, mask: bigint | undefined): void {
  if (r.exact) {
    found.match.push(mask === undefined ? { field: oxm.name, value } : { field: oxm.name, value, mask })
    return
  }
  if (mask === 0n) return
  const plain = mask === undefined || mask === oxm.full
  const one = plain ? { field: oxm.name, value } : { field: oxm.name, value: value & mask, mask }
  const { match, places } = found
  let i = places.length
  while (i > 0 && (places[i - 1] as number) > oxm.place) i--
  if (i === places.length) {
    match.push(one)
    places.push(oxm.place)
  } else {
    match.splice(i, 0, one)
    places.splice(i, 0, oxm.place)
  }
}

function readField(r: Reader, at: number, length: number, found: Found): boolean {
  const view = r.view
  const header = view.getUint32(at)
  const table = oxmTable(r.version)
  const key = header >>> 9
  const oxm = table.byNumber.get(key) ?? (r.exact ? undefined : table.byNicira.get(key))
  if (oxm === undefined) return readRegisterPair(r, at, header, found)
  const masked = (header & 0x100) !== 0
  const own = key === oxm.header >>> 9
  const from = at + (own && oxm.experimenter !== 0 ? 8 : 4)
  if (length !== from - at + (masked ? 2 * oxm.bytes : oxm.bytes)) return false
  if (from === at + 8 && view.getUint32(at + 4) !== oxm.experimenter) return false
  // In 1.5 registers of a match stand in pairs; alone they would not come back as they were.
  if (r.exact && r.version === 6 && key >>> 7 === 1 && (key & 0x7f) < 8) return false
  const value = readValue(view, from, oxm.bytes)
  const mask = masked ? readValue(view, from + oxm.bytes, oxm.bytes) : undefined
  if (value > oxm.full || (mask !== undefined && mask > oxm.full)) return false
  add(r, found, oxm, value, mask)
  return true
}

const REGISTERS = ['reg0', 'reg1', 'reg2', 'reg3', 'reg4', 'reg5', 'reg6', 'reg7'] as const satisfies FieldName[]
const PACKET_REGISTERS = 0x8001
const HALF = 0xffff_ffffn

/** OXM_OF_PKT_REG (64 bits) of 1.5: two registers, which is how Open vSwitch writes them there. */
function readRegisterPair(r: Reader, at: number, header: number, found: Found): boolean {
  const pair = (header >>> 9) & 0x7f
  const masked = (header & 0x100) !== 0
  if (header >>> 16 !== PACKET_REGISTERS || pair > 3 || r.version !== 6) return false
  if ((header & 0xff) !== (masked ? 16 : 8)) return false
  const value = r.view.getBigUint64(at + 4)
  const mask = masked ? r.view.getBigUint64(at + 12) : (HALF << 32n) | HALF
  if (r.exact && (mask === 0n || (masked && mask === ((HALF << 32n) | HALF)) || (value & ~mask) !== 0n)) return false
  const { byName } = oxmTable(6)
  for (const [i, shift] of [32n, 0n].entries()) {
    const part = (mask >> shift) & HALF
    const oxm = byName.get(REGISTERS[2 * pair + i] as string) as Oxm
    if (part !== 0n) add(r, found, oxm, (value >> shift) & HALF, part === HALF ? undefined : part)
  }
  return true
}

function read(r: Reader): MatchFields {
  const at = take(r, 4)
  if (r.view.getUint16(at) !== 1) fault('value', at, 'a match must be of type 1 (OXM)')
  const length = r.view.getUint16(at + 2)
  const outer = confine(r, at, length)
  const found: Found = { match: [], places: [], extras: undefined }
  while (r.at < r.end) {
    const start = take(r, 4)
    const size = 4 + r.view.getUint8(start + 3)
    take(r, size - 4)
    if (readField(r, start, size, found)) continue
    found.extras ??= []
    found.extras.push({ at: found.match.length + found.extras.length, hex: toHex(r.bytes, start, start + size) })
  }
  r.end = outer
  take(r, (8 - (length % 8)) % 8)
  if (!found.extras) return { match: found.match }
  const last = found.match.length
  // Sorted fields have lost their places: what has no name then stands behind them.
  const unknown_oxm = r.exact ? found.extras : found.extras.map(({ hex }, i) => ({ at: last + i, hex }))
  return { match: found.match, unknown_oxm }
}

const isRegister = (name: string): boolean => name.length === 4 && name.startsWith('reg')
const numberOf = (name: string): number => name.charCodeAt(3) - 48

/** Writes a register, and the other half of its pair where that comes next; answers how many fields that were. */
function writeRegisters(w: Writer, match: Match, i: number): number {
  const { field, value, mask } = match[i] as FieldMatch
  const number = numberOf(field)
  const next = match[i + 1]
  const paired = number % 2 === 0 && next !== undefined && next.field === REGISTERS[number + 1]
  const [high, low] = number % 2 === 0 ? [{ value, mask }, paired ? next : undefined] : [undefined, { value, mask }]
  const both = ((high?.value ?? 0n) << 32n) | (low?.value ?? 0n)
  const cover = ((high ? (high.mask ?? HALF) : 0n) << 32n) | (low ? (low.mask ?? HALF) : 0n)
  const full = cover === ((HALF << 32n) | HALF)
  const at = reserve(w, full ? 12 : 20)
  w.view.setUint32(at, ((PACKET_REGISTERS << 16) | ((number >> 1) << 9) | (full ? 8 : 0x110)) >>> 0)
  w.view.setBigUint64(at + 4, both)
  if (!full) w.view.setBigUint64(at + 12, cover)
  return paired ? 2 : 1
}

function write(w: Writer, { match, unknown_oxm }: MatchFields): void {
  const start = reserve(w, 4)
  const { byName } = oxmTable(w.version)
  let extra = 0
  let i = 0
  for (; i < match.length; ) {
    for (; unknown_oxm && (unknown_oxm[extra]?.at ?? Number.POSITIVE_INFINITY) <= i + extra; extra++)
      writeHex(w, (unknown_oxm[extra] as Extra).hex)
    const one = match[i] as FieldMatch
    if (w.version === 6 && isRegister(one.field)) i += writeRegisters(w, match, i)
    else {
      writeOxm(w, byName.get(one.field) as Oxm, one.value, one.mask)
      i++
    }
  }
  for (; unknown_oxm && extra < unknown_oxm.length; extra++) writeHex(w, (unknown_oxm[extra] as Extra).hex)
  w.view.setUint16(start, 1)
  w.view.setUint16(start + 2, w.at - start)
  pad(w, start, 8)
}

/** ofp_match (OpenFlow 1.5.1, section 7.2.3). Canonical when read, unless the reader is exact; written in the order given. */
export const match: Spread<MatchFields> = { shape: { kind: 'struct', fields }, spread: fields, read, write }
