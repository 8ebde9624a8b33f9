import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Message, MessageOf } from '#server/codec/openflow/message.ts'
import { DriverError, type DriverEvent } from '#server/datapath/driver.ts'
import { type OpenflowDatapath, type OpenflowOptions, openflowDatapath } from '#server/datapath/openflow/driver.ts'
import { greet } from '#server/datapath/openflow/handshake.ts'
import type { Taker } from '#server/datapath/openflow/listener.ts'
import type { Listeners } from '#server/datapath/openflow/listeners.ts'
import { type Entry, entry, type Group, group } from '#server/engine/program/entry.ts'
import { type Difference, EMPTY_DIFFERENCE } from '#server/engine/program/program.ts'
import { type Answer, answerOf, type FakeSwitch, type FakeSwitchOptions, fakeSwitch } from './fake-switch.ts'

const running: OpenflowDatapath[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one.close()
})

/** A driver without an address: switches are brought to it. */
async function started(more: Partial<OpenflowOptions> = {}) {
  let take: Taker | undefined
  const serve: Listeners['serve'] = async (_endpoint, _id, taker) => {
    take = taker
    return async () => undefined
  }
  const datapath = openflowDatapath({
    ...{ id: 'dp-1', name: 'br-srv', datapathId: '00000000000000aa', log: () => undefined },
    controller: { type: 'unix', path: '/none' },
    listeners: { serve, keep: async () => undefined, open: [], close: async () => undefined },
    generation: async () => 7n,
    ...more,
  })
  running.push(datapath)
  const events: DriverEvent[] = []
  datapath.subscribe((event) => events.push(event))
  await datapath.start()
  const bring = (far: FakeSwitch) =>
    greet(far.socket, 'peer', 1000, (outcome) => outcome.ok && take?.(outcome.value, { type: 'unix' }))
  return { datapath, events, bring }
}

async function connected(options: FakeSwitchOptions = {}, more: Partial<OpenflowOptions> = {}) {
  const { datapath, events, bring } = await started(more)
  const far = fakeSwitch(options)
  bring(far)
  await vi.waitFor(() => expect(datapath.connected).toBe(true))
  // What was said to find out what the switch is, is not looked at.
  far.heard.splice(0)
  return { datapath, events, bring, far }
}

const entryOf = (priority: number): Entry => entry({ table: 0, priority, match: [], instructions: [] })
const groupOf = (number: number): Group => group({ group: number, type: 'all', buckets: [] })
const difference = (d: Partial<Difference>): Difference => ({ ...EMPTY_DIFFERENCE, ...d })
const three = difference({ entries: [1, 2, 3].map((priority) => ({ after: entryOf(priority) })) })
const request = (d: Difference) => ({ change: 'C-1', difference: d })

const failing = async (work: Promise<unknown>): Promise<DriverError> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DriverError)
  return error as DriverError
}
const committed = (datapath: OpenflowDatapath, d: Difference, deadline_ms = 1000) =>
  datapath.stage(request(d), 1000).then((staged) => datapath.commit(staged, deadline_ms))

const commands = (far: FakeSwitch): string[] =>
  far.heard.map((m) => {
    if (m.type === 'bundle_control') return `${m.command} ${m.bundle}`
    return m.type === 'bundle_add' ? `${m.bundle}: ${m.message.type} ${wordsOf(m.message)}` : m.type
  })
const wordsOf = (m: Message): string => {
  if (m.type === 'flow_mod') return `${m.command} ${m.priority}`
  return m.type === 'group_mod' ? `${m.command} ${m.group}` : ''
}
const adds = (far: FakeSwitch) => far.heard.filter((m): m is MessageOf<'bundle_add'> => m.type === 'bundle_add')

const isCommit = (m: Message) => m.type === 'bundle_control' && m.command === 'commit_request'
const error = (error_type: string, code: string): Answer => ({
  type: 'error',
  error_type,
  code,
  data: new Uint8Array(),
})

