/**
 * The header and metadata fields that a table entry may match or set, by their OpenFlow 1.5.1 names (section 7.2.3.8);
 * those of Open vSwitch's extension (`reg0`, `tun_src`, …) by the names that ovs-fields(7) gives them.
 * `bits` is the width of the value; `maskable` as Open vSwitch 3.1 accepts it.
 */
export const FIELDS = {
  in_port: { bits: 32, maskable: false },
  in_phy_port: { bits: 32, maskable: false },
  metadata: { bits: 64, maskable: true },
  tunnel_id: { bits: 64, maskable: true },
  tun_src: { bits: 32, maskable: true },
  tun_dst: { bits: 32, maskable: true },
  reg0: { bits: 32, maskable: true },
  reg1: { bits: 32, maskable: true },
  reg2: { bits: 32, maskable: true },
  reg3: { bits: 32, maskable: true },
  reg4: { bits: 32, maskable: true },
  reg5: { bits: 32, maskable: true },
  reg6: { bits: 32, maskable: true },
  reg7: { bits: 32, maskable: true },
  pkt_mark: { bits: 32, maskable: true },
  eth_dst: { bits: 48, maskable: true },
  eth_src: { bits: 48, maskable: true },
  eth_type: { bits: 16, maskable: false },
  /** 13 bits: OFPVID_PRESENT (0x1000) and the 12-bit VLAN id; 0 matches an untagged frame. */
  vlan_vid: { bits: 13, maskable: true },
  vlan_pcp: { bits: 3, maskable: false },
  ip_dscp: { bits: 6, maskable: false },
  ip_ecn: { bits: 2, maskable: false },
  ip_proto: { bits: 8, maskable: false },
  ipv4_src: { bits: 32, maskable: true },
  ipv4_dst: { bits: 32, maskable: true },
  ipv6_src: { bits: 128, maskable: true },
  ipv6_dst: { bits: 128, maskable: true },
  ipv6_flabel: { bits: 20, maskable: true },
  arp_op: { bits: 16, maskable: false },
  arp_spa: { bits: 32, maskable: true },
  arp_tpa: { bits: 32, maskable: true },
  arp_sha: { bits: 48, maskable: true },
  arp_tha: { bits: 48, maskable: true },
  tcp_src: { bits: 16, maskable: true },
  tcp_dst: { bits: 16, maskable: true },
  tcp_flags: { bits: 12, maskable: true },
  udp_src: { bits: 16, maskable: true },
  udp_dst: { bits: 16, maskable: true },
  sctp_src: { bits: 16, maskable: true },
  sctp_dst: { bits: 16, maskable: true },
  icmpv4_type: { bits: 8, maskable: false },
  icmpv4_code: { bits: 8, maskable: false },
  icmpv6_type: { bits: 8, maskable: false },
  icmpv6_code: { bits: 8, maskable: false },
  ipv6_nd_target: { bits: 128, maskable: true },
  ipv6_nd_sll: { bits: 48, maskable: true },
  ipv6_nd_tll: { bits: 48, maskable: true },
} as const satisfies Record<string, { bits: number; maskable: boolean }>

export type FieldName = keyof typeof FIELDS

/** Every field, in the order in which a canonical match lists them: an entry's prerequisites come before what needs them. */
export const FIELD_NAMES = Object.keys(FIELDS) as FieldName[]

export const isFieldName = (name: string): name is FieldName => Object.hasOwn(FIELDS, name)
