import type { Codec } from '#server/codec/wire/codec.ts'
import { list } from '#server/codec/wire/list.ts'
import { choice, extent, padding, u8, u16, u32, x64 } from '#server/codec/wire/primitive.ts'
import { fault, type Reader } from '#server/codec/wire/reader.ts'
import { struct } from '#server/codec/wire/struct.ts'
import type { Writer } from '#server/codec/wire/writer.ts'
import type { Instruction } from '#server/kernel/action.ts'
import { instruction } from './action.ts'
import { type MatchFields, match } from './match.ts'
import { perVersion } from './version.ts'

/** OFPFMF_* bits: what a flow monitor reports. */
export const MONITOR_FLAGS = {
  initial: 1,
  add: 2,
  removed: 4,
  modify: 8,
  instructions: 16,
  no_abbrev: 32,
  only_own: 64,
} as const

/** One monitor (OpenFlow 1.5.1, section 7.3.5.18.1). `out_port` and `out_group` ANY take all. */
export const monitorRequest = struct({
  monitor: u32,
  out_port: u32,
  out_group: u32,
  flags: u16,
  table: u8,
  command: choice(u8, { add: 0, modify: 1, delete: 2 }),
  match,
})

const REASONS = { idle_timeout: 0, hard_timeout: 1, delete: 2, group_delete: 3, meter_delete: 4, eviction: 5 } as const

interface FullUpdate extends MatchFields {
  readonly type: 'initial' | 'added' | 'removed' | 'modified'
  readonly table: number
  readonly reason: keyof typeof REASONS | number
  readonly idle_timeout: number
  readonly hard_timeout: number
  readonly priority: number
  readonly cookie: bigint
  readonly instructions: readonly Instruction[]
}

/** What happened to an entry; `abbreviated` stands for a change by this controller's own message `xid`. */
export type FlowUpdate =
  | FullUpdate
  | { readonly type: 'abbreviated'; readonly xid: number }
  | { readonly type: 'paused' | 'resumed' }

const EVENTS = ['initial', 'added', 'removed', 'modified', 'abbreviated', 'paused', 'resumed'] as const

const full = (type: string, instructions: Codec<readonly Instruction[]>): Codec<FlowUpdate> =>
  struct(
    {
      length: extent,
      event: constant(type),
      table: u8,
      reason: choice(u8, REASONS),
      idle_timeout: u16,
      hard_timeout: u16,
      priority: u16,
      pad: padding(4),
      cookie: x64,
      match,
      instructions,
    },
    type,
  ) as Codec<unknown> as Codec<FlowUpdate>

/** The event number, which the value has as its `type`. */
function constant(type: string) {
  const code = EVENTS.indexOf(type as (typeof EVENTS)[number])
  return { ...padding(2), inline: { size: 2, read: () => '', write: (at: string) => `view.setUint16(${at}, ${code})` } }
}

/** One update of a flow monitor (section 7.3.5.18.2). Its length comes before its event. */
export const flowUpdate = perVersion<FlowUpdate>((version) => {
  const instructions = list(instruction[version])
  const codecs = EVENTS.map((type): Codec<FlowUpdate> => {
    const head = { length: extent, event: constant(type) }
    if (type === 'abbreviated') return struct({ ...head, xid: u32 }, type) as Codec<unknown> as Codec<FlowUpdate>
    if (type === 'paused' || type === 'resumed')
      return struct({ ...head, pad: padding(4) }, type) as Codec<unknown> as Codec<FlowUpdate>
    return full(type, instructions)
  })
  return {
    shape: {
      kind: 'union',
      variants: new Map(EVENTS.map((type, i) => [type, (codecs[i] as Codec<FlowUpdate>).shape])),
    },
    read: (r: Reader) => {
      if (r.end - r.at < 4) fault('truncated', r.at, 'a flow update has 4 bytes at least')
      const event = r.view.getUint16(r.at + 2)
      const codec = codecs[event] ?? fault('value', r.at + 2, `flow update event ${event}`)
      return codec.read(r)
    },
    write: (w: Writer, value: FlowUpdate) => (codecs[EVENTS.indexOf(value.type)] as Codec<FlowUpdate>).write(w, value),
  }
})
