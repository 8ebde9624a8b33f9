import { connect } from 'node:net'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { FlowEntry } from '#server/codec/openflow/flow.ts'
import { framer } from '#server/codec/openflow/framer.ts'
import { helloOf, negotiate } from '#server/codec/openflow/hello.ts'
import { decode, encode, type Message, type MessageOf } from '#server/codec/openflow/message.ts'
import type { Version } from '#server/codec/openflow/version.ts'
import { toHex } from '#server/codec/wire/hex.ts'
import type { Action, Instruction } from '#server/kernel/action.ts'
import { FIELDS, type FieldName } from '#server/kernel/field.ts'
import { canonicalMatch, type FieldMatch, fullMask, type Match, matchKey } from '#server/kernel/match.ts'
import { type Openvswitch, startPeer, stopPeersAfterAll, until } from './openvswitch.ts'

const BRIDGE = 'codec0'
const ANY = 0xffffffff
let peer: Openvswitch

beforeAll(async () => {
  stopPeersAfterAll()
  peer = await startPeer({ datapath: 'dummy' })
  await peer.addBridge(BRIDGE, { failMode: 'secure', datapathId: '00000000000c0dec' })
})

type Body<M> = M extends Message ? Omit<M, 'version' | 'xid'> : never

/** A bare connection to the bridge's own socket that keeps every message it gets. */
async function dial(version: Version) {
  const socket = connect(`${peer.dir}/${BRIDGE}.mgmt`)
  const frames = framer()
  const inbox: Message[] = []
  const faults: string[] = []
  let xid = 0
  socket.on('data', (chunk: Uint8Array) => {
    const cut = frames.push(chunk)
    if (!cut.ok) faults.push(cut.error.message)
    for (const bytes of cut.ok ? cut.value : []) {
      const message = decode(bytes)
      if (message.ok) inbox.push(message.value)
      else faults.push(message.error.message)
    }
  })
  const send = (message: Body<Message>): number => {
    xid++
    socket.write(encode({ ...message, version, xid } as Message))
    return xid
  }
  /** Waits until what was sent before is done; answers everything that came meanwhile. */
  const settle = async (): Promise<Message[]> => {
    const barrier = send({ type: 'barrier_request' })
    await until(
      'the barrier',
      () => faults.length > 0 || inbox.some((m) => m.type === 'barrier_reply' && m.xid === barrier),
    )
    expect(faults).toEqual([])
    return inbox.splice(0)
  }
  send({ type: 'hello', ...helloOf([version]) })
  await until('a hello', () => inbox.length > 0)
  return { send, settle, inbox, close: () => socket.destroy() }
}

const number = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n })

/** A field with a value and, where the switch takes one, sometimes a mask. */
const some = (field: FieldName): fc.Arbitrary<FieldMatch> => {
  const mask = FIELDS[field].maskable
    ? fc.option(number(FIELDS[field].bits), { nil: undefined })
    : fc.constant(undefined)
  return fc
    .tuple(number(FIELDS[field].bits), mask)
    .map(([value, m]) => (m === undefined ? { field, value } : { field, value: value & m, mask: m }))
}
const exactly = (field: FieldName, value: bigint): fc.Arbitrary<FieldMatch> => fc.constant({ field, value })
const subset = (names: readonly FieldName[]) => fc.subarray([...names]).chain((kept) => fc.tuple(...kept.map(some)))
const joined = (...parts: fc.Arbitrary<readonly FieldMatch[]>[]) => fc.tuple(...parts).map((all) => all.flat())

const anywhere = subset([
  ...(['metadata', 'tunnel_id', 'tun_src', 'tun_dst', 'reg0', 'reg1', 'reg2', 'reg5', 'reg7'] as const),
  ...(['pkt_mark', 'eth_dst', 'eth_src'] as const),
])
const port = fc
  .option(fc.integer({ min: 1, max: 0xfeff }), { nil: undefined })
  .map((n): FieldMatch[] => (n === undefined ? [] : [{ field: 'in_port', value: BigInt(n) }]))
