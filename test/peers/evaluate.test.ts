import { beforeAll, describe, expect, it } from 'vitest'
import { evaluator, type Packet } from '#server/engine/program/evaluate.ts'
import { matchNotation } from '#server/engine/program/notation/match.ts'
import { dumpNotation, groupNotation } from '#server/engine/program/notation.ts'
import type { Fields } from '#server/engine/program/packet.ts'
import { EMPTY_PROGRAM } from '#server/engine/program/program.ts'
import type { FieldName } from '#server/kernel/field.ts'
import { linkLocalOf } from '#server/kernel/mac.ts'
import { canonicalMatch } from '#server/kernel/match.ts'
import {
  arpRequest,
  BROADCAST,
  build,
  intentOf,
  ip,
  ipOf,
  ipv4,
  macOf,
  site,
  UPLINK,
} from '../unit/engine/network/site.ts'
import { type Openvswitch, startPeer, stopPeersAfterAll } from './openvswitch.ts'

stopPeersAfterAll()

const intent = intentOf({ red: 10101, blue: 10102 }, [
  { at: 'h11', in: 'red' },
  { at: 'h12', in: 'red', vlan: 100 },
  { at: 'h13', in: 'blue' },
  { at: 'h21', in: 'red' },
])
const program = build(intent, site()).datapaths.get('nic1')?.program ?? EMPTY_PROGRAM
const PORTS = [1, 2, 3, UPLINK]

/** A packet as `ofproto/trace` reads it. */
const flowOf = ({ in_port, fields }: Packet): string => {
  const listed = Object.entries(fields).flatMap(([field, value]) =>
    value === 0n ? [] : [{ field: field as FieldName, value }],
  )
  const text = matchNotation(canonicalMatch([{ field: 'in_port', value: BigInt(in_port) }, ...listed])).join(',')
  return text.startsWith('icmp6') ? text.replace('icmp_type', 'icmpv6_type') : text
}

/** The port numbers in datapath actions such as `push_vlan(vid=5,pcp=0),3,pop_vlan,2`. */
function outputsOf(trace: string): number[] {
  let actions = /Datapath actions: (.*)/.exec(trace)?.[1] ?? ''
  for (let plain = ''; plain !== actions; ) {
    plain = actions
    actions = actions.replace(/\w*\([^()]*\)/g, '')
  }
  return actions
    .split(',')
    .filter((one) => /^\d+$/.test(one))
    .map(Number)
}

const solicitation = (over: Fields): Fields => ({
  ...{ eth_src: macOf('h11'), eth_dst: 0x3333ff000001n, eth_type: 0x86ddn, ip_proto: 58n, icmpv6_type: 135n },
  ...{ ipv6_src: linkLocalOf(macOf('h11')), ipv6_nd_target: ip('fe80::1'), ...over },
})
const tagged = (vlan: number, fields: Fields): Fields => ({ ...fields, vlan_vid: 0x1000n | BigInt(vlan) })

const PACKETS: readonly [string, number, Fields][] = [
  ['unicast to a station at hand', 1, ipv4('h11', 'h12')],
  ['unicast from a tagged port', 2, tagged(100, ipv4('h12', 'h11'))],
  ['unicast to a station elsewhere', 1, ipv4('h11', 'h21')],
  ['broadcast', 1, ipv4('h11', BROADCAST)],
  ['broadcast of another network', 3, ipv4('h13', BROADCAST)],
  ['broadcast from the fabric', UPLINK, tagged(2, ipv4('h21', BROADCAST))],
  ['broadcast from the fabric, other tag', UPLINK, tagged(1, ipv4('h21', BROADCAST))],
  ['unknown unicast from the fabric', UPLINK, tagged(2, ipv4('h21', 0x525400ffffffn))],
  ['a tag that nobody has', UPLINK, tagged(77, ipv4('h21', BROADCAST))],
  ['no tag from the fabric', UPLINK, ipv4('h21', BROADCAST)],
  ['a spoofed MAC', 1, { ...ipv4('h11', 'h21'), eth_src: macOf('h21') }],
  ['a spoofed address', 1, { ...ipv4('h11', 'h21'), ipv4_src: ip('10.0.0.77') }],
  ['an ARP request that is answered', 1, arpRequest('h11', ipOf('h21'))],
  ['an ARP request from a tagged port', 2, tagged(100, arpRequest('h12', ipOf('h21')))],
  ['an ARP request for the own address', 1, arpRequest('h11', ipOf('h11'))],
  ['spoofed ARP', 1, arpRequest('h11', ipOf('h21'), { arp_spa: ipOf('h21') })],
  ['an honest solicitation', 1, solicitation({ ipv6_nd_sll: macOf('h11') })],
  ['a solicitation without option', 1, solicitation({})],
  ['a spoofed solicitation', 1, solicitation({ ipv6_nd_sll: macOf('h21') })],
  ['a router advertisement', 1, { ...solicitation({}), icmpv6_type: 134n, ipv6_nd_target: 0n }],
]

describe('what a program does with a packet', () => {
  let peer: Openvswitch
  beforeAll(async () => {
    peer = await startPeer({ datapath: 'dummy' })
    await peer.addBridge('br0')
    for (const port of PORTS)
      await peer.vsctl(
        'add-port',
        'br0',
        `p${port}`,
        '--',
        'set',
        'interface',
        `p${port}`,
        'type=dummy',
        `ofport_request=${port}`,
      )
    for (const one of program.groups.values()) await peer.ofctl('add-group', 'br0', groupNotation(one))
    const lines = [...program.entries.values()].map((one) => dumpNotation(one).trim())
    await peer.ofctlWith(lines.join('\n'), 'add-flows', 'br0', '-')
  })

  it.each(PACKETS)('is what a real switch does with it: %s', async (_, in_port, fields) => {
    const packet: Packet = { in_port, fields }
    const shown = await peer.appctl('dpif/show')
    const numbers = new Map(
      [...shown.matchAll(/^\s+p\d+ (\d+)\/(\d+):/gm)].map(([, port, odp]) => [Number(odp), Number(port)]),
    )
    expect(numbers.size).toBe(PORTS.length)
    const traced = await peer.appctl('ofproto/trace', 'br0', flowOf(packet))
    const outputs = outputsOf(traced).map((odp) => numbers.get(odp))
    const verdict = evaluator(program)(packet)
    expect(verdict.outputs.map(({ port }) => port).sort()).toEqual(outputs.sort())
    expect(verdict.doubts).toEqual([])
  })
})
