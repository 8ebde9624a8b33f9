import { rest } from '#server/codec/wire/bytes.ts'
import { list } from '#server/codec/wire/list.ts'
import { choice, padding, u8, u16, u32, u64, x64 } from '#server/codec/wire/primitive.ts'
import { struct } from '#server/codec/wire/struct.ts'
import { element, tagged, variant } from '#server/codec/wire/tagged.ts'
import { perVersion } from './version.ts'

/** A message without content. */
export const empty = struct({})

/** Echo request and reply: any bytes, sent back (OpenFlow 1.5.1, section 7.5.2). */
export const echo = struct({ data: rest })

/** Switch features (section 7.3.1); `capabilities` are OFPC_* bits. */
export const featuresReply = struct({
  datapath_id: x64,
  n_buffers: u32,
  n_tables: u8,
  auxiliary_id: u8,
  pad: padding(2),
  capabilities: u32,
  reserved: u32,
})

/** Switch configuration (section 7.3.2): how fragments are treated, and how many bytes a miss sends. */
export const config = struct({ flags: u16, miss_send_len: u16 })

const ROLES = { nochange: 0, equal: 1, master: 2, slave: 3 } as const

/** Role request and reply (section 7.3.9). 1.5 adds the controller's short id. */
export const role = perVersion<{
  role: keyof typeof ROLES | number
  short_id?: number
  generation_id: bigint
}>((version) => {
  const tail = { generation_id: u64 }
  return version === 6
    ? struct({ role: choice(u32, ROLES), short_id: u16, pad: padding(2), ...tail })
    : struct({ role: choice(u32, ROLES), pad: padding(4), ...tail })
})

/** The switch tells a controller that its role changed (section 7.4.5). */
export const roleStatus = struct({
  role: choice(u32, ROLES),
  reason: choice(u8, { master_request: 0, config: 1, experimenter: 2 }),
  pad: padding(3),
  generation_id: u64,
  properties: list(element({ pad: 8 })),
})

const masks = (names: readonly string[]) =>
  Object.fromEntries(names.map((name, code) => [name, variant(code, { mask: u32 })])) as {
    [K in AsyncEvent]: ReturnType<typeof variant<{ mask: typeof u32 }>>
  }

const ASYNC_EVENTS = [
  ...(['packet_in_slave', 'packet_in_master', 'port_status_slave', 'port_status_master'] as const),
  ...(['flow_removed_slave', 'flow_removed_master', 'role_status_slave', 'role_status_master'] as const),
  ...(['table_status_slave', 'table_status_master', 'requestforward_slave', 'requestforward_master'] as const),
  ...(['flow_stats_slave', 'flow_stats_master', 'controller_status_slave', 'controller_status_master'] as const),
] as const
type AsyncEvent = (typeof ASYNC_EVENTS)[number]

/** Which asynchronous messages are wanted, by reason bits (section 7.3.10): since 1.4. */
export const asyncProperties = struct({ properties: list(tagged(masks(ASYNC_EVENTS), { pad: 8 })) })

/** The same in 1.3: one fixed structure. */
export const asyncMasks = struct({
  packet_in_master: u32,
  packet_in_slave: u32,
  port_status_master: u32,
  port_status_slave: u32,
  flow_removed_master: u32,
  flow_removed_slave: u32,
})

/** A message of somebody's own (section 7.5.4): kept as it is. */
export const experimenter = struct({ experimenter: u32, subtype: u32, data: rest })
