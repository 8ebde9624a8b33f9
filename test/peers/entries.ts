import fc from 'fast-check'
import { FLOW_FLAGS } from '#server/codec/openflow/flow.ts'
import { type Entry, entry, type Group, type GroupType, group } from '#server/engine/program/entry.ts'
import { type Action, type Instruction, PORT } from '#server/kernel/action.ts'
import { FIELDS, type FieldName } from '#server/kernel/field.ts'
import { type FieldMatch, fullMask } from '#server/kernel/match.ts'

/** A kind of packet: what a match must say first, and the further fields that it may then name. */
interface Layer {
  readonly needs: readonly FieldMatch[]
  readonly fields: readonly FieldName[]
}

const ALWAYS: readonly FieldName[] = [
  ...(['in_port', 'metadata', 'tunnel_id', 'tun_src', 'tun_dst', 'pkt_mark', 'eth_dst', 'eth_src'] as const),
  ...(['reg0', 'reg1', 'reg2', 'reg3', 'reg4', 'reg5', 'reg6', 'reg7'] as const),
]
const is = (field: FieldName, value: number): FieldMatch => ({ field, value: BigInt(value) })
const layer = (needs: readonly FieldMatch[], fields: readonly FieldName[]): Layer => ({ needs, fields })

const ANY_IP = ['ip_dscp', 'ip_ecn'] as const
const IPV4 = [...ANY_IP, 'ipv4_src', 'ipv4_dst'] as const
const IPV6 = [...ANY_IP, 'ipv6_src', 'ipv6_dst', 'ipv6_flabel'] as const
const ipv4 = (protocol: number, fields: readonly FieldName[]) =>
  layer([is('eth_type', 0x0800), is('ip_proto', protocol)], [...IPV4, ...fields])
const ipv6 = (protocol: number, fields: readonly FieldName[]) =>
  layer([is('eth_type', 0x86dd), is('ip_proto', protocol)], [...IPV6, ...fields])
const nd = (type: number, option: FieldName) =>
  layer(
    [is('eth_type', 0x86dd), is('ip_proto', 58), is('icmpv6_type', type), is('icmpv6_code', 0)],
    [...IPV6, 'ipv6_nd_target', option],
  )

const LAYERS: Readonly<Record<string, Layer>> = {
  any: layer([], []),
  ethertype: layer([is('eth_type', 0x88b5)], []),
  arp: layer([is('eth_type', 0x0806)], ['arp_op', 'arp_spa', 'arp_tpa', 'arp_sha', 'arp_tha']),
  ipv4: layer([is('eth_type', 0x0800)], IPV4),
  ipv6: layer([is('eth_type', 0x86dd)], IPV6),
  gre: ipv4(47, []),
  tcp: ipv4(6, ['tcp_src', 'tcp_dst', 'tcp_flags']),
  udp: ipv4(17, ['udp_src', 'udp_dst']),
  sctp: ipv4(132, ['sctp_src', 'sctp_dst']),
  icmp: ipv4(1, ['icmpv4_type', 'icmpv4_code']),
  tcp6: ipv6(6, ['tcp_src', 'tcp_dst', 'tcp_flags']),
  udp6: ipv6(17, ['udp_src', 'udp_dst']),
  sctp6: ipv6(132, ['sctp_src', 'sctp_dst']),
  icmp6: ipv6(58, ['icmpv6_type', 'icmpv6_code']),
  solicitation: nd(135, 'ipv6_nd_sll'),
  advertisement: nd(136, 'ipv6_nd_tll'),
}

/** A switch port, or the bridge's own. */
const ports = fc.oneof(fc.integer({ min: 1, max: 0xfeff }), fc.constant(PORT.local))

/** A value that a switch takes for a field: some fields have fewer than their bits would allow. */
function values(field: FieldName): fc.Arbitrary<bigint> {
  if (field === 'in_port') return ports.map(BigInt)
  if (field === 'arp_op') return fc.bigInt(0n, 255n)
  return fc.bigInt(0n, fullMask(field))
}

const masks = (field: FieldName): fc.Arbitrary<bigint | undefined> =>
  FIELDS[field].maskable ? fc.option(fc.bigInt(0n, fullMask(field)), { nil: undefined }) : fc.constant(undefined)

const fieldMatch = (field: FieldName): fc.Arbitrary<FieldMatch> =>
  fc
    .tuple(values(field), masks(field))
    .map(([value, mask]) => ({ field, value, ...(mask === undefined ? {} : { mask }) }))

