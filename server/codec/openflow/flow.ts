import { list } from '#server/codec/wire/list.ts'
import { absent, choice, extent, padding, u8, u16, u32, u64, x64 } from '#server/codec/wire/primitive.ts'
import type { Extra } from '#server/codec/wire/properties.ts'
import { struct } from '#server/codec/wire/struct.ts'
import type { Instruction } from '#server/kernel/action.ts'
import { instruction } from './action.ts'
import { type MatchFields, match } from './match.ts'
import { type Counters, oxs } from './stats.ts'
import { perVersion } from './version.ts'

const FLOW_COMMANDS = { add: 0, modify: 1, modify_strict: 2, delete: 3, delete_strict: 4 } as const
/** OFPFF_* bits. */
export const FLOW_FLAGS = {
  send_flow_rem: 1,
  check_overlap: 2,
  reset_counts: 4,
  no_pkt_counts: 8,
  no_byt_counts: 16,
} as const
/** All tables, in requests and deletions. */
export const TABLE_ALL = 0xff
export const NO_BUFFER = 0xffffffff

/** Adds, changes or deletes entries (OpenFlow 1.5.1, section 7.3.4.1). `importance` is 0 in 1.3, which has none. */
export const flowMod = perVersion((version) =>
  struct({
    cookie: x64,
    cookie_mask: x64,
    table: u8,
    command: choice(u8, FLOW_COMMANDS),
    idle_timeout: u16,
    hard_timeout: u16,
    priority: u16,
    buffer_id: u32,
    out_port: u32,
    out_group: u32,
    flags: u16,
    importance: version === 4 ? absent(2, 0) : u16,
    match,
    instructions: list(instruction[version]),
  }),
)

const REMOVED = { idle_timeout: 0, hard_timeout: 1, delete: 2, group_delete: 3, meter_delete: 4, eviction: 5 } as const
const reason = choice(u8, REMOVED)

interface FlowRemoved extends MatchFields, Counters {
  readonly cookie: bigint
  readonly priority: number
  readonly reason: keyof typeof REMOVED | number
  readonly table: number
  readonly idle_timeout: number
  readonly hard_timeout: number
}

/** An entry is gone (section 7.4.2). */
export const flowRemoved = perVersion<FlowRemoved>((version) =>
  version === 6
    ? struct({
        table: u8,
        reason: reason,
        priority: u16,
        idle_timeout: u16,
        hard_timeout: u16,
        cookie: x64,
        match,
        stats: oxs,
      })
    : struct({
        cookie: x64,
        priority: u16,
        reason: reason,
        table: u8,
        duration_sec: u32,
        duration_nsec: u32,
        idle_timeout: u16,
        hard_timeout: u16,
        packet_count: u64,
        byte_count: u64,
        match,
      }),
)

/** A request for entries: filters by table, output port, group, cookie under its mask, and match (section 7.3.5.2). */
export const flowRequest = {
  table: u8,
  pad: padding(3),
  out_port: u32,
  out_group: u32,
  gap: padding(4),
  cookie: x64,
  cookie_mask: x64,
  match,
}

/** An entry as the switch holds it. Counters are always there before 1.5, and optional in 1.5. */
export interface FlowEntry extends Counters {
  readonly table: number
  readonly priority: number
  readonly idle_timeout: number
  readonly hard_timeout: number
  readonly flags: number
  readonly importance: number
  readonly cookie: bigint
  readonly match: MatchFields['match']
  readonly unknown_oxm?: readonly Extra[]
  readonly instructions: readonly Instruction[]
}

/** ofp_flow_desc of 1.5, ofp_flow_stats before (section 7.3.5.2). */
export const flowEntry = perVersion<FlowEntry>((version) => {
  const timeouts = { priority: u16, idle_timeout: u16, hard_timeout: u16, flags: u16 }
  const content = { instructions: list(instruction[version]) }
  if (version === 6)
    return struct({
      length: extent,
      pad: padding(2),
      table: u8,
      gap: padding(1),
      ...timeouts,
      importance: u16,
      cookie: x64,
      match,
      stats: oxs,
      ...content,
    })
  return struct({
    length: extent,
    table: u8,
    pad: padding(1),
    duration_sec: u32,
    duration_nsec: u32,
    ...timeouts,
    importance: version === 4 ? absent(2, 0) : u16,
    gap: padding(2),
    cookie: x64,
    packet_count: u64,
    byte_count: u64,
    match,
    ...content,
  })
})

/** ofp_flow_stats of 1.5: an entry's counters without its actions (section 7.3.5.3). */
export const flowStats = struct({
  length: extent,
  pad: padding(2),
  table: u8,
  reason: choice(u8, { request: 0, trigger: 1 }),
  priority: u16,
  match,
  stats: oxs,
})

/** Sums over the entries asked for (section 7.3.5.4), before 1.5 as fixed fields. */
export const aggregate = { packet_count: u64, byte_count: u64, flow_count: u32, pad: padding(4) }
