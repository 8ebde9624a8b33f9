/**
 * Speed of the OpenFlow codec in one thread. Run: `node test/bench/codec.ts`.
 * Prints messages per second for encoding, and the time of decoding flow statistics of 100,000 entries.
 */
import { decode, encode, encodeInto, type Message, type MessageOf } from '#server/codec/openflow/message.ts'
import { writerOf } from '#server/codec/wire/writer.ts'

const flowMod = (n: number): MessageOf<'flow_mod'> => ({
  version: 6,
  xid: n,
  type: 'flow_mod',
  cookie: 0xa500000000000000n + BigInt(n),
  cookie_mask: 0n,
  table: 10,
  command: 'add',
  idle_timeout: 0,
  hard_timeout: 0,
  priority: 1000,
  buffer_id: 0xffffffff,
  out_port: 0xffffffff,
  out_group: 0xffffffff,
  flags: 0,
  importance: 0,
  match: [
    { field: 'metadata', value: BigInt(n & 0xffff), mask: 0xffffn },
    { field: 'eth_dst', value: BigInt(n) + 0x525400000000n },
    { field: 'eth_type', value: 0x800n },
    { field: 'ipv4_dst', value: 0x0a000000n + BigInt(n) },
  ],
  instructions: [
    {
      type: 'apply_actions',
      actions: [
        { type: 'set_field', field: 'tunnel_id', value: 5001n },
        { type: 'output', port: 7 },
      ],
    },
    { type: 'goto_table', table: 20 },
  ],
})

const COUNT = 100_000
const mods = Array.from({ length: COUNT }, (_, n) => flowMod(n))

function rate(name: string, work: () => void): void {
  work()
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5; i++) {
    const from = performance.now()
    work()
    best = Math.min(best, performance.now() - from)
  }
  console.log(`${name}: ${best.toFixed(0)} ms for ${COUNT}, ${Math.round(COUNT / best)}k/s`)
}

rate('encode flow_mod', () => {
  for (const mod of mods) encode(mod)
})
rate('encode flow_mod into one buffer', () => {
  const w = writerOf(1 << 20)
  for (const mod of mods) encodeInto(w, mod)
})
const adds = mods.map(
  (message): Message => ({ version: 6, xid: message.xid, type: 'bundle_add', bundle: 1, flags: 3, message }),
)
rate('encode bundle_add(flow_mod) into one buffer', () => {
  const w = writerOf(1 << 20)
  for (const add of adds) encodeInto(w, add)
})
const encoded = mods.map(encode)
rate('decode flow_mod', () => {
  for (const bytes of encoded) decode(bytes)
})

/** Replies of 200 entries each, as a switch sends them. */
const replies = Array.from({ length: COUNT / 200 }, (_, i) =>
  encode({
    version: 6,
    xid: 1,
    type: 'multipart_reply',
    more: true,
    body: {
      type: 'flow',
      flows: mods.slice(i * 200, i * 200 + 200).map((m) => ({
        table: m.table,
        priority: m.priority,
        idle_timeout: 0,
        hard_timeout: 0,
        flags: 0,
        importance: 0,
        cookie: m.cookie,
        match: m.match,
        duration_sec: 5,
        duration_nsec: 1000,
        packet_count: 77n,
        byte_count: 7700n,
        instructions: m.instructions,
      })),
    },
  }),
)
rate('decode flow statistics', () => {
  for (const reply of replies) if (!decode(reply).ok) throw new Error('a reply did not decode')
})
