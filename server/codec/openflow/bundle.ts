import type { Codec } from '#server/codec/wire/codec.ts'
import { list } from '#server/codec/wire/list.ts'
import { choice, padding, u16, u32 } from '#server/codec/wire/primitive.ts'
import { struct } from '#server/codec/wire/struct.ts'
import { element } from '#server/codec/wire/tagged.ts'

/** OFPBF_* bits. */
export const BUNDLE_FLAGS = { atomic: 1, ordered: 2 } as const

const COMMANDS = {
  ...{ open_request: 0, open_reply: 1, close_request: 2, close_reply: 3 },
  ...{ commit_request: 4, commit_reply: 5, discard_request: 6, discard_reply: 7 },
} as const

/** Opens, closes, commits or discards a bundle (OpenFlow 1.5.1, section 7.3.9.2); in 1.3 as the ONF's extension. */
export const bundleControl = struct({
  bundle: u32,
  command: choice(u16, COMMANDS),
  flags: u16,
  properties: list(element({ pad: 8 })),
})

/** A message put into a bundle (section 7.3.9.5). The message inside must have the xid of the one around it. */
export const bundleAdd = <M>(message: Codec<M>): Codec<{ bundle: number; flags: number; message: M }> =>
  struct({ bundle: u32, pad: padding(2), flags: u16, message }) as Codec<{ bundle: number; flags: number; message: M }>
