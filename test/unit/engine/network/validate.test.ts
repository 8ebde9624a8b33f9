import { describe, expect, it } from 'vitest'
import type { Infrastructure } from '#server/engine/infrastructure.ts'
import { freeAddress } from '#server/engine/network/addresses.ts'
import { network } from '#server/engine/network/index.ts'
import type { NetworkIntent, Subnet } from '#server/engine/network/model.ts'
import { intentOf, type PortDraft, site } from './site.ts'

const infrastructure = site()

const find = (intent: NetworkIntent, facts: Infrastructure = infrastructure) =>
  network.validate(intent, { infrastructure: facts })
const told = (intent: NetworkIntent, facts?: Infrastructure) =>
  find(intent, facts).map(({ rule, subject, pointer, message }) => ({ rule, subject, pointer, message }))
const withPort = (over: Partial<PortDraft>, more: readonly PortDraft[] = []) =>
  told(intentOf({ red: 10101 }, [...more, { at: 'h11', in: 'red', id: 'p', ...over }])).filter(
    ({ subject }) => subject === 'port/p',
  )
const withSubnets = (subnets: readonly Partial<Subnet>[]) => {
  const more = subnets.map((one, i) => ({ id: `s${i}`, networkId: 'red', prefix: '', gateway: null, ...one }))
  return told(intentOf({ red: 10101 }, [], { subnets: more }))
}

describe('what a port may not have', () => {
  it.each<[string, Partial<PortDraft>, string, string, string]>([
    [
      'an address outside its subnet',
      { addresses: ['10.0.1.1'] },
      'port.address-outside',
      '/addresses/0',
      '10.0.1.1 lies outside 10.0.0.0/24, which ends at 10.0.0.255.',
    ],
    [
      'an address before its subnet',
      { addresses: ['9.255.255.255'] },
      'port.address-outside',
      '/addresses/0',
      '9.255.255.255 lies outside 10.0.0.0/24, which begins at 10.0.0.0.',
    ],
    [
      'an address of the other family',
      { addresses: ['10.0.0.9', '2001:db8::1'] },
      'port.address-outside',
      '/addresses/1',
      '2001:db8::1 lies outside 10.0.0.0/24, which is IPv4.',
    ],
    [
      'the first address',
      { addresses: ['10.0.0.0'] },
      'port.address-reserved',
      '/addresses/0',
      "10.0.0.0 is the first address of 10.0.0.0/24, the network's own.",
    ],
    [
      'the last address',
      { addresses: ['10.0.0.255'] },
      'port.address-reserved',
      '/addresses/0',
      '10.0.0.255 is the last address of 10.0.0.0/24, its broadcast address.',
    ],
    [
      'an address twice',
      { addresses: ['10.0.0.9', '10.0.0.9'] },
      'port.address-twice',
      '/addresses/1',
      '10.0.0.9 is there twice.',
    ],
    ['no address', { addresses: ['10.0.0'] }, 'port.address', '/addresses/0', '10.0.0 is no address.'],
    [
      'a multicast MAC',
      { mac: '01:00:5e:00:00:01' },
      'port.mac-group',
      '/mac',
      "01:00:5e:00:00:01 is a group address, not a station's.",
    ],
    ['no MAC', { mac: '52:54' }, 'port.mac', '/mac', '52:54 is no MAC address.'],
    ['a MAC of zeros', { mac: '00:00:00:00:00:00' }, 'port.mac', '/mac', 'A MAC address of zeros names no station.'],
    ['VLAN 4095', { vlan: 4095 }, 'port.vlan-range', '/vlan', 'VLAN 4095 is outside 1 to 4094.'],
    ['VLAN 0', { vlan: 0 }, 'port.vlan-range', '/vlan', 'VLAN 0 is outside 1 to 4094.'],
    [
      'an attachment that is not there',
      { attachmentId: 'h99' },
      'port.attachment',
      '/attachmentId',
      'red-h11 is plugged in nowhere.',
    ],
    [
      'a network that is not there',
      { networkId: 'green' },
      'port.network',
      '/networkId',
      'red-h11 belongs to a network that does not exist.',
    ],
  ])('%s', (_, over, rule, pointer, message) => {
    expect(withPort(over)).toEqual([{ rule, pointer, subject: 'port/p', message }])
  })

  it('what another has: MAC, address, attachment', () => {
    const other: PortDraft = { at: 'h12', in: 'red', id: 'a', name: 'web' }
    expect(withPort({ mac: '52-54-00-00-01-02' }, [other])).toMatchObject([
      { rule: 'port.mac-taken', message: '52-54-00-00-01-02 belongs to web in red already.' },
    ])
    expect(withPort({ addresses: ['10.0.0.12'] }, [other])).toMatchObject([
      { rule: 'port.address-taken', message: '10.0.0.12 belongs to web already.' },
    ])
    const same = { ...other, attachmentId: 'h11' }
    expect(withPort({}, [same])).toMatchObject([
      { rule: 'port.attachment-taken', message: 'h11 serves web untagged already.' },
    ])
    expect(withPort({ vlan: 5 }, [same])).toMatchObject([
      { rule: 'port.attachment-in-network', message: 'h11 is in red already, as web.' },
    ])
  })

  it('an address that its tenant uses in another network; another tenant may', () => {
    const ports: PortDraft[] = [
      { at: 'h11', in: 'red', addresses: ['10.0.0.5'] },
      { at: 'h12', in: 'blue', addresses: ['10.0.0.5'] },
    ]
    expect(told(intentOf({ red: 1, blue: 2 }, ports))).toEqual([])
    const one = { networks: { red: { tenantId: 't' }, blue: { tenantId: 't' } } }
    expect(told(intentOf({ red: 1, blue: 2 }, ports, one)).map(({ rule, subject }) => [rule, subject])).toEqual([
      ['port.address-taken', 'port/blue-h12'],
      ['port.address-taken', 'port/red-h11'],
    ])
  })

  it('the gateway', () => {
    const subnets = [{ id: 's', networkId: 'red', prefix: '10.1.0.0/24', gateway: '10.1.0.1' }]
    const intent = intentOf({ red: 1 }, [{ at: 'h11', in: 'red', addresses: ['10.1.0.1', '10.2.0.1'] }], { subnets })
    expect(told(intent)).toMatchObject([
      { rule: 'port.address-gateway', message: '10.1.0.1 is the gateway of 10.1.0.0/24.' },
      { message: '10.2.0.1 lies in none of the subnets of red: 10.0.0.0/24, 10.1.0.0/24.' },
    ])
  })

  it('an attachment whose port the switch does not report', () => {
    const attachments = new Map(infrastructure.attachments)
    attachments.set('h11', { id: 'h11', name: 'h11', datapathId: 'nic1', mac: '' })
    const findings = find(intentOf({ red: 1 }, [{ at: 'h11', in: 'red' }]), { ...infrastructure, attachments })
    expect(findings).toMatchObject([{ rule: 'port.attachment-unknown', datapathId: 'nic1' }])
  })
})