const PRESENT = 0x1000n
const vid = fc.bigInt(0n, 0xfffn)
const pcp = fc.option(fc.bigInt(0n, 7n), { nil: undefined })
const tagged = fc
  .tuple(vid, fc.option(vid, { nil: undefined }), pcp)
  .map(([value, mask, priority]): FieldMatch[] => [
    { field: 'vlan_vid', value: PRESENT | value, ...(mask === undefined ? {} : { mask: PRESENT | mask }) },
    ...(priority === undefined ? [] : [{ field: 'vlan_pcp', value: priority } as const]),
  ])
/** Nothing about tags, no tag, or a tag of some kind. */
const tags = fc.oneof(
  fc.constant<FieldMatch[]>([]),
  fc.constant<FieldMatch[]>([{ field: 'vlan_vid', value: 0n }]),
  tagged,
)

/** Fields that no action may set. */
const FIXED: readonly FieldName[] = ['in_port', 'eth_type', 'ip_proto', 'tcp_flags']

const setField = (field: FieldName): fc.Arbitrary<Action> => {
  const value = field === 'vlan_vid' ? vid.map((v) => PRESENT | v) : values(field)
  const mask = field === 'vlan_vid' ? fc.constant(undefined) : masks(field).filter((m) => m !== 0n)
  return fc
    .tuple(value, mask)
    .map(([v, m]): Action => ({ type: 'set_field', field, value: v, ...(m === undefined ? {} : { mask: m }) }))
}

const COPYABLE = ['metadata', 'reg0', 'reg3', 'eth_src', 'eth_dst', 'tunnel_id'] as const
const copyField: fc.Arbitrary<Action> = fc
  .tuple(fc.constantFrom(...COPYABLE), fc.constantFrom(...COPYABLE), fc.integer({ min: 1, max: 32 }))
  .chain(([from, to, bits]) =>
    fc
      .tuple(fc.integer({ min: 0, max: FIELDS[from].bits - bits }), fc.integer({ min: 0, max: FIELDS[to].bits - bits }))
      .map(([from_offset, to_offset]): Action => ({ type: 'copy_field', from, from_offset, to, to_offset, bits })),
  )

const RESERVED = [PORT.in_port, PORT.normal, PORT.flood, PORT.all, PORT.local] as const
const output: fc.Arbitrary<Action> = fc.oneof(
  fc.integer({ min: 1, max: 0xfeff }).map((port): Action => ({ type: 'output', port })),
  fc.constantFrom(...RESERVED).map((port): Action => ({ type: 'output', port })),
  fc.integer({ min: 0, max: 0xffff }).map((max_len): Action => ({ type: 'output', port: PORT.controller, max_len })),
)

/** Groups that actions may name; they must be in the switch. */
export const GROUPS = [1, 2, 0xfffffeff] as const

function anyAction(fields: readonly FieldName[], ip: boolean): fc.Arbitrary<Action> {
  const settable = fields.filter((field) => !FIXED.includes(field))
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<FieldName>(...settable, 'vlan_vid', 'vlan_pcp').chain(setField) },
    { weight: 2, arbitrary: output },
    copyField,
    fc.integer({ min: 0, max: 1000 }).map((queue): Action => ({ type: 'set_queue', queue })),
    fc.constantFrom(...GROUPS).map((group): Action => ({ type: 'group', group })),
    fc.constantFrom(0x8100, 0x88a8).map((ethertype): Action => ({ type: 'push_vlan', ethertype })),
    fc.constant<Action>({ type: 'pop_vlan' }),
    ...(ip
      ? [
          fc.constant<Action>({ type: 'dec_nw_ttl' }),
          fc.integer({ min: 0, max: 255 }).map((ttl): Action => ({ type: 'set_nw_ttl', ttl })),
        ]
      : []),
  )
}

/** Leaves out what needs a tag while there is none, and a second tag: Open vSwitch takes one unless told otherwise. */
function withinTags(actions: readonly Action[], isTagged: boolean): { kept: Action[]; tagged: boolean } {
  let has = isTagged
  const kept = actions.filter((action) => {
    if (action.type !== 'push_vlan' && action.type !== 'pop_vlan')
      return has || action.type !== 'set_field' || !action.field.startsWith('vlan_')
    const pushes = action.type === 'push_vlan'
    if (pushes === has) return false
    has = pushes
    return true
  })
  return { kept, tagged: has }
}

