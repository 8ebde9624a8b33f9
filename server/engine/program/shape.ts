import type { Action, Instruction } from '#server/kernel/action.ts'

/**
 * What the properties of actions and instructions hold, in the order in which they are written down. One declaration
 * gives equality, hashing and serialisation. `number?` may be absent; `bits` is an unsigned integer of any width.
 */
type Holding = 'number' | 'number?' | 'bits' | 'bits?' | 'field' | 'hex' | 'actions'
export type Shape = readonly (readonly [property: string, holds: Holding])[]

export const ACTION_SHAPES: { readonly [T in Action['type']]: Shape } = {
  output: [
    ['port', 'number'],
    ['max_len', 'number?'],
  ],
  group: [['group', 'number']],
  set_queue: [['queue', 'number']],
  push_vlan: [['ethertype', 'number']],
  pop_vlan: [],
  set_field: [
    ['field', 'field'],
    ['value', 'bits'],
    ['mask', 'bits?'],
  ],
  copy_field: [
    ['from', 'field'],
    ['from_offset', 'number'],
    ['to', 'field'],
    ['to_offset', 'number'],
    ['bits', 'number'],
  ],
  dec_nw_ttl: [],
  set_nw_ttl: [['ttl', 'number']],
  meter: [['meter', 'number']],
  unknown: [['hex', 'hex']],
}

export const INSTRUCTION_SHAPES: { readonly [T in Instruction['type']]: Shape } = {
  meter: [['meter', 'number']],
  apply_actions: [['actions', 'actions']],
  clear_actions: [],
  write_actions: [['actions', 'actions']],
  write_metadata: [
    ['metadata', 'bits'],
    ['mask', 'bits'],
  ],
  goto_table: [['table', 'number']],
  unknown: [['hex', 'hex']],
}
