import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entry, group } from '#server/engine/program/entry.ts'
import { evaluate, type Packet } from '#server/engine/program/evaluate.ts'
import { tableLookup } from '#server/engine/program/lookup.ts'
import { type Action, type Instruction, PORT } from '#server/kernel/action.ts'
import { type FieldMatch, fullMask } from '#server/kernel/match.ts'
import { anEntry, programOf } from './arbitrary.ts'

const out = (port: number): Action => ({ type: 'output', port })
const set = (field: FieldMatch['field'], value: bigint, mask?: bigint): Action => ({
  type: 'set_field',
  ...{ field, value },
  ...(mask === undefined ? {} : { mask }),
})
const apply = (...actions: Action[]): Instruction => ({ type: 'apply_actions', actions })
const goto = (table: number): Instruction => ({ type: 'goto_table', table })
const at = (table: number, priority: number, match: FieldMatch[], ...instructions: Instruction[]) =>
  entry({ table, priority, match, instructions })

const packet: Packet = { in_port: 1, fields: { eth_dst: 0x0an, eth_src: 0x0bn } }
const ports = (actions: Action[], groups: Parameters<typeof group>[0][] = [], from: Packet = packet) =>
  evaluate(programOf([at(0, 1, [], apply(...actions))], groups.map(group)), from, { ports: [1, 2, 3] }).outputs.map(
    (one) => one.port,
  )

