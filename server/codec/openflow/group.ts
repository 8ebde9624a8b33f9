import type { Codec } from '#server/codec/wire/codec.ts'
import { list, repeat } from '#server/codec/wire/list.ts'
import { choice, extent, lengthOf, padded, padding, u8, u16, u32, u64 } from '#server/codec/wire/primitive.ts'
import { type Extra, properties, property } from '#server/codec/wire/properties.ts'
import { struct } from '#server/codec/wire/struct.ts'
import { element } from '#server/codec/wire/tagged.ts'
import type { Action } from '#server/kernel/action.ts'
import { action } from './action.ts'
import { perVersion } from './version.ts'

export const GROUP_TYPES = { all: 0, select: 1, indirect: 2, fast_failover: 3 } as const
const GROUP_COMMANDS = { add: 0, modify: 1, delete: 2, insert_bucket: 3, remove_bucket: 5 } as const
/** Reserved group numbers. */
export const GROUP = { all: 0xfffffffc, any: 0xffffffff } as const
/** Reserved bucket numbers (1.5). */
export const BUCKET = { first: 0xfffffffd, last: 0xfffffffe, all: 0xffffffff } as const

/**
 * One bucket. 1.3 and 1.4 always carry weight, watch port and watch group (absent is written as 0, ANY and ANY);
 * 1.5 carries them as properties, and a bucket id.
 */
interface WireBucket {
  readonly bucket_id?: number
  readonly weight?: number
  readonly watch_port?: number
  readonly watch_group?: number
  readonly actions: readonly Action[]
  readonly properties?: readonly Extra[]
}

const ANY = 0xffffffff

interface FixedBucket {
  readonly weight: number
  readonly watch_port: number
  readonly watch_group: number
  readonly actions: readonly Action[]
}

/** Before 1.5, ANY stands for "watches nothing". */
function plain(fixed: Codec<FixedBucket>): Codec<WireBucket> {
  if (fixed.shape.kind !== 'struct') throw new TypeError('a bucket is a struct')
  const fields = fixed.shape.fields.map((f) => ({ ...f, optional: f.name.startsWith('watch_') || f.name === 'weight' }))
  return {
    shape: { kind: 'refined', name: 'fixed_bucket', of: { kind: 'struct', fields }, check: () => undefined },
    read: (r) => {
      const { weight, watch_port, watch_group, actions } = fixed.read(r)
      const out: { -readonly [K in keyof WireBucket]: WireBucket[K] } = { weight, actions }
      if (watch_port !== ANY) out.watch_port = watch_port
      if (watch_group !== ANY) out.watch_group = watch_group
      return out
    },
    write: (w, { weight = 0, watch_port = ANY, watch_group = ANY, actions }) =>
      fixed.write(w, { weight, watch_port, watch_group, actions }),
  }
}

const bucket = perVersion<WireBucket>((version) =>
  version === 6
    ? struct({
        length: extent,
        actions_length: lengthOf('actions'),
        bucket_id: u32,
        actions: list(action(6)),
        more: properties({
          weight: property(0, padded(u16, 2)),
          watch_port: property(1, u32),
          watch_group: property(2, u32),
        }),
      })
    : plain(
        struct({
          length: extent,
          weight: u16,
          watch_port: u32,
          watch_group: u32,
          pad: padding(4),
          actions: list(action(version)),
        }),
      ),
)

interface GroupMod {
  readonly command: keyof typeof GROUP_COMMANDS | number
  readonly group_type: keyof typeof GROUP_TYPES | number
  readonly group: number
  /** 1.5: where `insert_bucket` and `remove_bucket` act; BUCKET.all otherwise. */
  readonly command_bucket_id?: number
  readonly buckets: readonly WireBucket[]
  readonly properties?: readonly string[]
}

const groupProperties = list(element({ pad: 8 }))

/** Adds, changes or deletes a group (OpenFlow 1.5.1, section 7.3.4.2). */
export const groupMod = perVersion<GroupMod>((version) => {
  const head = {
    command: choice(u16, GROUP_COMMANDS),
    group_type: choice(u8, GROUP_TYPES),
    pad: padding(1),
    group: u32,
  }
  if (version !== 6) return struct({ ...head, buckets: list(bucket[version]) })
  return struct({
    ...head,
    buckets_length: lengthOf('buckets'),
    gap: padding(2),
    command_bucket_id: u32,
    buckets: list(bucket[6]),
    properties: groupProperties,
  })
})

export interface GroupDesc {
  readonly group_type: keyof typeof GROUP_TYPES | number
  readonly group: number
  readonly buckets: readonly WireBucket[]
  readonly properties?: readonly string[]
}

/** ofp_group_desc (section 7.3.5.10). */
export const groupDesc = perVersion<GroupDesc>((version) => {
  const head = { length: extent, group_type: choice(u8, GROUP_TYPES), pad: padding(1), group: u32 }
  if (version !== 6) return struct({ ...head, buckets: list(bucket[version]) })
  return struct({
    ...head,
    buckets_length: lengthOf('buckets'),
    gap: padding(6),
    buckets: list(bucket[6]),
    properties: groupProperties,
  })
})

/** ofp_group_stats (section 7.3.5.9). */
export const groupStats = struct({
  length: extent,
  pad: padding(2),
  group: u32,
  ref_count: u32,
  gap: padding(4),
  packet_count: u64,
  byte_count: u64,
  duration_sec: u32,
  duration_nsec: u32,
  buckets: list(struct({ packet_count: u64, byte_count: u64 })),
})

/** Lists are by group type: all, select, indirect, fast_failover (section 7.3.5.11). */
export const groupFeatures = {
  types: u32,
  capabilities: u32,
  max_groups: repeat(4, u32),
  actions: repeat(4, u32),
}

/** A request that names one group, or all by GROUP.all. */
export const groupRequest = { group: padded(u32, 4) }
