import { expect, test } from 'vitest'
import type { EventMessage } from '#server/contract/overview.ts'
import { ROLE_RIGHTS } from '#server/contract/rights.ts'
import { type Event, eventBus } from '#server/http/events.ts'

const RED = '0190a0a0-0000-7000-8000-00000000000a'
const BLUE = '0190a0a0-0000-7000-8000-00000000000b'
const network = (ref: string, tenantId: string | null = RED): Event => ({
  topic: 'network',
  kind: 'updated',
  ref,
  tenantId,
})

function ground(options: { kept?: number } = {}) {
  let now_ms = 0
  const bus = eventBus({ epoch: 'e1', clock: { now_ms: () => now_ms, monotonic_ms: () => now_ms }, ...options })
  const listen = (
    tenantId: string | null,
    lastId?: string,
    role: keyof typeof ROLE_RIGHTS = 'operator',
    accountId = 'anna',
  ) => {
    const got: EventMessage[] = []
    const end = bus.subscribe(
      { accountId, rights: new Set(ROLE_RIGHTS[role]), scope: { tenantId }, take: (m) => got.push(m) },
      lastId,
    )
    return { got, end, refs: () => got.map(({ ref }) => ref) }
  }
  const pass = (ms: number) => {
    now_ms += ms
  }
  return { bus, listen, pass }
}

test('a tenant hears of its own things alone, an operator of all', () => {
  const { bus, listen } = ground()
  const [red, all] = [listen(RED, undefined, 'tenant-member'), listen(null)]
  bus.publish(network('a'))
  bus.publish(network('b', BLUE))
  bus.publish(network('c', null))
  expect(red.refs()).toEqual(['a'])
  expect(all.refs()).toEqual(['a', 'b', 'c'])
})

test('a topic whose right one lacks is not heard', () => {
  const { bus, listen } = ground()
  const member = listen(RED, undefined, 'tenant-member')
  bus.publish({ topic: 'datapath', kind: 'away', ref: 'd', tenantId: RED })
  expect(member.got).toEqual([])
})

test('what one person is told is heard by that person alone, also when it is replayed', () => {
  const { bus, listen } = ground()
  const [anna, bert] = [listen(RED, undefined, 'tenant-member'), listen(null, undefined, 'operator', 'bert')]
  const first = listen(null, undefined, 'operator', 'carl')
  bus.publish(network('a'))
  bus.publish({ topic: 'notice', kind: 'updated', ref: 'n', tenantId: null, accountId: 'anna' })
  expect([anna.refs(), bert.refs(), first.refs()]).toEqual([['a', 'n'], ['a'], ['a']])
  expect(listen(null, first.got[0]?.id, 'operator', 'bert').refs()).toEqual([])
  expect(listen(RED, first.got[0]?.id, 'tenant-member').refs()).toEqual(['n'])
})

test('what was missed is replayed from the last id on', () => {
  const { bus, listen } = ground()
  const first = listen(null)
  for (const ref of ['a', 'b', 'c']) bus.publish(network(ref))
  first.end()
  bus.publish(network('d'))
  expect(listen(null, first.got[0]?.id).refs()).toEqual(['b', 'c', 'd'])
  expect(listen(null, first.got[2]?.id).refs()).toEqual(['d'])
})

test('after ten minutes, after a restart, and for words that are no id there is one resync', () => {
  const { bus, listen, pass } = ground()
  const first = listen(null)
  bus.publish(network('a'))
  bus.publish(network('b'))
  pass(601_000)
  bus.publish(network('c'))
  for (const lastId of [first.got[0]?.id, 'e0-2', 'e1-99', 'nonsense'])
    expect(listen(null, lastId).got.map(({ topic }) => topic)).toEqual(['resync'])
})

test('whoever has heard all of a quiet bus gets no resync, however long ago that was', () => {
  const { bus, listen, pass } = ground()
  const first = listen(null)
  bus.publish(network('a'))
  pass(3_600_000)
  expect(listen(null, first.got[0]?.id).got).toEqual([])
})

test('the ring stays bounded', () => {
  const { bus, listen } = ground({ kept: 100 })
  const first = listen(null)
  for (let n = 0; n < 1000; n++) bus.publish(network(String(n)))
  expect(listen(null, first.got[0]?.id).got.map(({ topic }) => topic)).toEqual(['resync'])
  expect(listen(null, first.got[950]?.id).got).toHaveLength(49)
})
