import type { Action } from '#server/kernel/action.ts'
import { FIELDS, type FieldName } from '#server/kernel/field.ts'
import { fullMask } from '#server/kernel/match.ts'

/** Values of header and pipeline fields; what is absent is zero. */
export type Fields = Readonly<Partial<Record<FieldName, bigint>>>

/** A packet as the tables see it: `vlan_vid` and `vlan_pcp` are those of the outermost tag. */
export interface Packet {
  readonly in_port: number
  readonly fields: Fields
  /** Tags below the outermost, from the outside in. */
  readonly inner?: readonly Tag[]
}

/** A VLAN tag: the id with OFPVID_PRESENT (0x1000), and the priority. */
export interface Tag {
  readonly vid: bigint
  readonly pcp: bigint
}

const PRESENT = 0x1000n

/** The value of a field, zero where the packet has none. */
export const fieldOf = (packet: Packet, field: FieldName): bigint =>
  field === 'in_port' ? BigInt(packet.in_port) : (packet.fields[field] ?? 0n)

const withFields = (packet: Packet, changed: Fields): Packet => ({
  ...packet,
  fields: { ...packet.fields, ...changed },
})

function pushVlan(packet: Packet): Packet {
  const vid = fieldOf(packet, 'vlan_vid')
  const inner = vid & PRESENT ? [{ vid, pcp: fieldOf(packet, 'vlan_pcp') }, ...(packet.inner ?? [])] : packet.inner
  return withFields({ ...packet, ...(inner === undefined ? {} : { inner }) }, { vlan_vid: PRESENT, vlan_pcp: 0n })
}

function popVlan(packet: Packet): Packet {
  const [next, ...inner] = packet.inner ?? []
  return withFields({ ...packet, inner }, { vlan_vid: next?.vid ?? 0n, vlan_pcp: next?.pcp ?? 0n })
}

function setField(packet: Packet, field: FieldName, value: bigint, mask: bigint = fullMask(field)): Packet {
  return withFields(packet, { [field]: (fieldOf(packet, field) & ~mask) | (value & mask) })
}

function copyField(packet: Packet, action: Extract<Action, { type: 'copy_field' }>): Packet {
  const ones = (1n << BigInt(action.bits)) - 1n
  const bits = (fieldOf(packet, action.from) >> BigInt(action.from_offset)) & ones
  const offset = BigInt(action.to_offset)
  return setField(packet, action.to, bits << offset, (ones << offset) & ((1n << BigInt(FIELDS[action.to].bits)) - 1n))
}

/** The packet after an action that changes its headers; undefined for an action of another kind. */
export function changedBy(action: Action, packet: Packet): Packet | undefined {
  switch (action.type) {
    case 'push_vlan':
      return pushVlan(packet)
    case 'pop_vlan':
      return popVlan(packet)
    case 'set_field':
      return setField(packet, action.field, action.value, action.mask)
    case 'copy_field':
      return copyField(packet, action)
    case 'dec_nw_ttl':
    case 'set_nw_ttl':
    case 'set_queue':
    case 'meter':
      // Hop limits, queues and rates are not among the fields: the packet goes the same way.
      return packet
    default:
      return undefined
  }
}

/** Places in an action set (OpenFlow 1.5.1, section 5.6.1; field changes keep their order, as Open vSwitch does). */
const SET_ORDER: Readonly<Partial<Record<Action['type'], number>>> = {
  pop_vlan: 1,
  push_vlan: 2,
  set_nw_ttl: 3,
  dec_nw_ttl: 4,
  set_field: 5,
  copy_field: 5,
  meter: 6,
  set_queue: 7,
  group: 8,
  output: 9,
}

function sortedSet(actions: readonly Action[]): readonly Action[] {
  const kept = actions.filter((action, i) => {
    if (action.type === 'set_field' || action.type === 'copy_field' || action.type === 'unknown') return true
    if (action.type === 'output' && actions.some((other) => other.type === 'group')) return false
    return !actions.slice(i + 1).some((later) => later.type === action.type)
  })
  return kept.toSorted((a, b) => (SET_ORDER[a.type] ?? 10) - (SET_ORDER[b.type] ?? 10))
}

// Buckets are frozen and met by every packet that is flooded: each list is put in order once.
const inOrder = new WeakMap<readonly Action[], readonly Action[]>()

/**
 * The actions of a set, or of a group's bucket, as they are executed: one of each kind (the last written), in the order
 * of the standard; a group wins over an output.
 */
export function inSetOrder(actions: readonly Action[]): readonly Action[] {
  const known = inOrder.get(actions)
  if (known !== undefined) return known
  const sorted = sortedSet(actions)
  inOrder.set(actions, sorted)
  return sorted
}