const vlan = fc.oneof(
  fc.constant<FieldMatch[]>([]),
  fc.constant<FieldMatch[]>([{ field: 'vlan_vid', value: 0n }]),
  fc.constant<FieldMatch[]>([{ field: 'vlan_vid', value: 0x1000n, mask: 0x1000n }]),
  fc.tuple(number(12), number(3)).map(([vid, pcp]): FieldMatch[] => [
    { field: 'vlan_vid', value: 0x1000n | vid },
    { field: 'vlan_pcp', value: pcp },
  ]),
)
const ports = (proto: bigint, names: readonly FieldName[]) =>
  joined(fc.tuple(exactly('ip_proto', proto)), subset(names))
const transport = fc.oneof(
  fc.constant<FieldMatch[]>([]),
  ports(6n, ['tcp_src', 'tcp_dst', 'tcp_flags']),
  ports(17n, ['udp_src', 'udp_dst']),
  ports(132n, ['sctp_src', 'sctp_dst']),
)
const ip = (type: bigint, names: readonly FieldName[], icmp: fc.Arbitrary<readonly FieldMatch[]>) =>
  joined(fc.tuple(exactly('eth_type', type)), subset([...names, 'ip_dscp', 'ip_ecn']), fc.oneof(transport, icmp))
const neighbour = joined(
  fc.tuple(exactly('ip_proto', 58n), exactly('icmpv6_type', 135n), exactly('icmpv6_code', 0n)),
  subset(['ipv6_nd_target', 'ipv6_nd_sll']),
)
const network = fc.oneof(
  fc.constant<FieldMatch[]>([]),
  ip(0x800n, ['ipv4_src', 'ipv4_dst'], ports(1n, ['icmpv4_type', 'icmpv4_code'])),
  ip(0x86ddn, ['ipv6_src', 'ipv6_dst', 'ipv6_flabel'], neighbour),
  joined(
    fc.tuple(exactly('eth_type', 0x806n)),
    fc.integer({ min: 0, max: 255 }).map((op): FieldMatch[] => [{ field: 'arp_op', value: BigInt(op) }]),
    subset(['arp_spa', 'arp_tpa', 'arp_sha', 'arp_tha']),
  ),
)
const match: fc.Arbitrary<Match> = joined(port, anywhere, vlan, network).map(canonicalMatch)

/** A mask of neighbouring ones: before 1.5 the switch gives any other back as several actions. */
const run = (bits: number) =>
  fc.tuple(fc.integer({ min: 1, max: bits - 1 }), fc.integer({ min: 0, max: bits - 2 })).map(([size, offset]) => {
    const length = Math.min(size, bits - offset)
    return ((1n << BigInt(length)) - 1n) << BigInt(offset)
  })

const settable = ['metadata', 'tunnel_id', 'reg0', 'reg3', 'reg7', 'pkt_mark', 'eth_src', 'eth_dst', 'tun_dst'] as const
const setField = (version: Version): fc.Arbitrary<Action> =>
  fc.constantFrom(...settable).chain((field) => {
    const bits = FIELDS[field].bits
    const scattered = number(bits).filter((m) => m !== 0n && m !== fullMask(field))
    const mask = fc.option(version === 6 ? scattered : run(bits), { nil: undefined })
    return fc
      .tuple(number(bits), mask)
      .map(
        ([value, m]): Action =>
          m === undefined
            ? { type: 'set_field', field, value }
            : { type: 'set_field', field, value: value & m, mask: m },
      )
  })
const copyField: fc.Arbitrary<Action> = fc
  .tuple(
    fc.constantFrom(...settable),
    fc.constantFrom(...settable),
    fc.integer({ min: 1, max: 16 }),
    fc.nat(16),
    fc.nat(16),
  )
  .map(([from, to, bits, from_offset, to_offset]) => ({ type: 'copy_field', from, to, bits, from_offset, to_offset }))

const action = (version: Version): fc.Arbitrary<Action> =>
  fc.oneof(
    fc.integer({ min: 1, max: 0xfeff }).map((n): Action => ({ type: 'output', port: n })),
    fc.constantFrom<Action>(
      { type: 'output', port: 0xfffffff8 },
      { type: 'output', port: 0xfffffffd, max_len: 128 },
      { type: 'output', port: 0xfffffffd, max_len: 0xffff },
      { type: 'set_queue', queue: 7 },
      { type: 'group', group: 1 },
    ),
    setField(version),
    copyField,
  )

