import type { FieldName } from './field.ts'

/**
 * What an entry or a group bucket does with a packet, in the wire form that the switch gives back
 * (`load` is a `set_field`, `strip_vlan` a `pop_vlan`). The order of actions is part of their meaning and is kept.
 */
export type Action =
  /** `port` may be a reserved port of `PORT`; `max_len` (bytes) counts for the controller alone. */
  | { readonly type: 'output'; readonly port: number; readonly max_len?: number }
  | { readonly type: 'group'; readonly group: number }
  | { readonly type: 'set_queue'; readonly queue: number }
  | { readonly type: 'push_vlan'; readonly ethertype: number }
  | { readonly type: 'pop_vlan' }
  | { readonly type: 'set_field'; readonly field: FieldName; readonly value: bigint; readonly mask?: bigint }
  /** Copies `bits` bits (OpenFlow 1.5 COPY_FIELD; NXAST_REG_MOVE before). */
  | {
      readonly type: 'copy_field'
      readonly from: FieldName
      readonly from_offset: number
      readonly to: FieldName
      readonly to_offset: number
      readonly bits: number
    }
  | { readonly type: 'dec_nw_ttl' }
  | { readonly type: 'set_nw_ttl'; readonly ttl: number }
  | { readonly type: 'meter'; readonly meter: number }
  /** An action that the codec does not know, kept whole (header included, in hex) so that nothing is lost. */
  | { readonly type: 'unknown'; readonly hex: string }

export type Instruction =
  | { readonly type: 'meter'; readonly meter: number }
  | { readonly type: 'apply_actions'; readonly actions: readonly Action[] }
  | { readonly type: 'clear_actions' }
  | { readonly type: 'write_actions'; readonly actions: readonly Action[] }
  | { readonly type: 'write_metadata'; readonly metadata: bigint; readonly mask: bigint }
  | { readonly type: 'goto_table'; readonly table: number }
  | { readonly type: 'unknown'; readonly hex: string }

/** Reserved port numbers (OpenFlow 1.5.1, section 7.2.1.1). */
export const PORT = {
  in_port: 0xfffffff8,
  table: 0xfffffff9,
  normal: 0xfffffffa,
  flood: 0xfffffffb,
  all: 0xfffffffc,
  controller: 0xfffffffd,
  local: 0xfffffffe,
  any: 0xffffffff,
} as const
