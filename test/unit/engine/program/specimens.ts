import type { entry, group } from '#server/engine/program/entry.ts'
import { type Action, type Instruction, PORT } from '#server/kernel/action.ts'
import { parseIp } from '#server/kernel/ip.ts'
import { parseMac } from '#server/kernel/mac.ts'
import type { FieldMatch } from '#server/kernel/match.ts'

/** A MAC or IP address as the number that a field holds. */
export function address(text: string): bigint {
  const read = /^..:..:..:..:..:..$/.test(text) ? parseMac(text) : parseIp(text)
  if (!read.ok) throw new Error(text)
  return typeof read.value === 'bigint' ? read.value : read.value.value
}

const f = (field: FieldMatch['field'], value: bigint | number | string, mask?: bigint | string): FieldMatch => {
  const number = (of: bigint | number | string) => (typeof of === 'string' ? address(of) : BigInt(of))
  return { field, value: number(value), ...(mask === undefined ? {} : { mask: number(mask) }) }
}
const set = (field: FieldMatch['field'], value: bigint | number | string, mask?: bigint | string): Action => ({
  type: 'set_field',
  ...f(field, value, mask),
})
const goto = (table: number): Instruction => ({ type: 'goto_table', table })
const apply = (...actions: Action[]): Instruction => ({ type: 'apply_actions', actions })
const copy = (from: FieldMatch['field'], to: FieldMatch['field'], bits: number, offsets = [0, 0]): Action => ({
  type: 'copy_field',
  ...{ from, from_offset: offsets[0] ?? 0, to, to_offset: offsets[1] ?? 0, bits },
})

const ARP = f('eth_type', 0x806)
const IP = f('eth_type', 0x800)
const IP6 = f('eth_type', 0x86dd)
const MAC = '52:54:00:1b:9c:02'

const MATCHES: readonly (readonly FieldMatch[])[] = [
  [f('in_port', 3), f('vlan_vid', 0)],
  [f('in_port', PORT.local), f('vlan_vid', 0x1064)],
  [f('vlan_vid', 0x1000n, 0x1000n)],
  [f('vlan_vid', 0x1001n, 0x1003n)],
  [f('vlan_vid', 0x1007), f('vlan_pcp', 3)],
  [f('metadata', 0x2775n, 0xffffffn), f('eth_dst', MAC)],
  [f('metadata', 0n), f('eth_dst', '01:00:00:00:00:00', '01:00:00:00:00:00')],
  [f('tunnel_id', 0x2775n), f('tun_src', '192.0.2.1'), f('tun_dst', '10.0.0.0', '255.0.255.0')],
  [f('reg0', 0), f('reg3', 0x10n, 0xf0n), f('pkt_mark', 3)],
  [
    ARP,
    f('arp_op', 1),
    f('arp_spa', '10.0.0.1'),
    f('arp_tpa', '10.0.0.0', '255.0.0.0'),
    f('arp_sha', MAC),
    f('arp_tha', 0),
  ],
  [IP, f('ipv4_src', '10.0.0.1'), f('ipv4_dst', '0.0.0.1', '0.0.0.255'), f('ip_dscp', 8), f('ip_ecn', 2)],
  [IP, f('ip_proto', 99)],
  [IP, f('ip_proto', 6), f('tcp_src', 0x10n, 0xfff0n), f('tcp_dst', 443), f('tcp_flags', 0x02n, 0x12n)],
  [IP, f('ip_proto', 6), f('tcp_flags', 0x12)],
  [IP, f('ip_proto', 17), f('udp_src', 67)],
  [IP, f('ip_proto', 132), f('sctp_dst', 80)],
  [IP, f('ip_proto', 1), f('icmpv4_type', 8), f('icmpv4_code', 0)],
  [IP6, f('ipv6_src', '2001:db8::', 'ffff:ffff::'), f('ipv6_dst', '::1'), f('ipv6_flabel', 5)],
  [IP6, f('ipv6_src', '2001:db8:0:0:1::1', 'ffff:ffff::1'), f('ipv6_dst', '::')],
  [IP6, f('ipv6_src', '::ffff:10.0.0.1'), f('ip_proto', 17), f('udp_src', 547), f('udp_dst', 0x50n, 0xf0n)],
  [IP6, f('ip_proto', 6), f('tcp_dst', 80)],
  [IP6, f('ip_proto', 58), f('icmpv6_type', 135), f('ipv6_nd_target', '2001:db8::1'), f('ipv6_nd_sll', MAC)],
  [IP6, f('ip_proto', 58), f('icmpv6_type', 136), f('ipv6_nd_target', 'fe80::1'), f('ipv6_nd_tll', 0)],
  [f('eth_type', 0x88cc)],
  [f('eth_type', 0x8847)],
  [f('eth_type', 0x8035)],
  [],
]

const ANSWER: Action[] = [
  copy('eth_src', 'eth_dst', 48),
  set('eth_src', MAC),
  set('arp_op', 2),
  copy('arp_sha', 'arp_tha', 48),
  copy('arp_spa', 'arp_tpa', 32),
  set('arp_sha', MAC),
  set('arp_spa', '10.0.0.1'),
  { type: 'output', port: PORT.in_port },
]

