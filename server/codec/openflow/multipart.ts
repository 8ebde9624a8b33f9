import { hexRest, text } from '#server/codec/wire/bytes.ts'
import type { Codec, Shape } from '#server/codec/wire/codec.ts'
import { list } from '#server/codec/wire/list.ts'
import { u32 } from '#server/codec/wire/primitive.ts'
import { type Reader, take } from '#server/codec/wire/reader.ts'
import { type Fields, struct } from '#server/codec/wire/struct.ts'
import { reserve, type Writer } from '#server/codec/wire/writer.ts'
import { aggregate, type FlowEntry, flowEntry, flowRequest, flowStats } from './flow.ts'
import { type GroupDesc, groupDesc, groupFeatures, groupRequest, groupStats } from './group.ts'
import type { MatchFields } from './match.ts'
import { meterDesc, meterFeatures, meterFeaturesLate, meterRequest, meterStats } from './meter.ts'
import { type FlowUpdate, flowUpdate, monitorRequest } from './monitor.ts'
import { type Port, type PortStats, port, portRequest, portStats } from './port.ts'
import { type Counters, oxs } from './stats.ts'
import { type TableFeatures, tableDesc, tableFeatures, tableStats } from './table.ts'
import { type PerVersion, perVersion, type Version } from './version.ts'

type Read<C> = C extends Codec<infer T> ? T : never
type Bodies = Readonly<Record<string, readonly [code: number, fields: Fields]>>

const desc = {
  manufacturer: text(256),
  hardware: text(256),
  software: text(256),
  serial: text(32),
  datapath: text(256),
}
const foreign = { experimenter: u32, subtype: u32, hex: hexRest }
const nothing = {}

interface FlowFilter extends MatchFields {
  readonly table: number
  readonly out_port: number
  readonly out_group: number
  readonly cookie: bigint
  readonly cookie_mask: bigint
}

/** What can be asked. A `port`, `group` or `meter` that the version's request does not carry is left out of it. */
export type MultipartRequest =
  | { readonly type: 'desc' | 'table' | 'group_features' | 'meter_features' | 'table_desc' }
  | ({ readonly type: 'flow' | 'aggregate' | 'flow_stats' } & FlowFilter)
  | { readonly type: 'port_stats'; readonly port: number }
  | { readonly type: 'port_desc'; readonly port?: number }
  | { readonly type: 'group'; readonly group: number }
  | { readonly type: 'group_desc'; readonly group?: number }
  | { readonly type: 'meter' | 'meter_desc'; readonly meter: number }
  | { readonly type: 'table_features'; readonly tables: readonly TableFeatures[] }
  | { readonly type: 'flow_monitor'; readonly monitors: readonly Read<typeof monitorRequest>[] }
  | Foreign

/** What is answered; lists go on in the next reply while `more` is set. */
export type MultipartReply =
  | ({ readonly type: 'desc' } & Record<keyof typeof desc, string>)
  | { readonly type: 'flow'; readonly flows: readonly FlowEntry[] }
  | ({ readonly type: 'aggregate' } & Counters)
  | { readonly type: 'flow_stats'; readonly flows: readonly Read<typeof flowStats>[] }
  | { readonly type: 'table'; readonly tables: readonly Read<typeof tableStats>[] }
  | { readonly type: 'port_stats'; readonly ports: readonly PortStats[] }
  | { readonly type: 'port_desc'; readonly ports: readonly Port[] }
  | { readonly type: 'group'; readonly groups: readonly Read<typeof groupStats>[] }
  | { readonly type: 'group_desc'; readonly groups: readonly GroupDesc[] }
  | ({ readonly type: 'group_features'; readonly types: number; readonly capabilities: number } & {
      readonly max_groups: readonly number[]
      readonly actions: readonly number[]
    })
  | { readonly type: 'meter'; readonly meters: readonly Read<typeof meterStats>[] }
  | { readonly type: 'meter_desc'; readonly meters: readonly Read<typeof meterDesc>[] }
  | ({ readonly type: 'meter_features'; readonly max_meter: number; readonly band_types: number } & {
      readonly capabilities: number
      readonly max_bands: number
      readonly max_color: number
      readonly features?: number
    })
  | { readonly type: 'table_desc'; readonly tables: readonly Read<typeof tableDesc>[] }
  | { readonly type: 'table_features'; readonly tables: readonly TableFeatures[] }
  | { readonly type: 'flow_monitor'; readonly updates: readonly FlowUpdate[] }
  | Foreign

type Foreign =
  | { readonly type: 'experimenter'; readonly experimenter: number; readonly subtype: number; readonly hex: string }
  | { readonly type: 'unknown'; readonly code: number; readonly hex: string }