describe('what a subnet may not be', () => {
  it.each<[string, Partial<Subnet>, string, string]>([
    ['no prefix', { prefix: '10.1.0.0' }, 'subnet.prefix', '10.1.0.0 is no prefix.'],
    [
      'an address inside one',
      { prefix: '10.1.0.1/24' },
      'subnet.host-bits',
      '10.1.0.1/24 is an address inside a prefix, not a prefix.',
    ],
    [
      'overlapping',
      { prefix: '10.0.0.128/25' },
      'subnet.overlap',
      '10.0.0.128/25 overlaps 10.0.0.0/24, which red has already.',
    ],
    [
      'one with its gateway outside',
      { prefix: '10.40.36.0/22', gateway: '10.40.40.1' },
      'subnet.gateway',
      '10.40.40.1 lies outside 10.40.36.0/22, which ends at 10.40.39.255.',
    ],
    [
      'one with its broadcast address for a gateway',
      { prefix: '10.1.0.0/24', gateway: '10.1.0.255' },
      'subnet.gateway',
      '10.1.0.255 is the last address of 10.1.0.0/24, which no station may have.',
    ],
    [
      'one of no network',
      { prefix: '10.1.0.0/24', networkId: 'green' },
      'subnet.network',
      '10.1.0.0/24 belongs to a network that does not exist.',
    ],
  ])('%s', (_, subnet, rule, message) => {
    expect(withSubnets([subnet]).filter(({ subject }) => subject === 'subnet/s0')).toMatchObject([{ rule, message }])
  })

  it('anything, as long as it is apart: /31, /32 and IPv6 too', () => {
    expect(
      withSubnets([
        { prefix: '10.1.0.0/31', gateway: '10.1.0.0' },
        { prefix: '10.1.0.2/32' },
        { prefix: '2001:db8::/64', gateway: '2001:db8::1' },
      ]),
    ).toEqual([])
  })
})