const INSTRUCTIONS: readonly { match: readonly FieldMatch[]; instructions: readonly Instruction[] }[] = [
  { match: [], instructions: [{ type: 'write_metadata', metadata: 0x2775n, mask: 0xffffffn }, goto(9)] },
  { match: [], instructions: [{ type: 'write_metadata', metadata: 0n, mask: (1n << 64n) - 1n }, goto(9)] },
  { match: [], instructions: [{ type: 'write_metadata', metadata: 0n, mask: 0n }, goto(9)] },
  { match: [f('vlan_vid', 0x1064)], instructions: [apply({ type: 'pop_vlan' }), goto(9)] },
  { match: [ARP], instructions: [apply(...ANSWER)] },
  {
    match: [],
    instructions: [apply({ type: 'push_vlan', ethertype: 0x8100 }, set('vlan_vid', 4097), { type: 'output', port: 1 })],
  },
  {
    match: [],
    instructions: [apply(set('tunnel_id', 0x2775), set('tun_dst', '192.0.2.2'), set('tun_src', '192.0.2.1'))],
  },
  { match: [], instructions: [apply({ type: 'group', group: 5 })] },
  {
    match: [],
    instructions: [
      apply(...[PORT.local, PORT.all, PORT.flood, PORT.normal].map((port) => ({ type: 'output' as const, port }))),
    ],
  },
  {
    match: [],
    instructions: [
      apply({ type: 'output', port: PORT.controller, max_len: 128 }, { type: 'output', port: PORT.controller }),
    ],
  },
  {
    match: [IP],
    instructions: [
      apply({ type: 'dec_nw_ttl' }, { type: 'set_nw_ttl', ttl: 3 }, { type: 'set_queue', queue: 3 }, set('ip_dscp', 2)),
      { type: 'clear_actions' },
      { type: 'write_actions', actions: [set('eth_src', MAC), { type: 'group', group: 5 }] },
      goto(9),
    ],
  },
  {
    match: [IP, f('ip_proto', 6)],
    instructions: [
      apply(
        ...[
          set('tcp_src', 80),
          set('ipv4_dst', '10.0.0.1'),
          set('ipv4_src', '10.0.0.0', '255.0.0.0'),
          set('ip_ecn', 1),
        ],
        ...[set('reg3', 5), set('reg4', 5n, 15n), set('metadata', 0), set('pkt_mark', 5), set('tcp_dst', 0)],
      ),
    ],
  },
  {
    match: [IP6, f('ip_proto', 58), f('icmpv6_type', 136)],
    instructions: [
      apply(
        ...[set('ipv6_nd_target', '2001:db8::1'), set('ipv6_nd_tll', MAC), set('ipv6_src', '2001:db8::1')],
        ...[set('icmpv6_type', 136), set('icmpv6_code', 1), set('ipv6_flabel', 5)],
      ),
    ],
  },
  { match: [IP, f('ip_proto', 1)], instructions: [apply(set('icmpv4_type', 8), set('icmpv4_code', 0))] },
  { match: [IP, f('ip_proto', 17)], instructions: [apply(set('udp_src', 8), set('udp_dst', 9))] },
  {
    match: [],
    instructions: [
      apply(copy('reg0', 'reg1', 16, [0, 16]), copy('metadata', 'reg1', 32), copy('eth_src', 'eth_dst', 1, [0, 1])),
    ],
  },
  {
    match: [f('vlan_vid', 0x1000n, 0x1000n)],
    instructions: [apply(set('vlan_vid', 0x1001n, 0x1003n), set('vlan_pcp', 3))],
  },
]

type EntryInput = Parameters<typeof entry>[0]

/** Entries that between them use every field, action and instruction that Open vSwitch 3.1 takes of those in the kernel. */
export const everyKindOfEntry: readonly EntryInput[] = [
  ...MATCHES.map((match, i): EntryInput => ({ table: 0, priority: 100 + i, match, instructions: [] })),
  ...INSTRUCTIONS.map(
    ({ match, instructions }, i): EntryInput => ({ table: 1, priority: 100 + i, match, instructions }),
  ),
  { table: 2, priority: 0x8000, match: [], instructions: [], cookie: 0x5701000000000001n },
  { table: 2, priority: 0x8000, match: [ARP], instructions: [], idle_timeout: 300, hard_timeout: 600, importance: 7 },
  { table: 2, priority: 0, match: [], instructions: [], flags: 0x1b },
]

type GroupInput = Parameters<typeof group>[0]

export const everyKindOfGroup: readonly GroupInput[] = [
  {
    group: 5,
    type: 'all',
    buckets: [
      { actions: [{ type: 'output', port: 1 }] },
      { actions: [{ type: 'push_vlan', ethertype: 0x8100 }, set('vlan_vid', 4097), { type: 'output', port: 2 }] },
      { actions: [set('tunnel_id', 0x2775), set('tun_dst', '192.0.2.2'), { type: 'output', port: 3 }] },
    ],
  },
  { group: 6, type: 'select', buckets: [{ weight: 5, actions: [{ type: 'output', port: 1 }] }, { actions: [] }] },
  {
    group: 7,
    type: 'fast_failover',
    buckets: [
      { watch_port: 1, actions: [{ type: 'output', port: 1 }] },
      { watch_group: 5, actions: [{ type: 'group', group: 5 }] },
    ],
  },
  { group: 8, type: 'indirect', buckets: [{ actions: [{ type: 'group', group: 5 }] }] },
  { group: 9, type: 'all', buckets: [] },
]