const requests = (v: Version): Bodies => ({
  desc: [0, nothing],
  flow: [1, flowRequest],
  aggregate: [2, flowRequest],
  table: [3, nothing],
  port_stats: [4, portRequest],
  group: [6, groupRequest],
  group_desc: [7, v === 6 ? groupRequest : nothing],
  group_features: [8, nothing],
  meter: [9, meterRequest],
  meter_desc: [10, meterRequest],
  meter_features: [11, nothing],
  table_features: [12, { tables: list(tableFeatures[v]) }],
  port_desc: [13, v === 6 ? portRequest : nothing],
  ...(v > 4 && { table_desc: [14, nothing], flow_monitor: [16, { monitors: list(monitorRequest) }] }),
  ...(v === 6 && { flow_stats: [17, flowRequest] }),
  experimenter: [0xffff, foreign],
})

const replies = (v: Version): Bodies => ({
  desc: [0, desc],
  flow: [1, { flows: list(flowEntry[v]) }],
  aggregate: [2, v === 6 ? { stats: oxs } : aggregate],
  table: [3, { tables: list(tableStats) }],
  port_stats: [4, { ports: list(portStats[v]) }],
  group: [6, { groups: list(groupStats) }],
  group_desc: [7, { groups: list(groupDesc[v]) }],
  group_features: [8, groupFeatures],
  meter: [9, { meters: list(meterStats) }],
  meter_desc: [10, { meters: list(meterDesc) }],
  meter_features: [11, v === 6 ? meterFeaturesLate : meterFeatures],
  table_features: [12, { tables: list(tableFeatures[v]) }],
  port_desc: [13, { ports: list(port[v]) }],
  ...(v > 4 && {
    table_desc: [14, { tables: list(tableDesc) }],
    flow_monitor: [16, { updates: list(flowUpdate[v]) }],
  }),
  ...(v === 6 && { flow_stats: [17, { flows: list(flowStats) }] }),
  experimenter: [0xffff, foreign],
})

interface Multipart<B> {
  /** The next message of the same xid goes on with the same list. */
  readonly more: boolean
  readonly body: B
}

type Body = { readonly type: string; readonly code?: number; readonly hex?: string }
const UNKNOWN: Shape = {
  kind: 'struct',
  fields: [
    { name: 'type', shape: { kind: 'literal', value: 'unknown' } },
    { name: 'code', shape: { kind: 'uint', bits: 16 } },
    { name: 'hex', shape: { kind: 'hex' } },
  ],
}

/** Header of a multipart message (OpenFlow 1.5.1, section 7.3.5): kind, flags, then a body by the kind. */
function multipart<B>(bodies: Bodies): Codec<Multipart<B>> {
  const entries = Object.entries(bodies).map(([name, [code, fields]]) => ({
    code,
    name,
    codec: struct(fields, name) as Codec<unknown> as Codec<Body>,
  }))
  const byCode = new Map(entries.map((e) => [e.code, e]))
  const byName = new Map(entries.map((e) => [e.name, e]))
  const variants = new Map(entries.map((e): [string, Shape] => [e.name, e.codec.shape]))
  const body: Shape = { kind: 'union', variants: variants.set('unknown', UNKNOWN) }

  function read(r: Reader): Multipart<Body> {
    const at = take(r, 8)
    const code = r.view.getUint16(at)
    const more = (r.view.getUint16(at + 2) & 1) === 1
    const entry = byCode.get(code)
    return { more, body: entry ? entry.codec.read(r) : { type: 'unknown', code, hex: hexRest.read(r) } }
  }

  function write(w: Writer, { more, body }: Multipart<Body>): void {
    const entry = byName.get(body.type)
    const at = reserve(w, 8)
    w.view.setUint16(at, entry?.code ?? body.code ?? 0)
    w.view.setUint16(at + 2, more ? 1 : 0)
    w.view.setUint32(at + 4, 0)
    if (entry) entry.codec.write(w, body)
    else hexRest.write(w, body.hex ?? '')
  }

  const fields = [
    { name: 'more', shape: { kind: 'boolean' } as Shape },
    { name: 'body', shape: body },
  ]
  return { shape: { kind: 'struct', fields }, read, write } as Codec<unknown> as Codec<Multipart<B>>
}

export const multipartRequest: PerVersion<Multipart<MultipartRequest>> = perVersion((v) => multipart(requests(v)))
export const multipartReply: PerVersion<Multipart<MultipartReply>> = perVersion((v) => multipart(replies(v)))
