import { rest } from '#server/codec/wire/bytes.ts'
import type { Codec, FieldShape, Spread } from '#server/codec/wire/codec.ts'
import { list } from '#server/codec/wire/list.ts'
import { choice, lengthOf, padding, u8, u16, u32, x64 } from '#server/codec/wire/primitive.ts'
import { struct } from '#server/codec/wire/struct.ts'
import { type Action, PORT } from '#server/kernel/action.ts'
import { action } from './action.ts'
import { fieldShape, type MatchFields, match } from './match.ts'
import { perVersion } from './version.ts'

/** A packet for the controller (OpenFlow 1.5.1, section 7.4.1). `match` carries in_port and other metadata. */
export const packetIn = struct({
  buffer_id: u32,
  total_len: u16,
  reason: choice(u8, { table_miss: 0, apply_action: 1, invalid_ttl: 2, action_set: 3, group: 4, packet_out: 5 }),
  table: u8,
  cookie: x64,
  match,
  pad: padding(2),
  data: rest,
})

const fields: readonly FieldShape[] = [
  {
    name: 'match',
    shape: {
      kind: 'refined',
      name: 'in_port_match',
      of: { kind: 'list', of: fieldShape, count: 1 },
      check: (m: MatchFields['match']) => (m[0]?.field === 'in_port' ? undefined : 'names in_port alone before 1.5'),
    },
  },
]

/** Before 1.5 the only metadata of a packet sent out is its input port. */
const inPort: Spread<MatchFields> & Codec<MatchFields> = {
  shape: { kind: 'struct', fields },
  spread: fields,
  read: (r) => ({ match: [{ field: 'in_port', value: BigInt(u32.read(r)) }] }),
  write: (w, value) =>
    u32.write(w, Number(value.match.find((m) => m.field === 'in_port')?.value ?? BigInt(PORT.controller))),
}

interface PacketOut extends MatchFields {
  readonly buffer_id: number
  readonly actions: readonly Action[]
  readonly data: Uint8Array
}

/** A packet to be sent (section 7.3.6). `match` names in_port, and in 1.5 other metadata too. */
export const packetOut = perVersion<PacketOut>((version) => {
  const tail = { actions: list(action(version)), data: rest }
  return version === 6
    ? struct({ buffer_id: u32, actions_length: lengthOf('actions'), pad: padding(2), match, ...tail })
    : struct({ buffer_id: u32, in_port: inPort, actions_length: lengthOf('actions'), pad: padding(6), ...tail })
})
