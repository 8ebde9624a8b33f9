import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFramer } from '#server/codec/ovsdb/index.ts'
import type { JsonObject } from '#server/codec/ovsdb/json.ts'
import { dial, keepDialled } from '#server/datapath/connection/dial.ts'
import { parseEndpoint } from '#server/datapath/connection/endpoint.ts'
import { listen } from '#server/datapath/connection/listen.ts'
import { openSession, type Session } from '#server/datapath/openflow/ovsdb/session.ts'
import { ANYWHERE, outbound } from '#server/outbound/guard.ts'

/** The other end: what it received, and a way to write to it. */
interface Peer {
  readonly received: JsonObject[]
  readonly socket: Socket
}

const dir = mkdtempSync(path.join(tmpdir(), 'weft-sess-'))
const endpoint = parseEndpoint(`unix:${dir}/s.sock`)
let server: Server
let accepted: (peer: Peer) => void
let session: Session
let peer: Peer

async function start(answer: (message: JsonObject, socket: Socket) => void, idle = { probe_ms: 5000, grace_ms: 5000 }) {
  server = createServer((socket) => {
    const framer = createFramer({ maxBytes: 1 << 20 })
    const received: JsonObject[] = []
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      const messages = framer.push(chunk)
      if (messages.ok)
        for (const message of messages.value) {
          received.push(message)
          answer(message, socket)
        }
    })
    accepted({ received, socket })
  })
  await listen(server, endpoint)
  const came = new Promise<Peer>((resolve) => {
    accepted = resolve
  })
  session = openSession(await dial(endpoint, 1000, ANYWHERE), 'peer', { maxBytes: 1000, idle })
  peer = await came
}

const reply = (socket: Socket, id: unknown, result: unknown, error: unknown = null) =>
  socket.write(JSON.stringify({ id, result, error }))

beforeEach(() => {
  accepted = () => undefined
})
afterEach(async () => {
  session?.close('test over')
  peer?.socket.destroy()
  await new Promise((resolve) => server.close(resolve))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('calls of a session', () => {
  it('find their answers by id, in whatever order these come', async () => {
    const held: JsonObject[] = []
    await start((message, socket) => {
      held.push(message)
      if (held.length === 3) for (const one of held.toReversed()) reply(socket, one.id, one.params)
    })
    expect(await Promise.all(['a', 'b', 'c'].map((one) => session.call('ask', [one])))).toEqual([['a'], ['b'], ['c']])
  })

  it('fail with what the server says, past a deadline, by a signal, and with the connection', async () => {
    await start((message, socket) => {
      if (message.method === 'bad') reply(socket, message.id, null, { error: 'unknown database', details: 'no X' })
      if (message.method === 'hang up') socket.end()
    })
    await expect(session.call('bad', [])).rejects.toMatchObject({
      failure: 'refused',
      message: 'unknown database: no X',
    })
    await expect(session.call('slow', [], { deadline_ms: 20 })).rejects.toMatchObject({ failure: 'stalled' })
    await expect(session.call('slow', [], { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
      failure: 'aborted',
    })
    await expect(session.call('slow', [], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      failure: 'aborted',
    })
    const lost = session.call('hang up', [])
    await expect(lost).rejects.toMatchObject({ failure: 'away' })
    expect(await session.closed).toBe('closed by the peer')
    await expect(session.call('late', [])).rejects.toMatchObject({ failure: 'away' })
  })

  it('take a transaction back that they give up, and drop its late answer', async () => {
    await start((message, socket) => {
      if (message.method === 'cancel') reply(socket, (message.params as number[])[0], 'late')
      if (message.method === 'ping') reply(socket, message.id, 'pong')
    })
    await expect(session.call('transact', [], { deadline_ms: 20 })).rejects.toMatchObject({ failure: 'stalled' })
    expect(await session.call('ping', [])).toBe('pong')
    expect(peer.received.map(({ method }) => method)).toEqual(['transact', 'cancel', 'ping'])
    expect(session.open).toBe(true)
  })
})

describe('the peer of a session', () => {
  it('gets its echo back, and an error for anything else', async () => {
    const answers = Promise.withResolvers<void>()
    await start(() => peer.received.length === 2 && answers.resolve())
    peer.socket.write('{"method":"echo","params":["hi"],"id":"e1"}{"method":"steal","params":[],"id":2}')
    await answers.promise
    expect(peer.received).toEqual([
      { id: 'e1', result: ['hi'], error: null },
      { id: 2, result: null, error: 'unknown method' },
    ])
  })

  it('is closed for bytes that are no messages, and for one that is too large', async () => {
    await start(() => undefined)
    peer.socket.write('hello')
    expect(await session.closed).toBe('a message does not begin with {')
    await new Promise((resolve) => server.close(resolve))
    await start(() => undefined)
    peer.socket.write(`{"a":"${'x'.repeat(2000)}`)
    expect(await session.closed).toBe('a message is larger than 1000 bytes')
  })

  it('is asked when it is silent, and closed when it stays so', async () => {
    await start(() => undefined, { probe_ms: 20, grace_ms: 30 })
    expect(await session.closed).toMatch(/^silent for \d+ ms$/)
    expect(peer.received.map(({ method }) => method)).toEqual(['echo'])
  })

  it('is kept as long as it answers', async () => {
    let echoes = 0
    const enough = Promise.withResolvers<void>()
    await start(
      (message, socket) => {
        reply(socket, message.id, [])
        if (++echoes === 4) enough.resolve()
      },
      { probe_ms: 10, grace_ms: 500 },
    )
    await enough.promise
    expect(session.open).toBe(true)
  })
})

describe('a connection that is kept', () => {
  it('is dialled again after a loss, and again while nobody listens, until it is told to stop', async () => {
    await start(() => undefined)
    const failures: string[] = []
    const stop = new AbortController()
    const used = Promise.withResolvers<void>()
    let uses = 0
    session.close('not needed')
    await new Promise((resolve) => server.close(resolve))
    const kept = keepDialled(
      {
        open: async () => ({ socket: await dial(endpoint, 1000, ANYWHERE) }),
        backoff: { first_ms: 5, most_ms: 20 },
        failed: (reason) => {
          failures.push(reason)
          // The third failure opens the address; two uses after that are enough.
          if (failures.length === 3) void listen(server, endpoint)
        },
        use: async ({ socket }) => {
          socket.destroy()
          if (++uses === 2) used.resolve()
          return true
        },
      },
      stop.signal,
    )
    await used.promise
    stop.abort()
    await kept
    expect(failures.length).toBeGreaterThanOrEqual(3)
    expect(failures[0]).toContain('ENOENT')
  })

  it('is not begun where the installation does not connect to', async () => {
    let came = 0
    server = createServer((socket) => {
      came += 1
      socket.destroy()
    })
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    )
    const tcp = parseEndpoint(`tcp:127.0.0.1:${port}`)
    await expect(dial(tcp, 1000, outbound([{ range: '10.0.0.0/8' }]))).rejects.toThrow(
      `127.0.0.1:${port} is none of the places that WEFT_OUTBOUND names.`,
    )
    const named = outbound([{ name: 'switch.example' }], async () => [{ address: '127.0.0.1', family: 4 }])
    await expect(dial(tcp, 1000, named)).rejects.toThrow('WEFT_OUTBOUND')
    expect(came).toBe(0)
    // The connection goes to the address that was looked at, whatever the name says elsewhere.
    const socket = await dial(parseEndpoint(`tcp:switch.example:${port}`), 1000, named)
    expect(socket.remoteAddress).toBe('127.0.0.1')
    socket.destroy()
  })
})
