import { type Action, type Instruction, PORT } from '#server/kernel/action.ts'
import { FIELDS, type FieldName } from '#server/kernel/field.ts'
import { fullMask } from '#server/kernel/match.ts'
import { type Bucket, type Entry, type Group, namelessFields } from './entry.ts'
import { matchNotation } from './notation/match.ts'
import { hexNotation, isReserved, portNotation, valueNotation } from './notation/value.ts'

/** How Open vSwitch calls a field in `set_field` and in `move`. */
const NAMES: Readonly<Partial<Record<FieldName, readonly [set: string, move: string]>>> = {
  tunnel_id: ['tun_id', 'NXM_NX_TUN_ID'],
  tun_src: ['tun_src', 'NXM_NX_TUN_IPV4_SRC'],
  tun_dst: ['tun_dst', 'NXM_NX_TUN_IPV4_DST'],
  pkt_mark: ['pkt_mark', 'NXM_NX_PKT_MARK'],
  eth_src: ['eth_src', 'NXM_OF_ETH_SRC'],
  eth_dst: ['eth_dst', 'NXM_OF_ETH_DST'],
  eth_type: ['eth_type', 'NXM_OF_ETH_TYPE'],
  ip_ecn: ['nw_ecn', 'NXM_NX_IP_ECN'],
  ip_proto: ['nw_proto', 'NXM_OF_IP_PROTO'],
  ipv4_src: ['ip_src', 'NXM_OF_IP_SRC'],
  ipv4_dst: ['ip_dst', 'NXM_OF_IP_DST'],
  ipv6_src: ['ipv6_src', 'NXM_NX_IPV6_SRC'],
  ipv6_dst: ['ipv6_dst', 'NXM_NX_IPV6_DST'],
  ipv6_flabel: ['ipv6_label', 'NXM_NX_IPV6_LABEL'],
  arp_op: ['arp_op', 'NXM_OF_ARP_OP'],
  arp_spa: ['arp_spa', 'NXM_OF_ARP_SPA'],
  arp_tpa: ['arp_tpa', 'NXM_OF_ARP_TPA'],
  arp_sha: ['arp_sha', 'NXM_NX_ARP_SHA'],
  arp_tha: ['arp_tha', 'NXM_NX_ARP_THA'],
  tcp_src: ['tcp_src', 'NXM_OF_TCP_SRC'],
  tcp_dst: ['tcp_dst', 'NXM_OF_TCP_DST'],
  tcp_flags: ['tcp_flags', 'NXM_NX_TCP_FLAGS'],
  udp_src: ['udp_src', 'NXM_OF_UDP_SRC'],
  udp_dst: ['udp_dst', 'NXM_OF_UDP_DST'],
  icmpv4_type: ['icmp_type', 'NXM_OF_ICMP_TYPE'],
  icmpv4_code: ['icmp_code', 'NXM_OF_ICMP_CODE'],
  icmpv6_type: ['icmpv6_type', 'NXM_NX_ICMPV6_TYPE'],
  icmpv6_code: ['icmpv6_code', 'NXM_NX_ICMPV6_CODE'],
  ipv6_nd_target: ['nd_target', 'NXM_NX_ND_TARGET'],
  ipv6_nd_sll: ['nd_sll', 'NXM_NX_ND_SLL'],
  ipv6_nd_tll: ['nd_tll', 'NXM_NX_ND_TLL'],
}

const setName = (field: FieldName): string => NAMES[field]?.[0] ?? field

function moveName(field: FieldName, offset: number, bits: number): string {
  const register = /^reg\d$/.test(field) ? `NXM_NX_${field.toUpperCase()}` : undefined
  const name = NAMES[field]?.[1] ?? register ?? `OXM_OF_${field.toUpperCase()}`
  if (offset === 0 && bits === FIELDS[field].bits) return `${name}[]`
  return bits === 1 ? `${name}[${offset}]` : `${name}[${offset}..${offset + bits - 1}]`
}

function outputNotation(port: number, max_len: number | undefined): string {
  if (port === PORT.controller) return `CONTROLLER:${max_len ?? 65535}`
  return isReserved(port) ? portNotation(port) : `output:${port}`
}

