import { slack } from '#server/codec/wire/bytes.ts'
import type { Codec, FieldShape, Spread } from '#server/codec/wire/codec.ts'
import { list } from '#server/codec/wire/list.ts'
import { padding, u8, u16, u32, x64 } from '#server/codec/wire/primitive.ts'
import { type Reader, take } from '#server/codec/wire/reader.ts'
import { tagged, variant } from '#server/codec/wire/tagged.ts'
import { reserve, type Writer } from '#server/codec/wire/writer.ts'
import { type Action, type Instruction, PORT } from '#server/kernel/action.ts'
import { FIELD_NAMES, type FieldName } from '#server/kernel/field.ts'
import { fieldComplaint, fieldValueFields } from './match.ts'
import { NICIRA, ONF, type Oxm, oxmTable, readValue, writeOxm } from './oxm.ts'
import { perVersion, type Version } from './version.ts'

interface OutputFields {
  readonly port: number
  readonly max_len?: number
}
const NO_BUFFER = 0xffff
const outputFields: readonly FieldShape[] = [
  { name: 'port', shape: { kind: 'uint', bits: 32 } },
  { name: 'max_len', shape: { kind: 'uint', bits: 16 }, optional: true },
]

/** `max_len` is kept for the controller (absent means all of the packet), and elsewhere only as received. */
const output: Spread<OutputFields> = {
  shape: { kind: 'struct', fields: outputFields },
  spread: outputFields,
  read: (r) => {
    const at = take(r, 12)
    const port = r.view.getUint32(at)
    const max_len = r.view.getUint16(at + 4)
    const kept = port === PORT.controller || (r.exact && max_len !== 0)
    return kept ? { port, max_len } : { port }
  },
  write: (w, { port, max_len }) => {
    const at = reserve(w, 12)
    w.view.setUint32(at, port)
    w.view.setUint16(at + 4, max_len ?? (port === PORT.controller ? NO_BUFFER : 0))
    w.view.setUint32(at + 6, 0)
    w.view.setUint16(at + 10, 0)
  },
}

interface FieldValue {
  readonly field: FieldName
  readonly value: bigint
  readonly mask?: bigint
}
const NOTHING: FieldValue = { field: 'in_port', value: 0n }

/** Says that this part has no name here; the element around it is then kept as bytes. */
function alien<T>(r: Reader, dummy: T): T {
  r.alien = true
  return dummy
}

function cleaned(r: Reader, oxm: Oxm, value: bigint, mask: bigint | undefined): FieldValue {
  if (value > oxm.full || (mask ?? 0n) > oxm.full) return alien(r, NOTHING)
  if (mask === undefined) return { field: oxm.name, value }
  if (r.exact) return { field: oxm.name, value, mask }
  return mask === oxm.full ? { field: oxm.name, value } : { field: oxm.name, value: value & mask, mask }
}

/** One field with a value; `masked` says whether this action is the one that carries masks. */
const fieldValue = (masked: boolean | 'either'): Spread<FieldValue> => ({
  shape: { kind: 'refined', name: 'field', of: { kind: 'struct', fields: fieldValueFields }, check: fieldComplaint },
  spread: fieldValueFields,
  read: (r) => {
    const at = take(r, 4)
    const header = r.view.getUint32(at)
    const { byNumber, byNicira } = oxmTable(r.version)
    const oxm = byNumber.get(header >>> 9) ?? (r.exact ? undefined : byNicira.get(header >>> 9))
    const hasMask = (header & 0x100) !== 0
    if (!oxm || (r.exact && masked !== 'either' && masked !== hasMask)) return alien(r, NOTHING)
    const id = oxm.experimenter !== 0 && header >>> 9 === oxm.header >>> 9 ? 4 : 0
    if ((header & 0xff) !== id + (hasMask ? 2 * oxm.bytes : oxm.bytes)) return alien(r, NOTHING)
    const from = take(r, header & 0xff)
    if (id > 0 && r.view.getUint32(from) !== oxm.experimenter) return alien(r, NOTHING)
    const value = readValue(r.view, from + id, oxm.bytes)
    return cleaned(r, oxm, value, hasMask ? readValue(r.view, from + id + oxm.bytes, oxm.bytes) : undefined)
  },
  write: (w, { field, value, mask }) => writeOxm(w, oxmTable(w.version).byName.get(field) as Oxm, value, mask),
})

