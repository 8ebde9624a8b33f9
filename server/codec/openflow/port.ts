import { text } from '#server/codec/wire/bytes.ts'
import type { Codec } from '#server/codec/wire/codec.ts'
import { choice, extent, mac, padded, padding, u8, u32, u64 } from '#server/codec/wire/primitive.ts'
import { type Extra, properties, property } from '#server/codec/wire/properties.ts'
import { struct } from '#server/codec/wire/struct.ts'
import { perVersion, type Version } from './version.ts'

const speeds = { curr: u32, advertised: u32, supported: u32, peer: u32, curr_speed: u32, max_speed: u32 }
const ethernet = struct(speeds)

/** A port as the switch describes it. `config` OFPPC_*, `state` OFPPS_* bits, speeds in kbit/s. */
export interface Port {
  readonly port: number
  readonly hw_addr: bigint
  readonly name: string
  readonly config: number
  readonly state: number
  readonly ethernet?: (typeof ethernet)['read'] extends (...a: never) => infer T ? T : never
  readonly properties?: readonly Extra[]
}

const head = { hw_addr: mac, pad: padding(2), name: text(16), config: u32, state: u32 }
const afterLength = padding(2)

/** ofp_port (OpenFlow 1.5.1, section 7.2.1). */
export const port = perVersion<Port>((version) =>
  version === 4
    ? struct({ port: u32, gap: padding(4), ...head, ethernet })
    : struct({
        port: u32,
        length: extent,
        gap: afterLength,
        ...head,
        more: properties({ ethernet: property(0, prefixed(4, ethernet)) }),
      }),
)

/** `size` bytes of padding before a codec. */
function prefixed<T>(size: number, codec: Codec<T>): Codec<T> {
  const lead = padding(size)
  return {
    shape: codec.shape,
    read: (r) => {
      lead.read(r)
      return codec.read(r)
    },
    write: (w, value) => {
      lead.write(w, undefined)
      codec.write(w, value)
    },
  }
}

/** A port came, went or changed (section 7.4.3). */
export const portStatus = perVersion((version) =>
  struct({ reason: choice(u8, { add: 0, delete: 1, modify: 2 }), pad: padding(7), desc: port[version] }),
)

interface PortMod {
  readonly port: number
  readonly hw_addr: bigint
  readonly config: number
  readonly mask: number
  readonly advertise?: number
  readonly properties?: readonly Extra[]
}

/** Sets administrative bits of a port (section 7.3.4.3). */
export const portMod = perVersion<PortMod>((version) => {
  const lead = { port: u32, gap: padding(4), hw_addr: mac, pad: padding(2), config: u32, mask: u32 }
  return version === 4
    ? struct({ ...lead, advertise: u32, end: padding(4) })
    : struct({ ...lead, more: properties({ advertise: property(0, u32) }) })
})

const frameErrors = { rx_frame_err: u64, rx_over_err: u64, rx_crc_err: u64, collisions: u64 }
const counters = {
  ...{ rx_packets: u64, tx_packets: u64, rx_bytes: u64, tx_bytes: u64 },
  ...{ rx_dropped: u64, tx_dropped: u64, rx_errors: u64, tx_errors: u64 },
}
const age = { duration_sec: u32, duration_nsec: u32 }
const ethernetErrors = struct(frameErrors)

type Read<C> = C extends Codec<infer T> ? T : never
const counterFields = struct({ port: u32, ...counters, ...age })

/** Counters of a port; a counter that the switch does not keep is all ones. */
export type PortStats = Read<typeof counterFields> & {
  readonly ethernet?: Read<typeof ethernetErrors>
  readonly properties?: readonly Extra[]
}

/** ofp_port_stats (section 7.3.5.7). */
export const portStats = perVersion<PortStats>((version: Version) =>
  version === 4
    ? struct({ port: u32, pad: padding(4), ...counters, ethernet: ethernetErrors, ...age })
    : struct({
        length: extent,
        pad: padding(2),
        port: u32,
        ...age,
        ...counters,
        more: properties({ ethernet: property(0, prefixed(4, ethernetErrors)) }),
      }),
)

/** A request that names one port, or all by OFPP_ANY. */
export const portRequest = { port: padded(u32, 4) }