describe('a part', () => {
  it('goes into one atomic, ordered bundle, with one barrier', async () => {
    const { datapath, far } = await connected()
    const d = difference({
      groups: [{ after: groupOf(1) }, { before: groupOf(2) }],
      entries: [{ after: entryOf(1) }, { before: entryOf(2) }, { before: entryOf(3), after: entryOf(3) }],
    })
    await committed(datapath, d)
    const bundle = adds(far)[0]?.bundle
    expect(commands(far)).toEqual([
      'multipart_request',
      `open_request ${bundle}`,
      `${bundle}: group_mod add 1`,
      `${bundle}: flow_mod add 1`,
      `${bundle}: flow_mod add 3`,
      `${bundle}: flow_mod delete_strict 2`,
      `${bundle}: group_mod delete 2`,
      'barrier_request',
      `commit_request ${bundle}`,
    ])
    for (const m of far.heard) if (m.type === 'bundle_add' || m.type === 'bundle_control') expect(m.flags).toBe(3)
  })

  it('has the same id on the inner message as on the outer one, growing by one', async () => {
    const { datapath, far } = await connected()
    await datapath.stage(request(three), 1000)
    const [first = 0] = adds(far).map(({ xid }) => xid)
    expect(adds(far).map(({ xid, message }) => [xid, message.xid])).toEqual(
      [0, 1, 2].map((i) => [first + i, first + i]),
    )
  })

  it('makes room first in a table that the switch says is full', async () => {
    const tables = [{ table: 0, active_count: 1_000_000, lookup_count: 0n, matched_count: 0n }]
    const features = { table: 0, command: 0, features: 0, name: '', metadata_match: 0n, metadata_write: 0n, config: 0 }
    const script = (m: Message): readonly Answer[] | undefined => {
      if (m.type !== 'multipart_request') return undefined
      if (m.body.type === 'table') return [{ type: 'multipart_reply', more: false, body: { type: 'table', tables } }]
      if (m.body.type !== 'table_features') return undefined
      const all = [{ ...features, max_entries: 1_000_000, properties: [] }]
      return [{ type: 'multipart_reply', more: false, body: { type: 'table_features', tables: all } }]
    }
    const { datapath, far } = await connected({ script })
    await datapath.stage(request(difference({ entries: [{ after: entryOf(1) }, { before: entryOf(2) }] })), 1000)
    expect(adds(far).map(({ message }) => wordsOf(message))).toEqual(['delete_strict 2', 'add 1'])
  })

  it('is thrown away when it is not wanted, and is not committed then', async () => {
    const { datapath, far } = await connected()
    const staged = await datapath.stage(request(three), 1000)
    await datapath.discard(staged)
    await datapath.discard(staged)
    expect(commands(far).filter((words) => words.startsWith('discard'))).toHaveLength(1)
    expect(await failing(datapath.commit(staged, 1000))).toMatchObject({ failure: 'away', datapath: 'dp-1' })
  })

  it('is refused by a switch without bundles, before anything is sent', async () => {
    const script = (m: Message) => (m.type === 'bundle_control' ? [error('bad_request', 'bad_type')] : undefined)
    const { datapath, far } = await connected({ script })
    expect((await datapath.describe()).features).not.toContain('bundles')
    expect(await failing(datapath.stage(request(three), 1000))).toMatchObject({ failure: 'refused' })
    expect(await failing(datapath.converge(three, 1000))).toMatchObject({ failure: 'refused' })
    expect(adds(far)).toEqual([])
  })
})

