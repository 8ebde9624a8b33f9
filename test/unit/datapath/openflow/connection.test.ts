import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Message, MessageOf } from '#server/codec/openflow/message.ts'
import { type Connection, type ConnectionOptions, openConnection } from '#server/datapath/openflow/connection.ts'
import { ConnectionLost, Overdue, SwitchError } from '#server/datapath/openflow/failure.ts'
import { type Greeting, greet } from '#server/datapath/openflow/handshake.ts'
import { noTraffic } from '#server/datapath/openflow/link.ts'
import { type FakeSwitch, type FakeSwitchOptions, fakeSwitch } from './fake-switch.ts'

const open: Connection[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close('the test is over')
})

interface Opened {
  readonly far: FakeSwitch
  readonly connection: Connection
  readonly heard: Message[]
  readonly erred: Error[]
  readonly reasons: string[]
  readonly traffic: ReturnType<typeof noTraffic>
}

async function opened(options: FakeSwitchOptions = {}, more: Partial<ConnectionOptions> = {}): Promise<Opened> {
  const far = fakeSwitch(options)
  const greeting = await new Promise<Greeting>((resolve, reject) =>
    greet(far.socket, 'peer', 1000, (outcome) =>
      outcome.ok ? resolve(outcome.value) : reject(new Error(outcome.error)),
    ),
  )
  const [heard, erred, reasons]: [Message[], Error[], string[]] = [[], [], []]
  const traffic = noTraffic()
  const connection = openConnection(greeting, {
    traffic,
    heard: (message) => heard.push(message),
    erred: (error) => erred.push(error),
    closed: (reason) => reasons.push(reason),
    ...more,
  })
  open.push(connection)
  return { far, connection, heard, erred, reasons, traffic }
}

const PATIENCE = { deadline_ms: 1000 }
const barrier = { type: 'barrier_request' } as const
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
const silent = (type: Message['type']) => (m: Message) => (m.type === type ? [] : undefined)
const sent = (far: FakeSwitch, type: Message['type']) => far.heard.filter((m) => m.type === type)

describe('requests', () => {
  it('get the answer with their own id, in whatever order answers come', async () => {
    const { far, connection } = await opened({ script: silent('barrier_request') })
    const [first, second] = [connection.request(barrier, PATIENCE), connection.request(barrier, PATIENCE)]
    await turn()
    const [a, b] = sent(far, 'barrier_request').map(({ xid }) => xid)
    far.say({ type: 'barrier_reply' }, b)
    far.say({ type: 'barrier_reply' }, a)
    expect(await first).toMatchObject({ xid: a })
    expect(await second).toMatchObject({ xid: b })
  })

  it('fail by the error with their id, in the words of the standard', async () => {
    const error = { type: 'error', error_type: 'bad_request', code: 'bad_type', data: new Uint8Array() } as const
    const { connection } = await opened({ script: (m) => (m.type === 'barrier_request' ? [error] : undefined) })
    const thrown = await failure(connection.request(barrier, PATIENCE))
    expect(thrown).toBeInstanceOf(SwitchError)
    expect(thrown).toMatchObject({ message: 'bad_request: bad_type', fenced: false })
  })

  it('fail when the answer does not decode', async () => {
    const { far, connection, erred } = await opened({ script: silent('role_request') })
    const role = { type: 'role_request', role: 'master', short_id: 0, generation_id: 1n } as const
    const thrown = failure(connection.request(role, PATIENCE))
    await turn()
    const xid = sent(far, 'role_request')[0]?.xid ?? 0
    far.write(Uint8Array.of(6, 25, 0, 10, 0, 0, 0, xid, 0, 0))
    expect(await thrown).toMatchObject({ name: 'SwitchError' })
    expect(connection.open).toBe(true)
    expect(erred).toEqual([])
  })

  it('end at their deadline and by their signal; a late answer is nobody’s', async () => {
    const { far, connection, heard } = await opened({ script: silent('barrier_request') })
    const controller = new AbortController()
    const aborted = failure(connection.request(barrier, { ...PATIENCE, signal: controller.signal }))
    const late = failure(connection.request(barrier, { deadline_ms: 5 }))
    controller.abort(new Error('changed its mind'))
    expect(await aborted).toMatchObject({ message: 'changed its mind' })
    expect(await late).toBeInstanceOf(Overdue)
    expect(await failure(connection.request(barrier, { ...PATIENCE, signal: controller.signal }))).toMatchObject({
      message: 'changed its mind',
    })
    for (const { xid } of sent(far, 'barrier_request')) far.say({ type: 'barrier_reply' }, xid)
    await vi.waitFor(() => expect(heard).toHaveLength(2))
  })

  it('all fail when the connection ends, and after it', async () => {
    const { far, connection, reasons } = await opened({ script: silent('barrier_request') })
    const two = [failure(connection.request(barrier, PATIENCE)), failure(connection.request(barrier, PATIENCE))]
    far.hangUp()
    for (const thrown of await Promise.all(two)) expect(thrown).toBeInstanceOf(ConnectionLost)
    expect(await failure(connection.request(barrier, PATIENCE))).toBeInstanceOf(ConnectionLost)
    expect(reasons).toEqual(['closed by the peer'])
    expect(connection.open).toBe(false)
  })
})