/** The switch pops only a tag of which it knows, so that a push comes before it. */
const tagging = fc.constantFrom<Action[]>(
  [{ type: 'push_vlan', ethertype: 0x8100 }],
  [
    { type: 'push_vlan', ethertype: 0x88a8 },
    { type: 'set_field', field: 'vlan_vid', value: 0x1064n },
  ],
  [{ type: 'push_vlan', ethertype: 0x8100 }, { type: 'pop_vlan' }],
)
/** It pushes one tag and no more (bad_tag). */
const actions = (version: Version): fc.Arbitrary<Action[]> =>
  fc
    .tuple(
      fc.array(action(version), { maxLength: 3 }),
      fc.option(tagging, { nil: [] }),
      fc.array(action(version), { maxLength: 3 }),
    )
    .map((parts) => parts.flat())

const instructions = (version: Version): fc.Arbitrary<Instruction[]> =>
  fc
    .record({
      apply: actions(version),
      clear: fc.boolean(),
      metadata: fc.option(
        fc.tuple(
          number(64),
          number(64).filter((m) => m !== 0n),
        ),
        { nil: undefined },
      ),
      table: fc.option(fc.integer({ min: 10, max: 253 }), { nil: undefined }),
    })
    .map(({ apply, clear, metadata, table }) => [
      ...(apply.length > 0 ? [{ type: 'apply_actions' as const, actions: apply }] : []),
      ...(clear ? [{ type: 'clear_actions' as const }] : []),
      ...(metadata
        ? [{ type: 'write_metadata' as const, metadata: metadata[0] & metadata[1], mask: metadata[1] }]
        : []),
      ...(table === undefined ? [] : [{ type: 'goto_table' as const, table }]),
    ])

const blank = {
  type: 'flow_mod' as const,
  cookie: 0n,
  cookie_mask: 0n,
  idle_timeout: 0,
  hard_timeout: 0,
  buffer_id: ANY,
  out_port: ANY,
  out_group: ANY,
  flags: 0,
  importance: 0,
  match: [],
  instructions: [],
}

const keyOf = (e: { priority: number; match: Match }) => `${e.priority} ${matchKey(e.match)}`

async function dump(link: Awaited<ReturnType<typeof dial>>): Promise<FlowEntry[]> {
  const filter = { table: 0xff, out_port: ANY, out_group: ANY, cookie: 0n, cookie_mask: 0n, match: [] }
  link.send({ type: 'multipart_request', more: false, body: { type: 'flow', ...filter } })
  const replies = (await link.settle()).filter((m): m is MessageOf<'multipart_reply'> => m.type === 'multipart_reply')
  expect(replies.map((r) => r.more)).toEqual([...replies.slice(1).map(() => true), false])
  return replies.flatMap((r) => (r.body.type === 'flow' ? r.body.flows : []))
}

