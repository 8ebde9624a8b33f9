import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Greeting } from '#server/datapath/openflow/handshake.ts'
import { type Listener, type ListenerOptions, openListener } from '#server/datapath/openflow/listener.ts'
import { createListeners } from '#server/datapath/openflow/listeners.ts'
import { fakeSwitch } from './fake-switch.ts'

let dir: string
let file: string
let lines: string[]
let listener: Listener | undefined
const sockets: Socket[] = []

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'weft-listener-'))
  file = path.join(dir, 'weft.sock')
  lines = []
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await listener?.close()
  rmSync(dir, { recursive: true, force: true })
})

const log: ListenerOptions['log'] = (_level, message, fields) => void lines.push(`${message} ${JSON.stringify(fields)}`)
const opened = async (more: Partial<ListenerOptions> = {}) => {
  listener = await openListener({ endpoint: { type: 'unix', path: file }, log, ...more })
  return listener
}
/** A peer at the listener's socket. */
function dial(): Socket {
  const socket = createConnection(file)
  sockets.push(socket)
  socket.on('error', () => undefined)
  return socket
}
const ended = (socket: Socket) => new Promise<void>((resolve) => socket.resume().once('close', resolve))
/** A switch at the listener's socket. */
function dialSwitch(datapathId: bigint) {
  const far = fakeSwitch({ datapathId })
  const wire = dial()
  far.socket.pipe(wire).pipe(far.socket)
  return { far, wire }
}

describe('a listener', () => {
  it('passes a switch on to who serves its datapath, until that ends', async () => {
    const at = await opened()
    const taken: Greeting[] = []
    const withdraw = at.serve('00000000000000aa', (greeting) => void taken.push(greeting))
    expect(() => at.serve('00000000000000aa', () => undefined)).toThrow('is served already')
    dialSwitch(0xaan)
    await vi.waitFor(() => expect(taken).toHaveLength(1))
    withdraw()
    await ended(dialSwitch(0xaan).wire)
    expect(taken).toHaveLength(1)
  })

  it('tells of a datapath that nobody serves, and closes it', async () => {
    const onUnknown = vi.fn()
    await opened({ onUnknown })
    await ended(dialSwitch(0xbbn).wire)
    expect(onUnknown).toHaveBeenCalledWith('00000000000000bb', `unix:${file}`)
    expect(lines[0]).toContain('datapath 00000000000000bb is not known here')
  })

  it('keeps strangers in bounds: so many at a time, for so long', async () => {
    const at = await opened({ handshake_ms: 300 })
    const silent = Array.from({ length: 64 }, dial)
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('data', resolve))))
    await ended(dial())
    expect(lines).toEqual([expect.stringContaining('64 others are still saying hello')])
    await Promise.all(silent.map(ended))
    expect(at.refused).toBe(65)
  })

  it('does not fill the log: ten lines a second at most', async () => {
    const at = await opened()
    for (let i = 0; i < 40; i++) dial().end('GET / HTTP/1.1\r\n\r\n')
    await vi.waitFor(() => expect(at.refused).toBe(40))
    expect(lines.filter((line) => line.startsWith('An OpenFlow peer')).length).toBeLessThanOrEqual(20)
  })

  it('holds no more than a message of a peer that goes on and on, and closes it', async () => {
    await opened()
    const before = process.memoryUsage().arrayBuffers
    const socket = dial()
    const closed = ended(socket)
    socket.write(Uint8Array.of(6, 0, 0, 8, 0, 0, 0, 1))
    // Experimenter messages of the largest size, which nobody asked for.
    const flood = new Uint8Array(65_535)
    flood.set([6, 4, 0xff, 0xff, 0, 0, 0, 2])
    for (let sent = 0; sent < 200; sent++) socket.write(flood)
    await closed
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 << 20)
    expect(lines[0]).toContain('said 64 things before its features')
  })

  it('removes its socket file, and closes all that came there', async () => {
    const at = await opened()
    const socket = dial()
    await new Promise((resolve) => socket.once('data', resolve))
    const gone = ended(socket)
    await at.close()
    await gone
    expect(existsSync(file)).toBe(false)
  })

  it('does not take an address from another that lives', async () => {
    await opened()
    await expect(openListener({ endpoint: { type: 'unix', path: file }, log })).rejects.toThrow('EADDRINUSE')
    expect(existsSync(file)).toBe(true)
  })
})

describe('listeners', () => {
  it('share an address among the datapaths there and close it with the last one', async () => {
    const listeners = createListeners({ log })
    const endpoint = { type: 'unix', path: file } as const
    const [first, second] = await Promise.all(
      ['0000000000000001', '0000000000000002'].map((id) => listeners.serve(endpoint, id, () => undefined)),
    )
    expect(listeners.open).toHaveLength(1)
    await expect(listeners.serve(endpoint, '0000000000000001', () => undefined)).rejects.toThrow('served already')
    await first?.()
    expect(existsSync(file)).toBe(true)
    await second?.()
    expect(existsSync(file)).toBe(false)
    expect(listeners.open).toEqual([])
  })
})
