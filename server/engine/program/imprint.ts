import type { Action, Instruction } from '#server/kernel/action.ts'
import type { Entry, Group } from './entry.ts'
import { ACTION_SHAPES, INSTRUCTION_SHAPES, type Shape } from './shape.ts'

const TYPES = [...Object.keys(ACTION_SHAPES), ...Object.keys(INSTRUCTION_SHAPES)]
const TYPE_CODE: Readonly<Record<string, number>> = Object.fromEntries(TYPES.map((type, place) => [type, place + 1]))

/** Bytes that are handed on at once, and the room that is kept for the longest single write (a text of 64 KiB). */
const CHUNK = 1 << 18
const ROOM = 1 << 17

/**
 * Writes entries and groups as bytes that are equal exactly when what they do is equal; made for digests, not for
 * reading back. Every value carries its length or has a fixed one, so that no two lists run into the same bytes.
 */
export function imprinter() {
  const bytes = new Uint8Array(CHUNK)
  const view = new DataView(bytes.buffer)
  let at = 0

  const number = (value: number): void => {
    view.setFloat64(at, value)
    at += 8
  }

  const text = (value: string): void => {
    const { length } = value
    view.setUint32(at, length)
    at += 4
    for (let i = 0; i < length; i++) bytes[at + i] = value.charCodeAt(i)
    at += length
  }

  const bits = (value: bigint): void => {
    const small = Number(value)
    if (small <= Number.MAX_SAFE_INTEGER) number(small)
    else {
      number(-1)
      text(value.toString(16))
    }
  }

  const property = (value: unknown): void => {
    if (typeof value === 'number') number(value)
    else if (typeof value === 'bigint') bits(value)
    else if (typeof value === 'string') text(value)
    else if (value === undefined) number(-2)
    else actions(value as readonly Action[])
  }

  const properties = (of: Action | Instruction, shape: Shape): void => {
    for (const [name] of shape) property((of as unknown as Readonly<Record<string, unknown>>)[name])
  }

  const action = (a: Action): void => {
    bytes[at++] = TYPE_CODE[a.type] as number
    if (a.type === 'output') {
      number(a.port)
      number(a.max_len ?? -2)
    } else if (a.type === 'set_field') {
      text(a.field)
      bits(a.value)
      property(a.mask)
    } else properties(a, ACTION_SHAPES[a.type])
  }

  const actions = (list: readonly Action[]): void => {
    number(list.length)
    for (const one of list) action(one)
  }

  return {
    entry({ key, instructions, idle_timeout, hard_timeout, flags, importance }: Entry): void {
      text(key)
      number(instructions.length)
      for (const instruction of instructions) {
        bytes[at++] = TYPE_CODE[instruction.type] as number
        if (instruction.type === 'apply_actions') actions(instruction.actions)
        else properties(instruction, INSTRUCTION_SHAPES[instruction.type])
      }
      number(idle_timeout)
      number(hard_timeout)
      number(flags)
      number(importance)
    },
    group({ group, type, buckets }: Group): void {
      number(group)
      text(type)
      number(buckets.length)
      for (const { weight, watch_port, watch_group, actions: list } of buckets) {
        number(weight)
        number(watch_port ?? -2)
        number(watch_group ?? -2)
        actions(list)
      }
    },
    /** Whether it is time to `take` what was written. */
    full: (): boolean => at > CHUNK - ROOM,
    /** What was written since the last time; overwritten by the next write. */
    take(): Uint8Array {
      const taken = bytes.subarray(0, at)
      at = 0
      return taken
    },
  }
}
