import type { FieldShape, Spread } from '#server/codec/wire/codec.ts'
import { list } from '#server/codec/wire/list.ts'
import { choice, extent, padded, padding, u8, u16, u32, u64 } from '#server/codec/wire/primitive.ts'
import { struct } from '#server/codec/wire/struct.ts'
import { tagged, variant } from '#server/codec/wire/tagged.ts'

const limits = { rate: u32, burst: u32 }

/** What happens above a rate (OpenFlow 1.5.1, section 7.3.4.5.1); units follow the meter's flags. */
const bands = list(
  tagged({
    drop: variant(1, { ...limits, pad: padding(4) }),
    dscp_remark: variant(2, { ...limits, prec_level: u8, pad: padding(3) }),
    experimenter: variant(0xffff, { ...limits, experimenter: u32 }),
  }),
)

/** Adds, changes or deletes a meter (section 7.3.4.5). */
export const meterMod = struct({
  command: choice(u16, { add: 0, modify: 1, delete: 2 }),
  flags: u16,
  meter: u32,
  bands,
})

/** ofp_meter_desc (section 7.3.5.14). */
export const meterDesc = struct({ length: extent, flags: u16, meter: u32, bands })

/** ofp_meter_stats (section 7.3.5.13). `ref_count` is the number of entries before 1.5. */
export const meterStats = struct({
  meter: u32,
  length: extent,
  pad: padding(6),
  ref_count: u32,
  packet_in_count: u64,
  byte_in_count: u64,
  duration_sec: u32,
  duration_nsec: u32,
  bands: list(struct({ packet_count: u64, byte_count: u64 })),
})

/** Limits of meters (section 7.3.5.15); 1.5 adds `features`. */
export const meterFeatures = {
  max_meter: u32,
  band_types: u32,
  capabilities: u32,
  max_bands: u8,
  max_color: u8,
  pad: padding(2),
}

const featuresField: readonly FieldShape[] = [{ name: 'features', shape: { kind: 'uint', bits: 32 }, optional: true }]

/** Open vSwitch 3.1 answers 1.5 in the shorter structure of 1.3. */
const features: Spread<{ readonly features?: number }> = {
  shape: { kind: 'struct', fields: featuresField },
  spread: featuresField,
  read: (r) => (r.at === r.end ? {} : { features: padded(u32, 4).read(r) }),
  write: (w, value) => {
    if (value.features !== undefined) padded(u32, 4).write(w, value.features)
  },
}
export const meterFeaturesLate = { ...meterFeatures, features }

/** A request that names one meter, or all by OFPM_ALL. */
export const meterRequest = { meter: padded(u32, 4) }
