import { describe, expect, it } from 'vitest'
import { canonicalInstructions } from '#server/engine/program/canonical.ts'
import { hashProgram } from '#server/engine/program/hash.ts'
import { entryNotation, groupNotation } from '#server/engine/program/notation.ts'
import { build, intentOf, site } from './site.ts'

const infrastructure = site()
const intent = intentOf({ red: 10101 }, [
  { at: 'h11', in: 'red' },
  { at: 'h12', in: 'red', vlan: 100 },
  { at: 'h21', in: 'red' },
])
const built = build(intent, infrastructure)

function lines(datapath: string): string {
  const { program, origins } = built.datapaths.get(datapath) ?? {}
  const entries = [...(program?.entries.values() ?? [])].map((entry) => {
    const origin = origins?.get(entry.key)
    return `${origin?.phase.padEnd(8)} ${origin?.because[0]?.padEnd(13)} ${entryNotation(entry)}`
  })
  const groups = [...(program?.groups.values() ?? [])].map(groupNotation)
  return [...entries, ...groups, ...[...(program?.neighbours.keys() ?? [])].map((one) => `neighbour ${one}`)].join('\n')
}

describe('a network of three ports on two servers, as entries', () => {
  it('on the smart NIC', () => {
    expect(lines('nic1')).toMatchInlineSnapshot(`
      "expose   port/red-h11  table=0, priority=100,in_port=1,vlan_tci=0x0000/0x1fff actions=write_metadata:0x2775/0xffffff,goto_table:1
      expose   port/red-h12  table=0, priority=100,in_port=2,dl_vlan=100 actions=pop_vlan,write_metadata:0x2775/0xffffff,goto_table:1
      receive  network/red   table=0, priority=100,in_port=9,dl_vlan=1 actions=pop_vlan,write_metadata:0x2775/0xffffff,goto_table:150
      expose   network/red   table=1, priority=300,udp,metadata=0x2775/0xffffff,tp_src=67 actions=drop
      expose   network/red   table=1, priority=300,udp6,metadata=0x2775/0xffffff,tp_src=547 actions=drop
      expose   network/red   table=1, priority=300,icmp6,metadata=0x2775/0xffffff,icmp_type=134 actions=drop
      expose   network/red   table=1, priority=300,icmp6,metadata=0x2775/0xffffff,icmp_type=137 actions=drop
      expose   port/red-h11  table=1, priority=250,icmp6,metadata=0x2775/0xffffff,in_port=1,dl_src=52:54:00:00:01:01,ipv6_src=::,icmp_type=135,nd_target=fe80::5054:ff:fe00:101 actions=goto_table:50
      expose   port/red-h11  table=1, priority=250,icmp6,metadata=0x2775/0xffffff,in_port=1,dl_src=52:54:00:00:01:01,ipv6_src=fe80::5054:ff:fe00:101,icmp_type=135,nd_sll=00:00:00:00:00:00 actions=goto_table:50
      expose   port/red-h11  table=1, priority=250,icmp6,metadata=0x2775/0xffffff,in_port=1,dl_src=52:54:00:00:01:01,ipv6_src=fe80::5054:ff:fe00:101,icmp_type=135,nd_sll=52:54:00:00:01:01 actions=goto_table:50
      expose   port/red-h11  table=1, priority=250,icmp6,metadata=0x2775/0xffffff,in_port=1,dl_src=52:54:00:00:01:01,ipv6_src=fe80::5054:ff:fe00:101,icmp_type=136,nd_target=fe80::5054:ff:fe00:101,nd_tll=00:00:00:00:00:00 actions=goto_table:50
      expose   port/red-h11  table=1, priority=250,icmp6,metadata=0x2775/0xffffff,in_port=1,dl_src=52:54:00:00:01:01,ipv6_src=fe80::5054:ff:fe00:101,icmp_type=136,nd_target=fe80::5054:ff:fe00:101,nd_tll=52:54:00:00:01:01 actions=goto_table:50
      expose   port/red-h12  table=1, priority=250,icmp6,metadata=0x2775/0xffffff,in_port=2,dl_src=52:54:00:00:01:02,ipv6_src=::,icmp_type=135,nd_target=fe80::5054:ff:fe00:102 actions=goto_table:50
      expose   port/red-h12  table=1, priority=250,icmp6,metadata=0x2775/0xffffff,in_port=2,dl_src=52:54:00:00:01:02,ipv6_src=fe80::5054:ff:fe00:102,icmp_type=135,nd_sll=00:00:00:00:00:00 actions=goto_table:50
      expose   port/red-h12  table=1, priority=250,icmp6,metadata=0x2775/0xffffff,in_port=2,dl_src=52:54:00:00:01:02,ipv6_src=fe80::5054:ff:fe00:102,icmp_type=135,nd_sll=52:54:00:00:01:02 actions=goto_table:50
      expose   port/red-h12  table=1, priority=250,icmp6,metadata=0x2775/0xffffff,in_port=2,dl_src=52:54:00:00:01:02,ipv6_src=fe80::5054:ff:fe00:102,icmp_type=136,nd_target=fe80::5054:ff:fe00:102,nd_tll=00:00:00:00:00:00 actions=goto_table:50
      expose   port/red-h12  table=1, priority=250,icmp6,metadata=0x2775/0xffffff,in_port=2,dl_src=52:54:00:00:01:02,ipv6_src=fe80::5054:ff:fe00:102,icmp_type=136,nd_target=fe80::5054:ff:fe00:102,nd_tll=52:54:00:00:01:02 actions=goto_table:50
      expose   network/red   table=1, priority=200,icmp6,metadata=0x2775/0xffffff,icmp_type=135 actions=drop
      expose   network/red   table=1, priority=200,icmp6,metadata=0x2775/0xffffff,icmp_type=136 actions=drop
      expose   port/red-h11  table=1, priority=100,ip,metadata=0x2775/0xffffff,in_port=1,dl_src=52:54:00:00:01:01,nw_src=10.0.0.11 actions=goto_table:50
      expose   port/red-h11  table=1, priority=100,arp,metadata=0x2775/0xffffff,in_port=1,dl_src=52:54:00:00:01:01,arp_spa=0.0.0.0,arp_tpa=10.0.0.11,arp_op=1,arp_sha=52:54:00:00:01:01 actions=goto_table:50
      expose   port/red-h11  table=1, priority=100,arp,metadata=0x2775/0xffffff,in_port=1,dl_src=52:54:00:00:01:01,arp_spa=10.0.0.11,arp_sha=52:54:00:00:01:01 actions=goto_table:50
      expose   port/red-h11  table=1, priority=100,icmp6,metadata=0x2775/0xffffff,in_port=1,dl_src=52:54:00:00:01:01,ipv6_src=::,icmp_type=143 actions=goto_table:50
      expose   port/red-h11  table=1, priority=100,ipv6,metadata=0x2775/0xffffff,in_port=1,dl_src=52:54:00:00:01:01,ipv6_src=fe80::5054:ff:fe00:101 actions=goto_table:50
      expose   port/red-h12  table=1, priority=100,ip,metadata=0x2775/0xffffff,in_port=2,dl_src=52:54:00:00:01:02,nw_src=10.0.0.12 actions=goto_table:50
      expose   port/red-h12  table=1, priority=100,arp,metadata=0x2775/0xffffff,in_port=2,dl_src=52:54:00:00:01:02,arp_spa=0.0.0.0,arp_tpa=10.0.0.12,arp_op=1,arp_sha=52:54:00:00:01:02 actions=goto_table:50
      expose   port/red-h12  table=1, priority=100,arp,metadata=0x2775/0xffffff,in_port=2,dl_src=52:54:00:00:01:02,arp_spa=10.0.0.12,arp_sha=52:54:00:00:01:02 actions=goto_table:50
      expose   port/red-h12  table=1, priority=100,icmp6,metadata=0x2775/0xffffff,in_port=2,dl_src=52:54:00:00:01:02,ipv6_src=::,icmp_type=143 actions=goto_table:50
      expose   port/red-h12  table=1, priority=100,ipv6,metadata=0x2775/0xffffff,in_port=2,dl_src=52:54:00:00:01:02,ipv6_src=fe80::5054:ff:fe00:102 actions=goto_table:50
      expose   port/red-h11  table=1, priority=1,metadata=0x2775/0xffffff,in_port=1 actions=drop
      expose   port/red-h12  table=1, priority=1,metadata=0x2775/0xffffff,in_port=2 actions=drop
      expose   port/red-h11  table=50, priority=200,arp,metadata=0x2775/0xffffff,in_port=1,dl_dst=ff:ff:ff:ff:ff:ff,arp_tpa=10.0.0.11,arp_op=1 actions=goto_table:150
      expose   port/red-h12  table=50, priority=200,arp,metadata=0x2775/0xffffff,in_port=2,dl_dst=ff:ff:ff:ff:ff:ff,arp_tpa=10.0.0.12,arp_op=1 actions=goto_table:150
      expose   port/red-h11  table=50, priority=100,arp,metadata=0x2775/0xffffff,dl_dst=ff:ff:ff:ff:ff:ff,arp_tpa=10.0.0.11,arp_op=1 actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:52:54:00:00:01:01->eth_src,set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],set_field:52:54:00:00:01:01->arp_sha,set_field:10.0.0.11->arp_spa,goto_table:200
      expose   port/red-h12  table=50, priority=100,arp,metadata=0x2775/0xffffff,dl_dst=ff:ff:ff:ff:ff:ff,arp_tpa=10.0.0.12,arp_op=1 actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:52:54:00:00:01:02->eth_src,set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],set_field:52:54:00:00:01:02->arp_sha,set_field:10.0.0.12->arp_spa,goto_table:200
      expose   port/red-h21  table=50, priority=100,arp,metadata=0x2775/0xffffff,dl_dst=ff:ff:ff:ff:ff:ff,arp_tpa=10.0.0.21,arp_op=1 actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:52:54:00:00:02:01->eth_src,set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],set_field:52:54:00:00:02:01->arp_sha,set_field:10.0.0.21->arp_spa,goto_table:200
      receive  block/answer  table=50, priority=0 actions=goto_table:150
      receive  port/red-h11  table=150, priority=100,metadata=0x2775/0xffffff,dl_dst=52:54:00:00:01:01 actions=output:1
      receive  port/red-h12  table=150, priority=100,metadata=0x2775/0xffffff,dl_dst=52:54:00:00:01:02 actions=push_vlan:0x8100,set_field:4196->vlan_vid,output:2
      receive  block/forward table=150, priority=0 actions=goto_table:151
      transmit network/red   table=151, priority=200,metadata=0x2775/0xffffff,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=group:1
      receive  network/red   table=151, priority=150,metadata=0x2775/0xffffff,in_port=9 actions=group:1
      transmit network/red   table=151, priority=100,metadata=0x2775/0xffffff actions=push_vlan:0x8100,set_field:4097->vlan_vid,output:9
      receive  port/red-h12  table=200, priority=100,metadata=0x2775/0xffffff,in_port=2 actions=push_vlan:0x8100,set_field:4196->vlan_vid,IN_PORT
      receive  network/red   table=200, priority=50,metadata=0x2775/0xffffff actions=IN_PORT
      group_id=1,type=all,bucket=actions=output:1,bucket=actions=push_vlan:0x8100,set_field:4196->vlan_vid,output:2,bucket=actions=push_vlan:0x8100,set_field:4097->vlan_vid,output:9"
    `)
  })

  it('on the switch of the server', () => {
    expect(lines('srv1')).toMatchInlineSnapshot(`
      "receive  network/red   table=0, priority=100,in_port=1,dl_vlan=1 actions=pop_vlan,write_metadata:0x2775/0xffffff,goto_table:150
      receive  network/red   table=0, priority=100,tun_id=0x2775,in_port=8 actions=write_metadata:0x2775/0xffffff,goto_table:150
      receive  port/red-h11  table=150, priority=100,metadata=0x2775/0xffffff,dl_dst=52:54:00:00:01:01 actions=push_vlan:0x8100,set_field:4097->vlan_vid,output:1
      receive  port/red-h12  table=150, priority=100,metadata=0x2775/0xffffff,dl_dst=52:54:00:00:01:02 actions=push_vlan:0x8100,set_field:4097->vlan_vid,output:1
      transmit port/red-h21  table=150, priority=100,metadata=0x2775/0xffffff,dl_dst=52:54:00:00:02:01 actions=set_field:0x2775->tun_id,set_field:192.0.2.2->tun_dst,output:8
      receive  block/forward table=150, priority=0 actions=goto_table:151
      receive  network/red   table=151, priority=100,metadata=0x2775/0xffffff actions=group:1
      group_id=1,type=all,bucket=actions=push_vlan:0x8100,set_field:4097->vlan_vid,output:1,bucket=actions=set_field:0x2775->tun_id,set_field:192.0.2.2->tun_dst,output:8
      neighbour 192.0.2.2"
    `)
  })

  it('is nowhere else', () => {
    expect([...built.datapaths.keys()]).toEqual(['nic1', 'nic2', 'srv1', 'srv2'])
    const alone = build(intentOf({ red: 10101 }, [{ at: 'h11', in: 'red' }]), infrastructure)
    expect([...alone.datapaths.keys()]).toEqual(['nic1', 'srv1'])
    expect(lines('srv2')).toContain('neighbour 192.0.2.1')
    expect([...(alone.datapaths.get('srv1')?.program.neighbours.keys() ?? [])]).toEqual([])
  })
})