/** A field's 32-bit id, in the standard's numbers or in Nicira's. */
const fieldId = (space: 'standard' | 'nicira'): Codec<FieldName> => ({
  shape: { kind: 'word', words: FIELD_NAMES },
  read: (r) => {
    const header = r.view.getUint32(take(r, 4))
    const { byNumber, byNicira } = oxmTable(r.version)
    const [first, second] = space === 'standard' ? [byNumber, byNicira] : [byNicira, byNumber]
    const oxm = first.get(header >>> 9) ?? (r.exact ? undefined : second.get(header >>> 9))
    const onf = oxm !== undefined && oxm.experimenter !== 0 && header >>> 9 === oxm.header >>> 9
    if (!oxm || (header & 0x1ff) !== oxm.bytes || onf) return alien(r, 'in_port')
    return oxm.name
  },
  write: (w, name) => {
    const oxm = oxmTable(w.version).byName.get(name) as Oxm
    const at = reserve(w, 4)
    w.view.setUint32(at, space === 'standard' ? oxm.header : oxm.nicira)
  },
})

const copied = (space: 'standard' | 'nicira') => ({ from: fieldId(space), to: fieldId(space) })

/** NXAST_REG_LOAD: a right-aligned value for some neighbouring bits of a field, which is a `set_field` with a mask. */
const load: Spread<FieldValue> = {
  ...fieldValue(true),
  read: (r) => {
    const at = take(r, 14)
    const bits = (r.view.getUint16(at) & 0x3f) + 1
    const offset = r.view.getUint16(at) >>> 6
    const header = r.view.getUint32(at + 2)
    const value = r.view.getBigUint64(at + 6)
    const { byNumber, byNicira } = oxmTable(r.version)
    const oxm = byNicira.get(header >>> 9) ?? byNumber.get(header >>> 9)
    const mask = ((1n << BigInt(bits)) - 1n) << BigInt(offset)
    if (!oxm || header !== oxm.nicira || value >> BigInt(bits) !== 0n || mask > oxm.full) return alien(r, NOTHING)
    if (r.exact && mask === oxm.full) return alien(r, NOTHING)
    return cleaned(r, oxm, value << BigInt(offset), mask)
  },
  write: (w, { field, value, mask = 0n }) => {
    const { offset, bits } = runOfBits(mask) as { offset: number; bits: number }
    const at = reserve(w, 14)
    w.view.setUint16(at, (offset << 6) | (bits - 1))
    w.view.setUint32(at + 2, (oxmTable(w.version).byName.get(field) as Oxm).nicira)
    w.view.setBigUint64(at + 6, (value & mask) >> BigInt(offset))
  },
}

/** Where the ones of a mask begin and how many there are, if they are neighbours and fit into 64 bits. */
function runOfBits(mask: bigint): { offset: number; bits: number } | undefined {
  if (mask === 0n) return undefined
  const offset = (mask & -mask).toString(2).length - 1
  const bits = (mask >> BigInt(offset)).toString(2).length
  const whole = ((1n << BigInt(bits)) - 1n) << BigInt(offset)
  return whole === mask && bits <= 64 ? { offset, bits } : undefined
}

const common = {
  output: variant(0, { output }),
  group: variant(22, { group: u32 }),
  set_queue: variant(21, { queue: u32 }),
  push_vlan: variant(17, { ethertype: u16, pad: padding(2) }),
  pop_vlan: variant(18, { pad: padding(4) }),
  dec_nw_ttl: variant(24, { pad: padding(4) }),
  set_nw_ttl: variant(23, { ttl: u8, pad: padding(3) }),
}

