import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalInstructions } from '#server/engine/program/canonical.ts'
import { entry, group } from '#server/engine/program/entry.ts'
import { type Action, PORT } from '#server/kernel/action.ts'
import { action } from './arbitrary.ts'

const applied = (...actions: Action[]) => canonicalInstructions([{ type: 'apply_actions', actions }])

describe('the canonical form of what an entry does', () => {
  it('clears bits outside a mask and leaves a full mask out', () => {
    expect(
      applied(
        { type: 'set_field', field: 'reg0', value: 0xffn, mask: 0x0fn },
        { type: 'set_field', field: 'vlan_vid', value: 0x1001n, mask: 0xffffn },
      ),
    ).toEqual(
      applied(
        { type: 'set_field', field: 'reg0', value: 0x0fn, mask: 0x0fn },
        { type: 'set_field', field: 'vlan_vid', value: 0x1001n },
      ),
    )
    expect(canonicalInstructions([{ type: 'write_metadata', metadata: -1n, mask: 0xffn }])).toEqual([
      { type: 'write_metadata', metadata: 0xffn, mask: 0xffn },
    ])
  })

  it('keeps the length for the controller alone', () => {
    expect(applied({ type: 'output', port: 1, max_len: 0 }, { type: 'output', port: PORT.controller })).toEqual(
      applied({ type: 'output', port: 1 }, { type: 'output', port: PORT.controller, max_len: 0xffff }),
    )
  })

  it('orders instructions, never actions, and leaves empty lists out', () => {
    const actions: Action[] = [{ type: 'output', port: 2 }, { type: 'pop_vlan' }, { type: 'output', port: 1 }]
    expect(
      canonicalInstructions([
        { type: 'goto_table', table: 2 },
        { type: 'write_actions', actions: [] },
        { type: 'apply_actions', actions },
        { type: 'apply_actions', actions: [] },
      ]),
    ).toEqual([
      { type: 'apply_actions', actions },
      { type: 'goto_table', table: 2 },
    ])
  })

  it('does not change what is canonical', () => {
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        const once = applied(...actions)
        expect(canonicalInstructions(once)).toBe(once)
      }),
    )
  })

  it('gives weights to select groups alone, and forgets that nothing is watched', () => {
    const bucket = { actions: [], watch_port: PORT.any, watch_group: 0xffffffff }
    expect(group({ group: 1, type: 'select', buckets: [bucket] }).buckets).toEqual([{ weight: 1, actions: [] }])
    expect(group({ group: 1, type: 'all', buckets: [{ ...bucket, weight: 1 }] }).buckets).toEqual([
      { weight: 0, actions: [] },
    ])
  })

  it('makes one key of all ways to write one match', () => {
    const key = (match: Parameters<typeof entry>[0]['match']) =>
      entry({ table: 0, priority: 1, match, instructions: [] }).key
    expect(
      key([
        { field: 'eth_dst', value: 0xffn, mask: 0x0fn },
        { field: 'in_port', value: 1n, mask: 0xffffffffn },
        { field: 'metadata', value: 5n, mask: 0n },
      ]),
    ).toBe(
      key([
        { field: 'in_port', value: 1n },
        { field: 'eth_dst', value: 0x0fn, mask: 0x0fn },
      ]),
    )
  })
})