describe('compiling', () => {
  it('gives the same answer for the same intent, and after another port came and went', () => {
    const more = build(
      intentOf({ blue: 7, red: 10101 }, [
        { at: 'h11', in: 'red' },
        { at: 'h12', in: 'red', vlan: 100 },
        { at: 'h13', in: 'blue' },
        { at: 'h21', in: 'red' },
      ]),
      infrastructure,
      built.granted,
    )
    const again = build(intent, infrastructure, more.granted)
    for (const [id, { program }] of built.datapaths)
      expect(hashProgram(again.datapaths.get(id)?.program ?? program)).toEqual(hashProgram(program))
  })

  it('writes every instruction in the form that the switch gives back', () => {
    for (const { entries } of built.parts)
      for (const { instructions } of entries) {
        const plain = instructions.flatMap((one) => (one.type === 'goto' || one.type === 'next' ? [] : [one]))
        expect(canonicalInstructions(plain)).toBe(plain)
      }
  })

  it('leaves a network out where it got no number', () => {
    const poor = build(intent, { ...infrastructure, datapaths: infrastructure.datapaths }, [])
    expect(poor.findings).toEqual([])
    const tags = Array.from({ length: 4094 }, (_, i) => ({ key: `x${i}`, pool: 'link-tag/nic1', number: i + 1 }))
    const full = build(intent, infrastructure, tags)
    expect(full.findings.map(({ rule }) => rule)).toEqual(['grants.exhausted'])
    expect(full.datapaths.get('srv1')?.program.groups.get(1)?.buckets).toHaveLength(1)
  })

  it('keeps a network on one smart NIC when its server has no other switch', () => {
    const datapaths = new Map([...infrastructure.datapaths].filter(([id]) => id === 'nic1'))
    const alone = build(intent, { ...infrastructure, datapaths })
    expect([...alone.datapaths.keys()]).toEqual(['nic1'])
    expect(alone.datapaths.get('nic1')?.program.groups.get(1)?.buckets).toHaveLength(2)
  })
})