interface Content {
  readonly match: readonly FieldMatch[]
  readonly apply: readonly Action[]
  readonly write: readonly Action[]
}

const contents: fc.Arbitrary<Content> = fc.constantFrom(...Object.values(LAYERS)).chain(({ needs, fields }) => {
  const named = new Set(needs.map(({ field }) => field))
  const more = [...ALWAYS, ...fields].filter((field) => !named.has(field))
  const allowed = [...ALWAYS, ...fields, ...named]
  const ip = needs[0]?.value === 0x800n || needs[0]?.value === 0x86ddn
  const actions = fc.array(anyAction(allowed, ip), { maxLength: 6 })
  return fc
    .tuple(fc.subarray([...more], { maxLength: 6 }), tags, actions, actions)
    .chain(([chosen, tag, apply, write]) =>
      fc.tuple(...chosen.map(fieldMatch)).map((found) => {
        const isTagged = tag[0] !== undefined && tag[0].value !== 0n
        const applied = withinTags(apply, isTagged)
        const written = withinTags(write, applied.tagged)
        return { match: [...tag, ...found, ...needs], apply: applied.kept, write: written.kept }
      }),
    )
})

const instructions = ({ apply, write }: Content, table: number): fc.Arbitrary<Instruction[]> =>
  fc
    .record({
      clear: fc.boolean(),
      metadata: fc.option(fc.tuple(fc.bigInt(0n, fullMask('metadata')), fc.bigInt(1n, fullMask('metadata'))), {
        nil: undefined,
      }),
      next: fc.option(fc.integer({ min: table + 1, max: 253 }), { nil: undefined }),
    })
    .map(({ clear, metadata, next }) => [
      ...(apply.length > 0 ? [{ type: 'apply_actions', actions: apply } as const] : []),
      ...(clear ? [{ type: 'clear_actions' } as const] : []),
      ...(write.length > 0 ? [{ type: 'write_actions', actions: write } as const] : []),
      ...(metadata ? [{ type: 'write_metadata', metadata: metadata[0], mask: metadata[1] } as const] : []),
      ...(next === undefined ? [] : [{ type: 'goto_table', table: next } as const]),
    ])

const COUNT_FLAGS = [
  0,
  FLOW_FLAGS.send_flow_rem,
  FLOW_FLAGS.no_pkt_counts,
  FLOW_FLAGS.no_pkt_counts | FLOW_FLAGS.no_byt_counts,
] as const

const settings = fc.record({
  priority: fc.integer({ min: 0, max: 0xffff }),
  // All ones is reserved in the wire.
  cookie: fc.bigInt(0n, (1n << 64n) - 2n),
  idle_timeout: fc.constantFrom(0, 0, 1000, 0xffff),
  hard_timeout: fc.constantFrom(0, 0, 1000, 0xffff),
  flags: fc.constantFrom(...COUNT_FLAGS),
  importance: fc.integer({ min: 0, max: 0xffff }),
})

/** Any entry that Weft may write: every field, every action, within what they require. */
export const entries: fc.Arbitrary<Entry> = fc
  .tuple(contents, fc.integer({ min: 0, max: 252 }), settings)
  .chain(([content, table, set]) =>
    instructions(content, table).map((list) => entry({ table, match: content.match, instructions: list, ...set })),
  )

const bucketActions = fc
  .array(anyAction(ALWAYS, false), { maxLength: 4 })
  .map((actions) => withinTags(actions, false).kept)
const bucket = fc.record({ weight: fc.integer({ min: 0, max: 0xffff }), actions: bucketActions })
const watching = fc.tuple(bucket, ports).map(([one, watch_port]) => ({ ...one, watch_port }))

/** Any group that Weft may write, above the numbers of `GROUPS`. */
export const groups: fc.Arbitrary<Group> = fc
  .tuple(
    fc.integer({ min: 3, max: 0xfffffefe }),
    fc.constantFrom<GroupType>('all', 'select', 'indirect', 'fast_failover'),
  )
  .chain(([number, type]) => {
    const size = type === 'indirect' ? { minLength: 1, maxLength: 1 } : { maxLength: 5 }
    const buckets = fc.array(type === 'fast_failover' ? watching : bucket, size)
    return buckets.map((list) => group({ group: number, type, buckets: list }))
  })