describe.each([4, 5, 6] as const)('a real Open vSwitch, wire version %i', (version) => {
  it('says hello and its features', async () => {
    const link = await dial(version)
    const hello = link.inbox[0] as MessageOf<'hello'>
    expect(negotiate([version], hello)).toBe(version)
    link.send({ type: 'features_request' })
    expect(await link.settle()).toContainEqual(
      expect.objectContaining({ type: 'features_reply', version, datapath_id: 0xc0decn, n_tables: 254 }),
    )
    link.close()
  })

  it('gives random entries back as they were written', async () => {
    const link = await dial(version)
    link.send({ ...blank, table: 0xff, command: 'delete', priority: 0 })
    link.send({
      type: 'group_mod',
      command: 'delete',
      group_type: 'all',
      group: 0xfffffffc,
      command_bucket_id: ANY,
      buckets: [],
      properties: [],
    })
    link.send({
      type: 'group_mod',
      command: 'add',
      group_type: 'all',
      group: 1,
      command_bucket_id: ANY,
      buckets: [],
      properties: [],
    })
    expect(await link.settle()).toMatchObject([{ type: 'hello' }, { type: 'barrier_reply' }])

    const entry = fc.record({
      priority: fc.integer({ min: 0, max: 65_535 }),
      match,
      instructions: instructions(version),
    })
    const wanted = new Map(fc.sample(entry, { numRuns: 400, seed: 7 * version }).map((e) => [keyOf(e), e]))
    let cookie = 0xa501_0000_0000_0000n
    for (const e of wanted.values()) {
      cookie++
      link.send({ ...blank, ...e, table: 3, command: 'add', cookie, idle_timeout: 60, hard_timeout: 600, flags: 1 })
    }
    const refused = (await link.settle()).filter((m): m is MessageOf<'error'> => m.type === 'error')
    expect(refused.map((e) => `${e.error_type} ${e.code} ${toHex(e.data)}`)).toEqual([])

    const held = new Map((await dump(link)).map((e) => [keyOf(e), e]))
    expect(held.size).toBe(wanted.size)
    for (const [key, e] of wanted)
      expect(held.get(key)).toMatchObject({
        ...e,
        table: 3,
        idle_timeout: 60,
        hard_timeout: 600,
        flags: 1,
        packet_count: 0n,
      })
    link.close()
  })

  it('takes a bundle and tells of a bad one by name', async () => {
    const link = await dial(version)
    const bundle = (command: 'open_request' | 'commit_request', id: number) =>
      link.send({ type: 'bundle_control', bundle: id, command, flags: 3, properties: [] })
    const add = (id: number, group: number) => {
      // The message inside has the xid of the one around it, which is the next.
      const xid = link.send({ type: 'echo_request', data: new Uint8Array(0) }) + 1
      const inner = {
        ...blank,
        version,
        xid,
        table: 9,
        command: 'add',
        priority: group,
        match: [{ field: 'in_port', value: 2n }],
      }
      const instructions = [{ type: 'apply_actions', actions: [{ type: 'group', group }] }]
      link.send({ type: 'bundle_add', bundle: id, flags: 3, message: { ...inner, instructions } as Message })
    }
    bundle('open_request', 1)
    add(1, 1)
    bundle('commit_request', 1)
    const good = await link.settle()
    expect(good.filter((m) => m.type === 'error')).toEqual([])
    expect(good).toContainEqual(expect.objectContaining({ type: 'bundle_control', command: 'commit_reply' }))

    bundle('open_request', 2)
    add(2, 77)
    bundle('commit_request', 2)
    const bad = (await link.settle()).filter((m): m is MessageOf<'error'> => m.type === 'error')
    expect(bad.map((m) => m.code)).toEqual(['bad_out_group', 'msg_failed'])
    link.close()
  })

  it('describes its ports and groups', async () => {
    const link = await dial(version)
    const buckets = [
      { weight: 10, bucket_id: 1, actions: [{ type: 'output' as const, port: 5 }] },
      { weight: 20, bucket_id: 2, actions: [{ type: 'set_field' as const, field: 'reg0' as const, value: 1n }] },
    ]
    link.send({
      type: 'group_mod',
      command: 'add',
      group_type: 'select',
      group: 50 + version,
      command_bucket_id: ANY,
      buckets,
      properties: [],
    })
    link.send({ type: 'multipart_request', more: false, body: { type: 'group_desc', group: 0xfffffffc } })
    link.send({ type: 'multipart_request', more: false, body: { type: 'port_desc', port: ANY } })
    link.send({ type: 'multipart_request', more: false, body: { type: 'desc' } })
    const bodies = (await link.settle()).flatMap((m) => (m.type === 'multipart_reply' ? [m.body] : []))
    const groups = bodies.flatMap((b) => (b.type === 'group_desc' ? b.groups : []))
    const expected = buckets.map(({ bucket_id, ...b }) => (version === 6 ? { bucket_id, ...b } : b))
    expect(groups.find((g) => g.group === 50 + version)).toMatchObject({ group_type: 'select', buckets: expected })
    expect(bodies.flatMap((b) => (b.type === 'port_desc' ? b.ports : []))).toMatchObject([
      { port: 0xfffffffe, name: BRIDGE },
    ])
    expect(bodies).toContainEqual(expect.objectContaining({ type: 'desc', hardware: 'Open vSwitch' }))
    link.close()
  })
})