describe('what a program does with a packet', () => {
  it('drops on a miss, and says where', () => {
    const missed = evaluate(programOf([at(0, 1, [], goto(5))]), packet)
    expect(missed).toMatchObject({ dropped: true, outputs: [], trace: [{ table: 0 }, { table: 5 }] })
    expect(missed.trace[1]).not.toHaveProperty('entry')
  })

  it('takes the entry of highest priority whose fields agree under the mask', () => {
    const group = { field: 'eth_dst', value: 0x0800n, mask: 0x0f00n } as const
    const program = programOf([
      at(0, 1, [], apply(out(2))),
      at(0, 9, [{ field: 'eth_dst', value: 0x0an }], apply(out(3))),
      at(0, 5, [group], apply(out(4))),
    ])
    const to = (eth_dst: bigint) => evaluate(program, { in_port: 1, fields: { eth_dst } }).outputs[0]?.port
    expect([to(0x0an), to(0x28ffn), to(0x29ffn)]).toEqual([3, 4, 2])
  })

  it('finds in its index what a walk over all entries finds', () => {
    const takes = (match: readonly FieldMatch[], from: Packet) =>
      match.every(({ field, value, mask }) => {
        const has = field === 'in_port' ? BigInt(from.in_port) : (from.fields[field] ?? 0n)
        return (has & (mask ?? fullMask(field))) === value
      })
    fc.assert(
      fc.property(fc.array(anEntry, { minLength: 1, maxLength: 15 }), fc.nat(), (entries, pick) => {
        const model = entries[pick % entries.length]?.match ?? []
        const fields = Object.fromEntries(model.map(({ field, value }) => [field, value]))
        const from: Packet = { in_port: Number(fields.in_port ?? 7n), fields }
        const best = entries.filter((one) => takes(one.match, from)).map((one) => one.priority)
        expect(tableLookup(entries)(from)?.priority).toBe(Math.max(...best))
      }),
      { numRuns: 300 },
    )
  })

  it('does not send a packet back to where it came from, unless told to', () => {
    expect(ports([out(1), out(2)])).toEqual([2])
    expect(ports([out(PORT.in_port)])).toEqual([1])
    expect(ports([out(PORT.all)])).toEqual([2, 3])
  })

  it('performs actions in order: each copy leaves as the packet is then', () => {
    const verdict = evaluate(programOf([at(0, 1, [], apply(out(2), set('eth_src', 0xffn), out(3)))]), packet)
    expect(verdict.outputs.map(({ packet: one }) => one.fields.eth_src)).toEqual([0x0bn, 0xffn])
  })

  it('pushes and pops VLAN tags, inner ones kept', () => {
    const tagged = { ...packet, fields: { ...packet.fields, vlan_vid: 0x1005n, vlan_pcp: 2n } }
    const left = (...actions: Action[]) =>
      evaluate(programOf([at(0, 1, [], apply(...actions, out(2)))]), tagged).outputs[0]?.packet
    const push: Action[] = [{ type: 'push_vlan', ethertype: 0x8100 }, set('vlan_vid', 0x1009n)]
    expect(left({ type: 'pop_vlan' })?.fields).toMatchObject({ vlan_vid: 0n, vlan_pcp: 0n })
    expect(left(...push)).toMatchObject({ fields: { vlan_vid: 0x1009n }, inner: [{ vid: 0x1005n, pcp: 2n }] })
    expect(left(...push, { type: 'pop_vlan' })?.fields).toEqual(tagged.fields)
  })

  it('sets and copies bits', () => {
    const verdict = evaluate(
      programOf([
        at(0, 1, [], { type: 'write_metadata', metadata: 0x2775n, mask: 0xffffffn }, goto(1)),
        at(
          1,
          1,
          [{ field: 'metadata', value: 0x2775n, mask: 0xffffffn }],
          apply(
            { type: 'copy_field', from: 'eth_src', from_offset: 0, to: 'eth_dst', to_offset: 40, bits: 8 },
            set('reg0', 0xf5n, 0x0fn),
            out(2),
          ),
        ),
      ]),
      { in_port: 1, fields: { ...packet.fields, metadata: 0xff000000n } },
    )
    expect(verdict.outputs[0]?.packet.fields).toMatchObject({
      metadata: 0xff002775n,
      eth_dst: 0x0b000000000an,
      reg0: 5n,
    })
  })

  it('performs the action set at the end, in its order, a group before an output', () => {
    const seven = group({ group: 7, type: 'indirect', buckets: [{ actions: [out(7)] }] })
    const write = (...actions: Action[]): Instruction => ({ type: 'write_actions', actions })
    const last = (...instructions: Instruction[]) =>
      evaluate(programOf([at(0, 1, [], ...instructions)], [seven]), packet).outputs
    expect(last(write(out(2), out(3), set('eth_src', 1n)))).toMatchObject([
      { port: 3, packet: { fields: { eth_src: 1n } } },
    ])
    expect(last(write(out(2), { type: 'group', group: 7 })).map((one) => one.port)).toEqual([7])
    expect(last(write(out(2)), { type: 'clear_actions' })).toMatchObject([{ port: 2 }])
    const cleared = programOf([at(0, 1, [], write(out(2)), goto(1)), at(1, 1, [], { type: 'clear_actions' })])
    expect(evaluate(cleared, packet).dropped).toBe(true)
    expect(evaluate(programOf([at(0, 1, [], write(out(2)), goto(1))]), packet).dropped).toBe(true)
  })

  it('gives every bucket of an all group a copy, and tells where it could not judge', () => {
    const bucket = (port: number, ...actions: Action[]) => ({ actions: [...actions, out(port)] })
    const five = { group: 5, type: 'all' as const, buckets: [bucket(1), bucket(2, set('eth_src', 9n)), bucket(3)] }
    const verdict = evaluate(programOf([at(0, 1, [], apply({ type: 'group', group: 5 }))], [group(five)]), packet)
    expect(verdict.outputs.map(({ port, packet: one }) => [port, one.fields.eth_src])).toEqual([
      [2, 9n],
      [3, 0x0bn],
    ])
    expect(verdict.doubts).toEqual([])
    const select = { ...five, type: 'select' as const }
    expect(
      evaluate(programOf([at(0, 1, [], apply({ type: 'group', group: 5 }))], [group(select)]), packet).doubts,
    ).toEqual(['one of 3 buckets of group 5'])
    expect(evaluate(programOf([at(0, 1, [], apply({ type: 'group', group: 6 }))]), packet).doubts).toHaveLength(1)
    const loop = group({ group: 6, type: 'all', buckets: [{ actions: [{ type: 'group', group: 6 }] }] })
    expect(evaluate(programOf([at(0, 1, [], apply({ type: 'group', group: 6 }))], [loop]), packet).dropped).toBe(true)
  })

  it('tells the controller', () => {
    expect(evaluate(programOf([at(0, 1, [], apply(out(PORT.controller)))]), packet)).toMatchObject({
      controller: true,
      dropped: false,
    })
  })
})