describe('what a network may not be', () => {
  it.each([0, 16_777_216, 1.5])('one with VNI %s', (vni) => {
    expect(told(intentOf({ red: vni }, []))).toMatchObject([{ rule: 'network.vni-range', pointer: '/vni' }])
  })

  it('one with the VNI of another', () => {
    expect(told(intentOf({ red: 5, blue: 5 }, []))).toMatchObject([
      { rule: 'network.vni-taken', subject: 'network/blue' },
      { rule: 'network.vni-taken', subject: 'network/red' },
    ])
  })

  it('one whose packets do not fit the tunnel: a warning until they have to', () => {
    const networks = { red: { mtu: 1451 } }
    const ports: PortDraft[] = [{ at: 'h11', in: 'red' }]
    const severity = (of: NetworkIntent) => find(of).map((one) => [one.severity, one.rule, one.limit])
    expect(severity(intentOf({ red: 1 }, ports, { networks }))).toEqual([
      ['warning', 'network.mtu-budget', '1450 bytes'],
    ])
    const both = intentOf({ red: 1 }, [...ports, { at: 'h21', in: 'red' }], { networks })
    expect(severity(both)).toEqual([['error', 'network.mtu-budget', '1450 bytes']])
    expect(told(both)[0]?.message).toBe(
      'An MTU of 1451 bytes does not fit: the underlay carries 1500, and VXLAN takes 50 of them.',
    )
  })

  it('one with less than IP asks for', () => {
    const networks = { red: { mtu: 1279 } }
    expect(told(intentOf({ red: 1 }, [], { networks }))).toEqual([])
    const subnets = [{ id: 'six', networkId: 'red', prefix: '2001:db8::/64', gateway: null }]
    expect(told(intentOf({ red: 1 }, [], { networks, subnets }))).toMatchObject([{ rule: 'network.mtu-least' }])
  })

  it('on two servers without a tunnel, or on a smart NIC without a link, where it needs one', () => {
    const both: PortDraft[] = [
      { at: 'h11', in: 'red' },
      { at: 'h21', in: 'red' },
    ]
    const without = (id: string, ...keys: string[]): Infrastructure => {
      const whole = infrastructure.datapaths.get(id)
      const cut = Object.fromEntries(Object.entries(whole ?? {}).filter(([key]) => !keys.includes(key)))
      return {
        ...infrastructure,
        datapaths: new Map([...infrastructure.datapaths, [id, cut as unknown as NonNullable<typeof whole>]]),
      }
    }
    const rules = (ports: PortDraft[], facts: Infrastructure) =>
      told(intentOf({ red: 1 }, ports), facts).map(({ rule }) => rule)
    expect(rules(both, without('srv1', 'tunnelPort'))).toEqual(['network.no-tunnel'])
    expect(rules(both, without('nic1', 'uplinkPort'))).toEqual(['network.no-link'])
    expect(rules(both.slice(0, 1), without('srv1', 'tunnelPort'))).toEqual([])
    expect(rules(both.slice(0, 1), without('nic1', 'peerPort'))).toEqual([])
    const datapaths = new Map([...infrastructure.datapaths].filter(([id]) => id !== 'srv1'))
    expect(rules(both, { ...infrastructure, datapaths })).toEqual(['network.no-fabric'])
    const servers = new Map([...infrastructure.servers].map(([id, server]) => [id, { ...server, vtep: '' }]))
    expect(rules(both, { ...infrastructure, servers })).toEqual(['network.no-vtep', 'network.no-vtep'])
    expect(rules(both.slice(0, 1), { ...infrastructure, servers })).toEqual([])
  })

  it('says for every error what to do, and where', () => {
    for (const finding of find(intentOf({ red: 0 }, [{ at: 'h11', in: 'red', mac: 'x', addresses: ['y'] }])))
      expect(finding).toMatchObject({ mend: expect.stringMatching(/\.$/), pointer: expect.stringMatching(/^\//) })
  })
})

describe('a free address', () => {
  it('is the lowest that no port of the tenant has and that a host may have', () => {
    const subnets = [{ id: 's', networkId: 'red', prefix: '10.1.0.0/29', gateway: '10.1.0.1' }]
    const intent = (...addresses: string[]) => intentOf({ red: 1 }, [{ at: 'h11', in: 'red', addresses }], { subnets })
    const subnet = subnets[0] as Subnet
    expect(freeAddress(subnet, intent())).toBe('10.1.0.2')
    expect(freeAddress(subnet, intent('10.1.0.2', '10.1.0.4'))).toBe('10.1.0.3')
    expect(freeAddress(subnet, intent('10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5', '10.1.0.6'))).toBeUndefined()
  })
})
