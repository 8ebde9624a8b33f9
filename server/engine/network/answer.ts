import type { Action } from '#server/kernel/action.ts'
import { PORT } from '#server/kernel/action.ts'
import type { FieldMatch } from '#server/kernel/match.ts'
import type { PartEntry } from '../capability.ts'
import type { Network } from './model.ts'
import { apply, because, inNetwork, inPort, sendTo, TABLE } from './pipeline.ts'
import type { Member } from './place.ts'

const BROADCAST = 0xffffffffffffn

/**
 * A broadcast ARP request for an address. One that is sent to a station's own MAC asks whether it is still alive, and
 * goes to the station.
 */
const requestFor = (network: Network, address: bigint): readonly FieldMatch[] => [
  inNetwork(network),
  { field: 'eth_dst', value: BROADCAST },
  { field: 'eth_type', value: 0x806n },
  { field: 'arp_op', value: 1n },
  { field: 'arp_tpa', value: address },
]

const copy = (from: FieldMatch['field'], to: FieldMatch['field'], bits: number): Action => ({
  type: 'copy_field',
  ...{ from, from_offset: 0, to, to_offset: 0, bits },
})
const set = (field: FieldMatch['field'], value: bigint): Action => ({ type: 'set_field', field, value })

/** Turns a request into its answer in place (RFC 826). */
const answerWith = (mac: bigint, address: bigint): readonly Action[] => [
  copy('eth_src', 'eth_dst', 48),
  set('eth_src', mac),
  set('arp_op', 2n),
  copy('arp_sha', 'arp_tha', 48),
  copy('arp_spa', 'arp_tpa', 32),
  set('arp_sha', mac),
  set('arp_spa', address),
]

const ipv4Of = ({ addresses }: Member): readonly bigint[] =>
  addresses.filter(({ version }) => version === 4).map(({ value }) => value)

/** Answers for every known address of the network, wherever its station is. */
function answers(network: Network, member: Member): readonly PartEntry[] {
  return ipv4Of(member).map((address) => ({
    table: TABLE.requests,
    priority: 100,
    match: requestFor(network, address),
    instructions: [apply(answerWith(member.mac, address)), { type: 'goto', table: TABLE.reply }],
    phase: 'expose',
    because: because(network, member.port),
  }))
}

/** A station that asks for its own address looks for another that has it: nobody may answer but such a one. */
function ownAddress(network: Network, member: Member): readonly PartEntry[] {
  return ipv4Of(member).map((address) => ({
    table: TABLE.requests,
    priority: 200,
    match: [inPort(member.number), ...requestFor(network, address)],
    instructions: [{ type: 'next' }],
    phase: 'expose',
    because: because(network, member.port),
  }))
}

/** Gives an answer back to the port that asked, with the tag that the port expects. */
function replies(network: Network, local: readonly Member[]): readonly PartEntry[] {
  const tagged = local.filter(({ port }) => port.vlan !== null)
  return [
    {
      table: TABLE.reply,
      priority: 50,
      match: [inNetwork(network)],
      instructions: [apply(sendTo(PORT.in_port, null))],
      phase: 'receive',
      because: because(network),
    },
    ...tagged.map(
      ({ port, number }): PartEntry => ({
        table: TABLE.reply,
        priority: 100,
        match: [inPort(number), inNetwork(network)],
        instructions: [apply(sendTo(PORT.in_port, port.vlan))],
        phase: 'receive',
        because: because(network, port),
      }),
    ),
  ]
}

/** Everything that answers at the first switch for the stations of a network. */
export function answering(
  network: Network,
  members: readonly Member[],
  local: readonly Member[],
): readonly PartEntry[] {
  return [
    ...members.flatMap((member) => answers(network, member)),
    ...local.flatMap((member) => ownAddress(network, member)),
    ...replies(network, local),
  ]
}
