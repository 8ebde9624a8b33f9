import { hexRest, text } from '#server/codec/wire/bytes.ts'
import type { Codec } from '#server/codec/wire/codec.ts'
import { list } from '#server/codec/wire/list.ts'
import { choice, extent, padding, u8, u32, u64, x64 } from '#server/codec/wire/primitive.ts'
import { struct } from '#server/codec/wire/struct.ts'
import { element, tagged, variant } from '#server/codec/wire/tagged.ts'
import { perVersion } from './version.ts'

/** ofp_table_stats (OpenFlow 1.5.1, section 7.3.5.5). */
export const tableStats = struct({
  table: u8,
  pad: padding(3),
  active_count: u32,
  lookup_count: u64,
  matched_count: u64,
})

/** ofp_table_desc, since 1.4 (section 7.3.5.17). */
export const tableDesc = struct({
  length: extent,
  table: u8,
  pad: padding(1),
  config: u32,
  properties: list(element({ pad: 8 })),
})

/** Configures a table (section 7.3.4.4). */
export const tableMod = perVersion<{ table: number; config: number; properties?: readonly string[] }>((version) => {
  const head = { table: u8, pad: padding(3), config: u32 }
  return version === 4 ? struct(head) : struct({ ...head, properties: list(element({ pad: 8 })) })
})

/** A table's vacancy crossed its mark (section 7.4.6). */
export const tableStatus = struct({
  reason: choice(u8, { vacancy_down: 3, vacancy_up: 4 }),
  pad: padding(7),
  table: tableDesc,
})

const ids = { ids: hexRest }
const tables = { tables: list(u8) }

/** Properties of ofp_table_features (section 7.3.5.18): lists of tables as numbers, other ids as bytes. */
const property = tagged(
  {
    instructions: variant(0, ids),
    instructions_miss: variant(1, ids),
    next_tables: variant(2, tables),
    next_tables_miss: variant(3, tables),
    write_actions: variant(4, ids),
    write_actions_miss: variant(5, ids),
    apply_actions: variant(6, ids),
    apply_actions_miss: variant(7, ids),
    match: variant(8, ids),
    wildcards: variant(10, ids),
    write_setfield: variant(12, ids),
    write_setfield_miss: variant(13, ids),
    apply_setfield: variant(14, ids),
    apply_setfield_miss: variant(15, ids),
    table_sync_from: variant(16, tables),
    write_copyfield: variant(18, ids),
    write_copyfield_miss: variant(19, ids),
    apply_copyfield: variant(20, ids),
    apply_copyfield_miss: variant(21, ids),
  },
  { pad: 8 },
)

type Properties = typeof property extends Codec<infer T> ? readonly T[] : never

export interface TableFeatures {
  readonly table: number
  /** 1.5. */
  readonly command?: number
  readonly features?: number
  readonly name: string
  readonly metadata_match: bigint
  readonly metadata_write: bigint
  /** `capabilities` of 1.5, `config` before. */
  readonly config: number
  readonly max_entries: number
  readonly properties: Properties
}

/** ofp_table_features (section 7.3.5.18). */
export const tableFeatures = perVersion<TableFeatures>((version) => {
  const tail = {
    name: text(32),
    metadata_match: x64,
    metadata_write: x64,
    config: u32,
    max_entries: u32,
    properties: list(property),
  }
  return version === 6
    ? struct({ length: extent, table: u8, command: u8, features: u32, ...tail })
    : struct({ length: extent, table: u8, pad: padding(5), ...tail })
})