describe('a failure', () => {
  const refuse = (priority: number) => (m: Message) =>
    m.type === 'bundle_add' && m.message.type === 'flow_mod' && m.message.priority === priority
      ? [error('bad_match', 'bad_prereq')]
      : undefined

  it('of one message discards the bundle and names the entry', async () => {
    const { datapath, far } = await connected({ script: refuse(2) })
    expect(await failing(datapath.stage(request(three), 1000))).toMatchObject({
      failure: 'refused',
      datapath: 'dp-1',
      message: 'bad_match: bad_prereq',
      entry: 'table=0, priority=2 actions=drop',
    })
    await vi.waitFor(() => expect(commands(far).at(-1)).toMatch(/^discard_request/))
    expect(datapath.status()).toMatchObject({ bundlesRefused: 1, bundlesStaged: 0, strayErrors: 0 })
  })

  it('at the commit names the entry that the switch names', async () => {
    const script = (m: Message, far: FakeSwitch): readonly Answer[] | undefined => {
      if (!isCommit(m)) return undefined
      far.say(error('flow_mod_failed', 'table_full'), adds(far)[1]?.xid)
      return [error('bundle_failed', 'msg_failed')]
    }
    const { datapath } = await connected({ script })
    expect(await failing(committed(datapath, three))).toMatchObject({
      failure: 'refused',
      message: 'flow_mod_failed: table_full',
      entry: 'table=0, priority=2 actions=drop',
    })
  })

  /** The message that the switch must answer for a stage, or for a commit, to be done. */
  const lastOf = (when: 'stage' | 'commit', m: Message, far: FakeSwitch) =>
    when === 'commit' ? isCommit(m) : m.type === 'barrier_request' && adds(far).length > 0

  it.each([
    ['stage', 'away'],
    ['commit', 'unknown'],
  ] as const)('by a connection that ends at the %s is %s', async (when, outcome) => {
    const script = (m: Message, far: FakeSwitch): readonly Answer[] | undefined => {
      if (!lastOf(when, m, far)) return undefined
      far.hangUp()
      return []
    }
    const { datapath } = await connected({ script })
    expect(await failing(committed(datapath, three))).toMatchObject({ failure: outcome })
  })

  it.each([
    ['stage', 'stalled'],
    ['commit', 'unknown'],
  ] as const)('by a switch that stalls at the %s is %s after the deadline', async (when, outcome) => {
    const { datapath } = await connected({ script: (m, far) => (lastOf(when, m, far) ? [] : undefined) })
    const work = when === 'stage' ? datapath.stage(request(three), 30) : committed(datapath, three, 30)
    expect(await failing(work)).toMatchObject({ failure: outcome })
    expect(datapath.connected).toBe(true)
  })

  it('of a switch that reads no more is known at the deadline, however much there is to send', async () => {
    const { datapath, far } = await connected()
    far.goDeaf()
    const many = difference({ entries: Array.from({ length: 20_000 }, (_, i) => ({ after: entryOf(i) })) })
    const start = performance.now()
    expect(await failing(datapath.stage(request(many), 200))).toMatchObject({ failure: 'stalled' })
    expect(performance.now() - start).toBeLessThan(1000)
  })

  it('that says we are no longer master fences the driver', async () => {
    const script = (m: Message) => (isCommit(m) ? [error('bad_request', 'is_slave')] : undefined)
    const { datapath, events, far } = await connected({ script })
    expect(await failing(committed(datapath, three))).toMatchObject({ failure: 'fenced' })
    expect(datapath.connected).toBe(false)
    expect(events.map(({ type }) => type)).toEqual(['connected', 'disconnected'])
    expect(await failing(datapath.read())).toMatchObject({ failure: 'fenced' })
    far.hangUp()
    await vi.waitFor(async () => expect(await failing(datapath.read())).toMatchObject({ failure: 'away' }))
    expect(events).toHaveLength(2)
  })

  it('is away before any switch has come', async () => {
    const { datapath } = await started()
    for (const work of [
      datapath.describe(),
      datapath.read(),
      datapath.portCounters(),
      datapath.stage(request(three), 10),
    ])
      expect(await failing(work)).toMatchObject({ failure: 'away', message: 'br-srv is not connected' })
  })
})

describe('mastery', () => {
  it('is asked for with the next generation', async () => {
    let last = 41n
    const far = fakeSwitch()
    const { datapath, bring } = await started({ generation: async () => ++last })
    bring(far)
    await vi.waitFor(() => expect(datapath.connected).toBe(true))
    expect(far.heard.find(({ type }) => type === 'role_request')).toMatchObject({ role: 'master', generation_id: 42n })
  })

  it('that the switch gives to another is told', async () => {
    const { datapath, events, far } = await connected()
    far.say({ type: 'role_status', role: 'slave', reason: 'master_request', generation_id: 9n, properties: [] })
    await vi.waitFor(() => expect(events.at(-1)).toMatchObject({ type: 'disconnected', reason: /^fenced/ }))
    expect(datapath.connected).toBe(false)
    expect(far.closed).toBe(false)
  })

  it('that may not be asked for leaves the switch alone', async () => {
    const far = fakeSwitch()
    const { datapath, bring, events } = await started({
      generation: async () => {
        throw new Error('another engine leads')
      },
    })
    bring(far)
    await vi.waitFor(() => expect(far.closed).toBe(true))
    expect(datapath.connected).toBe(false)
    expect(datapath.status().disconnects).toEqual({ 'another engine leads': 1 })
    expect(events).toEqual([])
  })
})

describe('a second connection of the same switch', () => {
  it('is refused while the first one lives', async () => {
    const { datapath, bring } = await connected()
    const second = fakeSwitch()
    bring(second)
    await vi.waitFor(() => expect(second.closed).toBe(true), { timeout: 3000 })
    expect(datapath.connected).toBe(true)
    expect(datapath.status().connects).toBe(1)
  })

  it('replaces a first one that is silent', async () => {
    let silent = false
    const { datapath, bring, far, events } = await connected({ script: (m) => (silent ? [] : answerOf(m, 0xaan)) })
    silent = true
    const second = fakeSwitch()
    bring(second)
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toEqual(['connected', 'disconnected', 'connected']), {
      timeout: 3000,
    })
    expect(far.closed).toBe(true)
    expect(datapath.status().disconnects).toEqual({ 'replaced by a new connection': 1 })
  })
})