/** One action as `ovs-ofctl` writes it. */
function actionNotation(action: Action): string {
  switch (action.type) {
    case 'output':
      return outputNotation(action.port, action.max_len)
    case 'group':
      return `group:${action.group}`
    case 'set_queue':
      return `set_queue:${action.queue}`
    case 'push_vlan':
      return `push_vlan:0x${action.ethertype.toString(16).padStart(4, '0')}`
    case 'set_field':
      return `set_field:${valueNotation(action.field, action.value, action.mask)}->${setName(action.field)}`
    case 'copy_field': {
      const { from, from_offset, to, to_offset, bits } = action
      return `move:${moveName(from, from_offset, bits)}->${moveName(to, to_offset, bits)}`
    }
    case 'dec_nw_ttl':
      return 'dec_ttl'
    case 'set_nw_ttl':
      return `mod_nw_ttl:${action.ttl}`
    case 'meter':
      return `meter:${action.meter}`
    case 'unknown':
      return `unknown(${action.hex})`
    default:
      return action.type
  }
}

/** A list of actions as `ovs-ofctl` writes it. */
export const actionsNotation = (actions: readonly Action[]): string =>
  actions.length === 0 ? 'drop' : actions.map(actionNotation).join(',')

function instructionNotation(instruction: Instruction): string {
  switch (instruction.type) {
    case 'apply_actions':
      return actionsNotation(instruction.actions)
    case 'write_actions':
      return `write_actions(${actionsNotation(instruction.actions)})`
    case 'write_metadata': {
      const { metadata, mask } = instruction
      const rest = mask === fullMask('metadata') ? '' : `/${hexNotation(mask)}`
      return `write_metadata:${hexNotation(metadata)}${rest}`
    }
    case 'goto_table':
      return `goto_table:${instruction.table}`
    case 'meter':
      return `meter:${instruction.meter}`
    case 'unknown':
      return `unknown(${instruction.hex})`
    default:
      return instruction.type
  }
}

/** What an entry does, as `ovs-ofctl` writes it after `actions=`. */
export const instructionsNotation = (instructions: readonly Instruction[]): string =>
  instructions.length === 0 ? 'drop' : instructions.map(instructionNotation).join(',')

const FLAGS = ['send_flow_rem', 'check_overlap', 'reset_counts', 'no_packet_counts', 'no_byte_counts'] as const

function settingsNotation({ idle_timeout, hard_timeout, flags, importance }: Entry): string {
  let text = ''
  if (idle_timeout !== 0) text += `idle_timeout=${idle_timeout}, `
  if (hard_timeout !== 0) text += `hard_timeout=${hard_timeout}, `
  for (const [bit, name] of FLAGS.entries()) if ((flags >> bit) & 1) text += `${name} `
  return importance === 0 ? text : `${text}importance=${importance}, `
}

/** An entry for people: `table=0, priority=100,in_port=3,vlan_tci=0x0000/0x1fff actions=goto_table:1`. */
export function entryNotation(entry: Entry): string {
  const nameless = namelessFields(entry.key).map((hex) => `unknown=0x${hex}`)
  const what = [`priority=${entry.priority}`, ...matchNotation(entry.match), ...nameless].join(',')
  return `table=${entry.table}, ${settingsNotation(entry)}${what} actions=${instructionsNotation(entry.instructions)}`
}

/** An entry exactly as `ovs-ofctl -O OpenFlow15 --no-names --no-stats dump-flows` prints its line. */
export function dumpNotation(entry: Entry): string {
  const cookie = entry.cookie === 0n ? '' : `cookie=0x${entry.cookie.toString(16)}, `
  const table = entry.table === 0 ? '' : `table=${entry.table}, `
  // The default priority is left out.
  const priority = entry.priority === 0x8000 ? [] : [`priority=${entry.priority}`]
  const what = [...priority, ...matchNotation(entry.match)].join(',')
  const start = ` ${cookie}${table}${settingsNotation(entry)}${what}`
  const space = what === '' ? '' : ' '
  return `${start}${space}actions=${instructionsNotation(entry.instructions)}`
}

function bucketNotation({ weight, watch_port, watch_group, actions }: Bucket): string {
  let text = 'bucket='
  if (weight > 1) text += `weight:${weight},`
  if (watch_port !== undefined) text += `watch_port:${portNotation(watch_port)},`
  if (watch_group !== undefined) text += `watch_group:${watch_group},`
  return `${text}actions=${actionsNotation(actions)}`
}

/** A group as `ovs-ofctl dump-groups` prints it: `group_id=5,type=all,bucket=actions=output:1`. */
export function groupNotation({ group, type, buckets }: Group): string {
  const short = type === 'fast_failover' ? 'ff' : type
  return [`group_id=${group}`, `type=${short}`, ...buckets.map(bucketNotation)].join(',')
}
