import type { Codec } from '#server/codec/wire/codec.ts'
import { list } from '#server/codec/wire/list.ts'
import { u32 } from '#server/codec/wire/primitive.ts'
import { struct } from '#server/codec/wire/struct.ts'
import { tagged, variant } from '#server/codec/wire/tagged.ts'

/** Hello (OpenFlow 1.5.1, section 7.5.1). Bit n of bitmap i stands for version 32 i + n. */
export const hello = struct({
  elements: list(tagged({ versions: variant(1, { bitmaps: list(u32) }) }, { pad: 8 })),
})

export type Hello = typeof hello extends Codec<infer T> ? T : never

/** What we say of ourselves: the versions given, as one bitmap. */
export const helloOf = (versions: readonly number[]): Hello => ({
  elements: [{ type: 'versions', bitmaps: [versions.reduce((map, v) => (map | (1 << v)) >>> 0, 0)] }],
})

/** The highest version that we speak and the peer does, by its bitmap or else by its header (section 6.3.1). */
export function negotiate(ours: readonly number[], theirs: { version: number } & Hello): number | undefined {
  const bitmaps = theirs.elements.find((e) => e.type === 'versions')?.bitmaps
  const common = bitmaps
    ? ours.filter((v) => (((bitmaps[v >>> 5] ?? 0) >>> (v & 31)) & 1) === 1)
    : ours.filter((v) => v === Math.min(theirs.version, Math.max(...ours)))
  return common.length > 0 ? Math.max(...common) : undefined
}