describe('answers in parts', () => {
  const flow = (priority: number) => ({
    ...{ table: 0, priority, idle_timeout: 0, hard_timeout: 0, flags: 0, importance: 0, cookie: 0n },
    ...{ match: [], instructions: [] },
  })
  const flows = { type: 'flow', table: 255, out_port: 0, out_group: 0, cookie: 0n, cookie_mask: 0n, match: [] } as const
  const parts = (...sizes: number[]): MessageOf<'multipart_reply'>[] =>
    sizes.map((size, i) => ({
      ...{ type: 'multipart_reply', version: 6, xid: 0, more: i < sizes.length - 1 },
      body: { type: 'flow', flows: Array.from({ length: size }, (_, k) => flow(i * 100 + k)) },
    }))

  it.each([1, 5, 64, 100_000])('come together from pieces of %i bytes', async (chunk) => {
    const script = (m: Message) => (m.type === 'multipart_request' ? parts(3, 0, 2) : undefined)
    const { connection } = await opened({ chunk, script })
    const got: number[] = []
    await connection.collect(flows, (part) => got.push(...part.flows.map(({ priority }) => priority)), PATIENCE)
    expect(got).toEqual([0, 1, 2, 200, 201])
  })

  it('of another kind are refused', async () => {
    const { connection } = await opened({ script: (m) => (m.type === 'multipart_request' ? parts(1) : undefined) })
    const thrown = await failure(connection.collect({ type: 'desc' }, () => undefined, PATIENCE))
    expect(thrown).toMatchObject({ message: 'answered multipart_reply to desc' })
  })

  it('that never end are given up', async () => {
    const endless = Array.from({ length: 9000 }, () => ({
      ...(parts(0)[0] as MessageOf<'multipart_reply'>),
      more: true,
    }))
    const { connection } = await opened({ script: (m) => (m.type === 'multipart_request' ? endless : undefined) })
    const thrown = await failure(connection.collect(flows, () => undefined, PATIENCE))
    expect(thrown).toMatchObject({ message: 'answered more than 8192 parts to flow' })
  })

  it('fail with what their reader throws', async () => {
    const { connection } = await opened({ script: (m) => (m.type === 'multipart_request' ? parts(1) : undefined) })
    const reader = () => {
      throw new Error('cannot be')
    }
    expect(await failure(connection.collect(flows, reader, PATIENCE))).toMatchObject({ message: 'cannot be' })
  })
})

describe('a series', () => {
  const error = { type: 'error', error_type: 'bad_match', code: 'bad_prereq', data: new Uint8Array() } as const

  it('hears the errors of its ids, until it is closed; others are strays', async () => {
    const { far, connection, erred } = await opened()
    const series = connection.series(100)
    far.say(error, series.first + 99)
    far.say(error, series.first + 7)
    far.say(error, series.first + 100)
    await vi.waitFor(() => expect(erred).toHaveLength(1))
    expect(series.errors.map(({ xid }) => xid - series.first)).toEqual([99, 7])
    series.close()
    far.say(error, series.first)
    await vi.waitFor(() => expect(erred).toHaveLength(2))
  })

  it('has ids of its own', async () => {
    const { far, connection } = await opened()
    const [one, two] = [connection.series(1000), connection.series(1)]
    await connection.request(barrier, PATIENCE)
    const xid = sent(far, 'barrier_request')[0]?.xid ?? 0
    expect(two.first).toBe(one.first + 1000)
    expect(xid).toBe(two.first + 1)
  })
})

describe('signs of life', () => {
  it('are given to who asks for them', async () => {
    const { far } = await opened()
    far.say({ type: 'echo_request', data: Uint8Array.of(1, 2, 3) }, 77)
    await vi.waitFor(() => expect(sent(far, 'echo_reply')).toMatchObject([{ xid: 77, data: Uint8Array.of(1, 2, 3) }]))
  })

  it('are asked for after a silence', async () => {
    const { far, connection, heard } = await opened({}, { idle: { probe_ms: 5, grace_ms: 50 } })
    await vi.waitFor(() => expect(sent(far, 'echo_request').length).toBeGreaterThan(1))
    expect(connection.open).toBe(true)
    expect(heard).toEqual([])
  })

  it('that fail to come end the connection', async () => {
    const { reasons } = await opened({ script: silent('echo_request') }, { idle: { probe_ms: 5, grace_ms: 5 } })
    await vi.waitFor(() => expect(reasons).toHaveLength(1))
    expect(reasons[0]).toMatch(/^silent for \d+ ms$/)
  })
})

describe('what nobody asked for', () => {
  it('is heard', async () => {
    const { far, heard } = await opened()
    const desc = { port: 3, hw_addr: 1n, name: 'p3', config: 0, state: 4 }
    far.say({ type: 'port_status', reason: 'add', desc })
    await vi.waitFor(() => expect(heard).toMatchObject([{ type: 'port_status', desc: { port: 3, name: 'p3' } }]))
  })

  it('is counted with everything else', async () => {
    const { far, connection, traffic } = await opened()
    await connection.request(barrier, PATIENCE)
    // Hello, features, barrier: both ways.
    expect(traffic).toMatchObject({ messagesIn: 3, messagesOut: 3 })
    expect(traffic.bytesOut).toBe(16 + 8 + 8)
    expect(far.complaints).toEqual([])
  })

  it('that loses the frame ends the connection', async () => {
    const { far, reasons } = await opened()
    far.write(Uint8Array.of(6, 10, 0, 2, 0, 0, 0, 0))
    await vi.waitFor(() => expect(reasons).toHaveLength(1))
    expect(reasons[0]).toMatch(/^sent what is not OpenFlow/)
  })
})
