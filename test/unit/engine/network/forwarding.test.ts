import { describe, expect, it } from 'vitest'
import { checkReach } from '#server/engine/change/check/reach.ts'
import { network } from '#server/engine/network/index.ts'
import { linkLocalOf } from '#server/kernel/mac.ts'
import { arpRequest, BROADCAST, build, intentOf, ip, ipOf, ipv4, macOf, programsOf, sender, site } from './site.ts'

const infrastructure = site()
// Red and blue have the same addresses. Red has a tagged port and one on the server's own switch.
const intent = intentOf({ red: 10101, blue: 10102 }, [
  { at: 'h11', in: 'red' },
  { at: 'h12', in: 'red', vlan: 100 },
  { at: 'h13', in: 'blue' },
  { at: 'h21', in: 'red' },
  { at: 'h22', in: 'blue', addresses: ['10.0.0.21'] },
  { at: 'h25', in: 'red' },
])
const built = build(intent, infrastructure)
const send = sender(programsOf(built.datapaths), infrastructure)

describe('tenant networks over two servers', () => {
  it('fit together', () => {
    expect(built.findings).toEqual([])
    expect(network.validate(intent, { infrastructure })).toEqual([])
  })

  it('deliver from every port to every other of the network, and to nobody else', () => {
    expect(send('h11', ipv4('h11', 'h21')).to).toEqual(['h21'])
    expect(send('h11', ipv4('h11', 'h12')).to).toEqual(['h12/100'])
    expect(send('h12', ipv4('h12', 'h25'), 100).to).toEqual(['h25'])
    expect(send('h25', ipv4('h25', 'h21')).to).toEqual(['h21'])
    expect(send('h25', ipv4('h25', 'h12')).to).toEqual(['h12/100'])
    expect(send('h13', ipv4('h13', 'h22')).to).toEqual(['h22'])
  })

  it('flood broadcasts once to each other port, without loops', () => {
    expect(send('h11', ipv4('h11', BROADCAST)).to).toEqual(['h12/100', 'h21', 'h25'])
    expect(send('h25', ipv4('h25', BROADCAST)).to).toEqual(['h11', 'h12/100', 'h21'])
    expect(send('h13', ipv4('h13', BROADCAST)).to).toEqual(['h22'])
    expect(send('h11', ipv4('h11', 0x01005e000001n)).to).toEqual(['h12/100', 'h21', 'h25'])
  })

  it('flood frames to a MAC that nobody has: not on the smart NIC that they come from, which knows its own', () => {
    const unknown = 0x525400ffffffn
    expect(send('h25', ipv4('h25', unknown)).to).toEqual(['h11', 'h12/100', 'h21'])
    expect(send('h11', ipv4('h11', unknown)).to).toEqual(['h21', 'h25'])
  })

  it('never let red reach blue', () => {
    for (const from of ['h11', 'h21', 'h25'])
      for (const to of [macOf('h13'), macOf('h22'), BROADCAST]) {
        const reached = send(from, ipv4(from, to)).to
        expect(reached).not.toContain('h13')
        expect(reached).not.toContain('h22')
      }
  })

  it('put the VNI of their own on the tunnel, and no tag inside it', () => {
    const { hops, delivered } = send('h12', ipv4('h12', 'h21'), 100)
    expect(hops).toHaveLength(4)
    expect(delivered[0]?.packet.fields).toMatchObject({ vlan_vid: 0n, eth_src: macOf('h12') })
  })

  it('are proven by their own witnesses', () => {
    const all = network.witnesses?.(intent, { infrastructure }, 1000)
    expect(all?.possible).toBe(6 + 14 + 16)
    expect(all?.chosen).toHaveLength(36)
    const findings = checkReach(programsOf(built.datapaths), infrastructure, all ?? { chosen: [], possible: 0 })
    expect(findings.map(({ rule, message }) => [rule, message])).toEqual([
      [
        'reach.checked',
        `${all?.chosen.length} packets of ${all?.possible} were followed through all datapaths, all as promised.`,
      ],
    ])
    const few = network.witnesses?.(intent, { infrastructure }, 10)
    expect(few?.chosen.length).toBeLessThanOrEqual(10)
    expect(few?.possible).toBe(36)
    expect(new Set(few?.chosen.map(({ subject }) => subject)).size).toBeGreaterThan(3)
  })
})

