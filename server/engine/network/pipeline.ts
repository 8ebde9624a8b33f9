import type { Action } from '#server/kernel/action.ts'
import type { FieldMatch } from '#server/kernel/match.ts'
import type { Block, PartInstruction, TableName } from '../capability.ts'
import type { Network } from './model.ts'

/*
 * The pipeline of a tenant network. `admit` says which network a packet belongs to and whether its source is real,
 * `answer` speaks for known stations, `forward` finds the way by MAC address, `reply` gives answers back to the asking port.
 * The low 24 bits of the metadata hold the VNI from admission on.
 */

const admit: Block = {
  name: 'admit',
  slot: 'admit',
  tables: [
    { name: 'ports', kind: 'acl', fields: ['in_port', 'vlan_vid', 'tunnel_id'], miss: 'drop' },
    {
      name: 'guard',
      kind: 'acl',
      fields: [
        ...(['in_port', 'metadata', 'eth_src', 'eth_type', 'ip_proto', 'ipv4_src', 'ipv6_src'] as const),
        ...(['arp_op', 'arp_spa', 'arp_tpa', 'arp_sha', 'udp_src'] as const),
        ...(['icmpv6_type', 'ipv6_nd_target', 'ipv6_nd_sll', 'ipv6_nd_tll'] as const),
      ],
      miss: 'drop',
    },
  ],
}

const answer: Block = {
  name: 'answer',
  slot: 'classify',
  tables: [
    {
      name: 'requests',
      kind: 'acl',
      fields: ['in_port', 'metadata', 'eth_dst', 'eth_type', 'arp_op', 'arp_tpa'],
      miss: 'continue',
    },
  ],
}

const forward: Block = {
  name: 'forward',
  slot: 'forward',
  tables: [
    { name: 'stations', kind: 'exact', fields: ['metadata', 'eth_dst'], miss: 'continue' },
    { name: 'others', kind: 'acl', fields: ['in_port', 'metadata', 'eth_dst'], miss: 'drop' },
  ],
}

const reply: Block = {
  name: 'reply',
  slot: 'egress',
  tables: [{ name: 'ports', kind: 'acl', fields: ['in_port', 'metadata'], miss: 'drop' }],
}

export const BLOCKS: readonly Block[] = [admit, answer, forward, reply]

export const TABLE = {
  ports: 'admit.ports',
  guard: 'admit.guard',
  requests: 'answer.requests',
  stations: 'forward.stations',
  others: 'forward.others',
  reply: 'reply.ports',
} as const satisfies Record<string, TableName>

/** The bits of the metadata that hold the VNI. */
const VNI_MASK = 0xffffffn

/** Set in `vlan_vid` when the frame has a tag (OFPVID_PRESENT). */
const PRESENT = 0x1000n

const ETHERTYPE_VLAN = 0x8100

/** Packets that were admitted to a network. */
export const inNetwork = ({ vni }: Network): FieldMatch => ({ field: 'metadata', value: BigInt(vni), mask: VNI_MASK })

export const inPort = (port: number): FieldMatch => ({ field: 'in_port', value: BigInt(port) })

/** Frames with this VLAN id, or without a tag. */
export const inVlan = (vlan: number | null): FieldMatch => ({ field: 'vlan_vid', value: vlanVid(vlan) })

/** The value of `vlan_vid` for a VLAN id, or for no tag. */
export const vlanVid = (vlan: number | null): bigint => (vlan === null ? 0n : PRESENT | BigInt(vlan))

/** Takes the tag off, where there is one, writes down the network and goes on. */
export function admitTo({ vni }: Network, vlan: number | null, table: TableName): readonly PartInstruction[] {
  const untag: PartInstruction[] = vlan === null ? [] : [{ type: 'apply_actions', actions: [{ type: 'pop_vlan' }] }]
  return [...untag, { type: 'write_metadata', metadata: BigInt(vni), mask: VNI_MASK }, { type: 'goto', table }]
}

/** Sends a frame out of a port, tagged where the other side wants it so. */
export function sendTo(port: number, vlan: number | null): readonly Action[] {
  const out: Action = { type: 'output', port }
  if (vlan === null) return [out]
  const tag: Action = { type: 'set_field', field: 'vlan_vid', value: vlanVid(vlan) }
  return [{ type: 'push_vlan', ethertype: ETHERTYPE_VLAN }, tag, out]
}

export const apply = (actions: readonly Action[]): PartInstruction => ({ type: 'apply_actions', actions })

/** The intents behind an entry, most specific first. */
export const because = (network: Network, port?: { readonly id: string }): readonly string[] =>
  port === undefined ? [`network/${network.id}`] : [`port/${port.id}`, `network/${network.id}`]
