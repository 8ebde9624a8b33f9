import { describe, expect, it } from 'vitest'
import { entry, group } from '#server/engine/program/entry.ts'
import { dumpNotation, entryNotation, groupNotation } from '#server/engine/program/notation.ts'
import { everyKindOfEntry, everyKindOfGroup } from './specimens.ts'

// test/peers/notation.test.ts puts the same specimens into a real switch and compares what it prints.
describe('entries in the notation of ovs-ofctl', () => {
  it('writes every field, action and setting', () => {
    expect(everyKindOfEntry.map((one) => dumpNotation(entry(one))).join('\n')).toMatchInlineSnapshot(`
      " priority=100,in_port=3,vlan_tci=0x0000/0x1fff actions=drop
       priority=101,in_port=LOCAL,dl_vlan=100 actions=drop
       priority=102,vlan_tci=0x1000/0x1000 actions=drop
       priority=103,vlan_tci=0x1001/0x1003 actions=drop
       priority=104,dl_vlan=7,dl_vlan_pcp=3 actions=drop
       priority=105,metadata=0x2775/0xffffff,dl_dst=52:54:00:1b:9c:02 actions=drop
       priority=106,metadata=0,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=drop
       priority=107,tun_id=0x2775,tun_src=192.0.2.1,tun_dst=10.0.0.0/255.0.255.0 actions=drop
       priority=108,pkt_mark=0x3,reg0=0,reg3=0x10/0xf0 actions=drop
       priority=109,arp,arp_spa=10.0.0.1,arp_tpa=10.0.0.0/8,arp_op=1,arp_sha=52:54:00:1b:9c:02,arp_tha=00:00:00:00:00:00 actions=drop
       priority=110,ip,nw_src=10.0.0.1,nw_dst=0.0.0.1/0.0.0.255,nw_tos=32,nw_ecn=2 actions=drop
       priority=111,ip,nw_proto=99 actions=drop
       priority=112,tcp,tp_src=0x10/0xfff0,tp_dst=443,tcp_flags=+syn-ack actions=drop
       priority=113,tcp,tcp_flags=syn|ack actions=drop
       priority=114,udp,tp_src=67 actions=drop
       priority=115,sctp,tp_dst=80 actions=drop
       priority=116,icmp,icmp_type=8,icmp_code=0 actions=drop
       priority=117,ipv6,ipv6_src=2001:db8::/32,ipv6_dst=::1,ipv6_label=0x00005 actions=drop
       priority=118,ipv6,ipv6_src=2001:db8::1/ffff:ffff::1,ipv6_dst=:: actions=drop
       priority=119,udp6,ipv6_src=::ffff:10.0.0.1,tp_src=547,tp_dst=0x50/0xf0 actions=drop
       priority=120,tcp6,tp_dst=80 actions=drop
       priority=121,icmp6,icmp_type=135,nd_target=2001:db8::1,nd_sll=52:54:00:1b:9c:02 actions=drop
       priority=122,icmp6,icmp_type=136,nd_target=fe80::1,nd_tll=00:00:00:00:00:00 actions=drop
       priority=123,dl_type=0x88cc actions=drop
       priority=124,mpls actions=drop
       priority=125,rarp actions=drop
       priority=126 actions=drop
       table=1, priority=100 actions=write_metadata:0x2775/0xffffff,goto_table:9
       table=1, priority=101 actions=write_metadata:0,goto_table:9
       table=1, priority=102 actions=write_metadata:0/0,goto_table:9
       table=1, priority=103,dl_vlan=100 actions=pop_vlan,goto_table:9
       table=1, priority=104,arp actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:52:54:00:1b:9c:02->eth_src,set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],set_field:52:54:00:1b:9c:02->arp_sha,set_field:10.0.0.1->arp_spa,IN_PORT
       table=1, priority=105 actions=push_vlan:0x8100,set_field:4097->vlan_vid,output:1
       table=1, priority=106 actions=set_field:0x2775->tun_id,set_field:192.0.2.2->tun_dst,set_field:192.0.2.1->tun_src
       table=1, priority=107 actions=group:5
       table=1, priority=108 actions=LOCAL,ALL,FLOOD,NORMAL
       table=1, priority=109 actions=CONTROLLER:128,CONTROLLER:65535
       table=1, priority=110,ip actions=dec_ttl,mod_nw_ttl:3,set_queue:3,set_field:2->ip_dscp,clear_actions,write_actions(set_field:52:54:00:1b:9c:02->eth_src,group:5),goto_table:9
       table=1, priority=111,tcp actions=set_field:80->tcp_src,set_field:10.0.0.1->ip_dst,set_field:10.0.0.0/8->ip_src,set_field:1->nw_ecn,set_field:0x5->reg3,set_field:0x5/0xf->reg4,set_field:0->metadata,set_field:0x5->pkt_mark,set_field:0->tcp_dst
       table=1, priority=112,icmp6,icmp_type=136 actions=set_field:2001:db8::1->nd_target,set_field:52:54:00:1b:9c:02->nd_tll,set_field:2001:db8::1->ipv6_src,set_field:136->icmpv6_type,set_field:1->icmpv6_code,set_field:0x5->ipv6_label
       table=1, priority=113,icmp actions=set_field:8->icmp_type,set_field:0->icmp_code
       table=1, priority=114,udp actions=set_field:8->udp_src,set_field:9->udp_dst
       table=1, priority=115 actions=move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31],move:OXM_OF_METADATA[0..31]->NXM_NX_REG1[],move:NXM_OF_ETH_SRC[0]->NXM_OF_ETH_DST[1]
       table=1, priority=116,vlan_tci=0x1000/0x1000 actions=set_field:4097/0x1003->vlan_vid,set_field:3->vlan_pcp
       cookie=0x5701000000000001, table=2, actions=drop
       table=2, idle_timeout=300, hard_timeout=600, importance=7, arp actions=drop
       table=2, send_flow_rem check_overlap no_packet_counts no_byte_counts priority=0 actions=drop"
    `)
  })

  it('writes groups', () => {
    expect(everyKindOfGroup.map((one) => groupNotation(group(one))).join('\n')).toMatchInlineSnapshot(`
      "group_id=5,type=all,bucket=actions=output:1,bucket=actions=push_vlan:0x8100,set_field:4097->vlan_vid,output:2,bucket=actions=set_field:0x2775->tun_id,set_field:192.0.2.2->tun_dst,output:3
      group_id=6,type=select,bucket=weight:5,actions=output:1,bucket=actions=drop
      group_id=7,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_group:5,actions=group:5
      group_id=8,type=indirect,bucket=actions=group:5
      group_id=9,type=all"
    `)
  })

  it('always names table and priority for people, and leaves the cookie out', () => {
    const one = entry({ table: 0, priority: 0x8000, match: [], instructions: [], cookie: 5n })
    expect(entryNotation(one)).toBe('table=0, priority=32768 actions=drop')
    expect(dumpNotation(one)).toBe(' cookie=0x5, actions=drop')
  })
})
