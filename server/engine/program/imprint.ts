import type { Action, Instruction } from '#server/kernel/action.ts'
import type { Entry, Group } from './entry.ts'
import { ACTION_SHAPES, INSTRUCTION_SHAPES, type Shape } from './shape.ts'

/*
 * Entries and groups as bytes that are equal exactly when what they do is equal; made for digests, not for reading back.
 * Every value carries its length or has a fixed one, so that no two lists run into the same bytes.
 */

const TYPES = [...Object.keys(ACTION_SHAPES), ...Object.keys(INSTRUCTION_SHAPES)]
const TYPE_CODE: Readonly<Record<string, number>> = Object.fromEntries(TYPES.map((type, place) => [type, place + 1]))

/** Bytes that are handed on at once, and the room that is kept for the longest single write (a text of 64 KiB). */
const CHUNK = 1 << 18
const ROOM = 1 << 17

/** Stand for what is absent, and for a number that follows as text: no written number is negative. */
const ABSENT = -2
const AS_TEXT = -1

/** Where bytes are written: a buffer that is used again and again. */
export interface Imprint {
  readonly bytes: Uint8Array
  readonly view: DataView
  at: number
}

/** An empty buffer. */
export function newImprint(): Imprint {
  const bytes = new Uint8Array(CHUNK)
  return { bytes, view: new DataView(bytes.buffer), at: 0 }
}

/** Whether it is time to take what was written. */
export const isFull = (to: Imprint): boolean => to.at > CHUNK - ROOM

/** What was written since the last time; overwritten by the next write. */
export function take(to: Imprint): Uint8Array {
  const taken = to.bytes.subarray(0, to.at)
  to.at = 0
  return taken
}

function number(to: Imprint, value: number): void {
  to.view.setFloat64(to.at, value)
  to.at += 8
}

function text(to: Imprint, value: string): void {
  const { bytes, at } = to
  const { length } = value
  to.view.setUint32(at, length)
  for (let i = 0; i < length; i++) bytes[at + 4 + i] = value.charCodeAt(i)
  to.at = at + 4 + length
}

function bits(to: Imprint, value: bigint): void {
  const small = Number(value)
  if (small <= Number.MAX_SAFE_INTEGER) number(to, small)
  else {
    number(to, AS_TEXT)
    text(to, value.toString(16))
  }
}

function property(to: Imprint, value: unknown): void {
  if (typeof value === 'number') number(to, value)
  else if (typeof value === 'bigint') bits(to, value)
  else if (typeof value === 'string') text(to, value)
  else if (value === undefined) number(to, ABSENT)
  else imprintActions(to, value as readonly Action[])
}

function properties(to: Imprint, of: Action | Instruction, shape: Shape): void {
  for (const [name] of shape) property(to, (of as unknown as Readonly<Record<string, unknown>>)[name])
}

function typeOf(to: Imprint, { type }: Action | Instruction): void {
  to.bytes[to.at++] = TYPE_CODE[type] as number
}

function imprintAction(to: Imprint, action: Action): void {
  typeOf(to, action)
  if (action.type === 'output') {
    number(to, action.port)
    number(to, action.max_len ?? ABSENT)
  } else if (action.type === 'set_field') {
    text(to, action.field)
    bits(to, action.value)
    property(to, action.mask)
  } else properties(to, action, ACTION_SHAPES[action.type])
}

function imprintActions(to: Imprint, actions: readonly Action[]): void {
  number(to, actions.length)
  for (const action of actions) imprintAction(to, action)
}

/** Writes all of an entry but its cookie. */
export function imprintEntry(to: Imprint, entry: Entry): void {
  text(to, entry.key)
  number(to, entry.instructions.length)
  for (const instruction of entry.instructions) {
    typeOf(to, instruction)
    if (instruction.type === 'apply_actions') imprintActions(to, instruction.actions)
    else properties(to, instruction, INSTRUCTION_SHAPES[instruction.type])
  }
  number(to, entry.idle_timeout)
  number(to, entry.hard_timeout)
  number(to, entry.flags)
  number(to, entry.importance)
}

/** Writes a group with its buckets in their order. */
export function imprintGroup(to: Imprint, { group, type, buckets }: Group): void {
  number(to, group)
  text(to, type)
  number(to, buckets.length)
  for (const { weight, watch_port, watch_group, actions } of buckets) {
    number(to, weight)
    number(to, watch_port ?? ABSENT)
    number(to, watch_group ?? ABSENT)
    imprintActions(to, actions)
  }
}
