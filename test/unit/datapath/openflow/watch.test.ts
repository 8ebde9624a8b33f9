import { describe, expect, it, vi } from 'vitest'
import type { FlowUpdate } from '#server/codec/openflow/monitor.ts'
import { burst, changedPorts, foreignMove, movedGroups } from '#server/datapath/openflow/watch.ts'
import { group } from '#server/engine/program/entry.ts'

const full = (type: 'initial' | 'added' | 'removed' | 'modified'): FlowUpdate => ({
  ...{ type, table: 3, reason: 'delete', idle_timeout: 0, hard_timeout: 0, priority: 7, cookie: 0n },
  match: [{ field: 'eth_type', value: 0x800n }],
  instructions: [],
})

describe('a flow update', () => {
  it('of somebody else says what happened, in the notation of entries', () => {
    expect(foreignMove(full('added'))).toBe('table=3,priority=7,ip was added')
    expect(foreignMove(full('modified'))).toBe('table=3,priority=7,ip was modified')
    expect(foreignMove(full('removed'))).toBe('table=3,priority=7,ip was removed (delete)')
  })

  it('of our own doing, or of what was there before, says nothing', () => {
    expect(foreignMove({ type: 'abbreviated', xid: 9 })).toBeUndefined()
    expect(foreignMove(full('initial'))).toBeUndefined()
  })

  it('after a pause means that something may have been missed', () => {
    expect(foreignMove({ type: 'paused' })).toBeUndefined()
    expect(foreignMove({ type: 'resumed' })).toBe('the switch had paused its reports')
  })
})

describe('two looks at the groups', () => {
  const all = (number: number, ...ports: number[]) =>
    group({ group: number, type: 'all', buckets: ports.map((port) => ({ actions: [{ type: 'output', port }] })) })
  const held = (...groups: ReturnType<typeof all>[]) => new Map(groups.map((one) => [one.group, one]))

  it('show what was added, changed and removed in between', () => {
    expect(
      movedGroups(held(all(1, 1), all(2, 1), all(3, 1)), held(all(1, 1), all(2, 9), all(4, 1)), new Set()),
    ).toEqual([2, 4, 3])
  })

  it('do not show what is exempt', () => {
    expect(movedGroups(held(all(1, 1)), held(all(1, 2), all(2, 1)), new Set([1, 2]))).toEqual([])
  })
})

describe('ports', () => {
  const desc = (port: number, state = 4) => ({ port, hw_addr: 1n, name: `p${port}`, config: 0, state })
  const status = (reason: 'add' | 'delete' | 'modify', port: number, state?: number) =>
    ({ type: 'port_status', version: 6, xid: 0, reason, desc: desc(port, state) }) as const

  it('come, change and go', () => {
    const one = changedPorts([], status('add', 2)) ?? []
    const two = changedPorts(one, status('add', 1)) ?? []
    expect(two.map(({ port, name, up }) => [port, name, up])).toEqual([
      [1, 'p1', true],
      [2, 'p2', true],
    ])
    const down = changedPorts(two, status('modify', 1, 1)) ?? []
    expect(down.map(({ port, up }) => [port, up])).toEqual([
      [1, false],
      [2, true],
    ])
    expect(changedPorts(down, status('delete', 1))?.map(({ port }) => port)).toEqual([2])
  })

  it('do not change by anything else', () => {
    expect(changedPorts([], { type: 'barrier_reply', version: 6, xid: 0 })).toBeUndefined()
  })
})

describe('a burst', () => {
  it('is told once, all together, and not after it was stopped', () => {
    vi.useFakeTimers()
    const tell = vi.fn()
    const events = burst<number>(tell, 20)
    events.add(1)
    events.add(2)
    vi.advanceTimersByTime(20)
    events.add(3)
    vi.advanceTimersByTime(20)
    expect(tell.mock.calls).toEqual([[[1, 2]], [[3]]])
    events.add(4)
    events.stop()
    vi.advanceTimersByTime(100)
    expect(tell).toHaveBeenCalledTimes(2)
    vi.useRealTimers()
  })
})