describe('port security', () => {
  const spoofed = (from: string, fields: Parameters<typeof send>[1]) => {
    const walk = send(from, fields)
    return { to: walk.to, hops: walk.hops.length }
  }
  const dropped = { to: [], hops: 1 }

  it.each([
    ['the MAC', { ...ipv4('h11', 'h21'), eth_src: macOf('h13') }],
    ['the IPv4 address', { ...ipv4('h11', 'h21'), ipv4_src: ip('10.0.0.99') }],
    ['the MAC in ARP', arpRequest('h11', ip('10.0.0.99'), { arp_sha: macOf('h21') })],
    ['the address in ARP', arpRequest('h11', ip('10.0.0.99'), { arp_spa: ipOf('h21') })],
    ['the address in an ARP reply', arpRequest('h11', ipOf('h12'), { arp_op: 2n, arp_spa: ipOf('h21') })],
    ['an ARP probe for the address of another', arpRequest('h11', ipOf('h21'), { arp_spa: 0n })],
    [
      'the IPv6 address',
      { eth_src: macOf('h11'), eth_dst: macOf('h21'), eth_type: 0x86ddn, ipv6_src: ip('2001:db8::1') },
    ],
    [
      'a link-local address',
      { eth_src: macOf('h11'), eth_dst: macOf('h21'), eth_type: 0x86ddn, ipv6_src: linkLocalOf(macOf('h21')) },
    ],
    ['a tag', { ...ipv4('h11', 'h21'), vlan_vid: 0x1064n }],
  ])('drops a packet that spoofs %s at the port', (_, fields) => {
    expect(spoofed('h11', fields)).toEqual(dropped)
  })

  it('counts spoofed packets of a port in one entry of its own', () => {
    const program = built.datapaths.get('nic1')?.program
    const origins = built.datapaths.get('nic1')?.origins
    const drops = [...(program?.entries.values() ?? [])].filter(
      (entry) => entry.table === 1 && entry.instructions.length === 0 && entry.priority === 1,
    )
    expect(drops.map(({ key }) => origins?.get(key)?.because)).toEqual([
      ['port/red-h11', 'network/red'],
      ['port/red-h12', 'network/red'],
      ['port/blue-h13', 'network/blue'],
    ])
  })

  const v6 = (over: Parameters<typeof send>[1]) => ({
    ...{ eth_src: macOf('h11'), eth_dst: 0x333300000001n, eth_type: 0x86ddn, ipv6_src: linkLocalOf(macOf('h11')) },
    ...over,
  })
  const icmpv6 = (type: bigint, over: Parameters<typeof send>[1] = {}) =>
    v6({ ip_proto: 58n, icmpv6_type: type, ...over })
  const everybody = ['h12/100', 'h21', 'h25']

  it('lets link-local IPv6 and honest neighbour discovery pass', () => {
    const own = linkLocalOf(macOf('h11'))
    expect(send('h11', v6({})).to).toEqual(everybody)
    expect(send('h11', icmpv6(135n, { ipv6_nd_sll: macOf('h11') })).to).toEqual(everybody)
    expect(send('h11', icmpv6(135n, { ipv6_src: 0n, ipv6_nd_target: own })).to).toEqual(everybody)
    expect(send('h11', icmpv6(136n, { ipv6_nd_target: own, ipv6_nd_tll: macOf('h11') })).to).toEqual(everybody)
    expect(send('h11', icmpv6(143n, { ipv6_src: 0n })).to).toEqual(everybody)
  })

  it.each([
    ['router advertisements', icmpv6(134n)],
    ['redirects', icmpv6(137n)],
    ['a solicitation with the MAC of another', icmpv6(135n, { ipv6_nd_sll: macOf('h21') })],
    ['an advertisement of another address', icmpv6(136n, { ipv6_nd_target: linkLocalOf(macOf('h21')) })],
    [
      'an advertisement with the MAC of another',
      icmpv6(136n, { ipv6_nd_target: linkLocalOf(macOf('h11')), ipv6_nd_tll: macOf('h21') }),
    ],
    ['an address probe for another', icmpv6(135n, { ipv6_src: 0n, ipv6_nd_target: linkLocalOf(macOf('h21')) })],
    ['a DHCP server', { ...ipv4('h11', 'h21'), ip_proto: 17n, udp_src: 67n }],
    ['a DHCPv6 server', v6({ ip_proto: 17n, udp_src: 547n })],
  ])('drops %s', (_, fields) => {
    expect(spoofed('h11', fields)).toEqual(dropped)
  })
})

describe('ARP', () => {
  it('is answered at the first switch for every known address, wherever its station is', () => {
    for (const [from, target, vlan] of [
      ['h11', 'h21', null],
      ['h12', 'h25', 100],
      ['h25', 'h11', null],
    ] as const) {
      const { to, hops, delivered } = send(from, arpRequest(from, ipOf(target)), vlan)
      expect(to).toEqual([vlan === null ? from : `${from}/${vlan}`])
      expect(hops).toHaveLength(1)
      expect(delivered[0]?.packet.fields).toMatchObject({
        ...{ arp_op: 2n, arp_spa: ipOf(target), arp_sha: macOf(target), arp_tpa: ipOf(from), arp_tha: macOf(from) },
        ...{ eth_src: macOf(target), eth_dst: macOf(from) },
      })
    }
  })

  it('gives each tenant the station of its own, where both use one address', () => {
    const { delivered } = send('h13', arpRequest('h13', ip('10.0.0.21')))
    expect(delivered[0]?.packet.fields.arp_sha).toBe(macOf('h22'))
  })

  it('is not answered for the own address, so that a second station that has it is found', () => {
    expect(send('h11', arpRequest('h11', ipOf('h11'), { arp_spa: 0n })).to).toEqual(['h12/100', 'h21', 'h25'])
    expect(send('h11', arpRequest('h11', ipOf('h11'))).to).toEqual(['h12/100', 'h21', 'h25'])
  })

  it('for an unknown address, or sent to a station to see whether it is alive, goes on', () => {
    expect(send('h11', arpRequest('h11', ip('10.0.0.200'))).to).toEqual(['h12/100', 'h21', 'h25'])
    expect(send('h11', arpRequest('h11', ipOf('h21'), { eth_dst: macOf('h21') })).to).toEqual(['h21'])
  })
})