const offsets = { bits: u16, from_offset: u16, to_offset: u16 }

const late = tagged(
  {
    ...common,
    set_field: variant(25, { value: fieldValue('either'), pad: slack }),
    copy_field: variant(28, { ...offsets, pad: padding(2), ...copied('standard'), end: slack }),
    meter: variant(29, { meter: u32 }),
  },
  { align: 8 },
) as Codec<Action>

const nicira = (subtype: number) => ({ id: NICIRA, subtype })

const early = tagged(
  {
    ...common,
    set_field: variant(25, { value: fieldValue(false), pad: slack }),
    copy_field: variant(0xffff, { ...offsets, ...copied('nicira') }, nicira(6)),
    onf_copy_field: variant(
      0xffff,
      { lead: padding(2), ...offsets, pad: padding(2), ...copied('standard'), end: slack },
      { id: ONF, subtype: 3200 },
    ),
    reg_load: variant(0xffff, { value: load }, nicira(7)),
    reg_load2: variant(0xffff, { value: fieldValue(true), pad: slack }, nicira(33)),
  },
  { align: 8 },
)

type Early = ReturnType<(typeof early)['read']>

/** Before 1.5 a mask makes `set_field` one of Nicira's actions, the very one in which Open vSwitch gives it back. */
function toEarly(action: Action): Early {
  if (action.type !== 'set_field' || action.mask === undefined) return action as Early
  return { ...action, type: runOfBits(action.mask) ? 'reg_load' : 'reg_load2' } as Early
}

function fromEarly(r: Reader, start: number, action: Early): Action {
  if (action.type === 'reg_load2' || action.type === 'reg_load') return fromLoad(r, start, action)
  if (action.type !== 'onf_copy_field') return action as Action
  if (r.exact) return keptWhole(r, start)
  const { type: _, ...rest } = action
  return { type: 'copy_field', ...rest }
}

/** A load of scattered bits could be written as one of two actions: exact readers name only the one that we write. */
function fromLoad(r: Reader, start: number, action: Extract<Early, { type: 'reg_load' | 'reg_load2' }>): Action {
  if (r.exact && action.type === 'reg_load2' && runOfBits(action.mask ?? 0n)) return keptWhole(r, start)
  const { type: _, ...rest } = action
  return { type: 'set_field', ...rest }
}

function keptWhole(r: Reader, start: number): Action {
  let hex = ''
  for (let i = start; i < r.at; i++) hex += (r.bytes[i] as number).toString(16).padStart(2, '0')
  return { type: 'unknown', hex }
}

const hiddenNames = new Set(['onf_copy_field', 'reg_load', 'reg_load2'])
const earlyAction: Codec<Action> = {
  shape:
    early.shape.kind === 'union'
      ? { kind: 'union', variants: new Map([...early.shape.variants].filter(([name]) => !hiddenNames.has(name))) }
      : early.shape,
  read: (r) => {
    const start = r.at
    return fromEarly(r, start, early.read(r))
  },
  write: (w: Writer, action) => early.write(w, toEarly(action)),
}

/** An action of a version (OpenFlow 1.5.1, section 7.2.6). */
export const action = (version: Version): Codec<Action> => (version === 6 ? late : earlyAction)

/** Instructions of a flow entry (OpenFlow 1.5.1, section 7.2.5). */
export const instruction = perVersion<Instruction>((version) => {
  const body = { pad: padding(4), actions: list(action(version)) }
  const all = {
    goto_table: variant(1, { table: u8, pad: padding(3) }),
    write_metadata: variant(2, { pad: padding(4), metadata: x64, mask: x64 }),
    write_actions: variant(3, body),
    apply_actions: variant(4, body),
    clear_actions: variant(5, { pad: padding(4) }),
  }
  // In 1.5 a meter is an action.
  return (version === 6 ? tagged(all) : tagged({ ...all, meter: variant(6, { meter: u32 }) })) as Codec<Instruction>
})
