import { X509Certificate } from 'node:crypto'
import { createServer, connect as dialPlain, type Server, type Socket } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseEndpoint } from '#server/datapath/connection/endpoint.ts'
import { createGate, type Entrance, type SwitchGate } from '#server/datapath/connection/gate.ts'
import { spokenAt, type TlsSetting } from '#server/datapath/connection/transport.ts'
import type { KnownCertificate } from '#server/datapath/connection/trust.ts'
import { openOwnTrust } from '#server/identity/switches/own-trust.ts'
import type { SwitchTrust } from '#server/identity/switches/trust.ts'
import type { Result } from '#server/kernel/result.ts'
import type { OpenKeys } from '#server/keys/open.ts'
import { generateInMemory } from '#server/keys/software.ts'
import { DAY_MS, memoryStore, openWith } from '../../keys/ground.ts'

/** The present, and what is added to it by hand. */
const clock = { ahead_ms: 0, now_ms: () => Date.now() + clock.ahead_ms, monotonic_ms: () => performance.now() }
const ID = '00000000000000aa'
const DEADLINE_MS = 1000

let keys: OpenKeys
let trust: SwitchTrust
let own: Pick<ConnectionOptions, 'key' | 'cert' | 'ca'>
let fingerprint: string
const known = new Map<string, KnownCertificate>()
const servers: Server[] = []
const sockets: Socket[] = []

beforeAll(async () => {
  keys = await openWith({ store: memoryStore(), clock })
  trust = await openOwnTrust({ keys, clock, name: 'Weft test', log: { info: () => undefined } })
  const made = await generateInMemory('ecdsa-p256')
  const wishes = { subject: 'a', uris: ['urn:uuid:1'], publicKey: made.publicKey, days: 365 }
  const cert = (await trust.issue?.(wishes)) as string
  const der = (made.privateKey as Buffer).toString('base64')
  const ca = await trust.controllerAuthorities()
  own = { cert, ca, key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n` }
  fingerprint = new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase()
})
afterAll(() => keys.close())
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
  known.clear()
  clock.ahead_ms = 0
})

const entered = (more: Partial<KnownCertificate> = {}) =>
  void known.set(fingerprint, { id: 'c-1', datapathIds: [ID], revokedAt_ms: null, ...more })

interface Opened {
  readonly gate: SwitchGate
  readonly port: number
  readonly outcomes: Result<Entrance, string>[]
  /** The outcome of the next peer. */
  next(): Promise<Result<Entrance, string>>
}

/** A gate at a port; what comes through it is kept. */
async function opened(setting: TlsSetting = 'required', find = async (one: string) => known.get(one)): Promise<Opened> {
  const { material } = trust
  const gate = createGate({ trust: { material, find }, setting, clock })
  const outcomes: Result<Entrance, string>[] = []
  const at = parseEndpoint('tcp:127.0.0.1:0')
  const server = createServer((socket) => {
    sockets.push(socket)
    gate.admit(socket, at, DEADLINE_MS, (outcome) => outcomes.push(outcome))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const next = async () => {
    const before = outcomes.length
    await vi.waitFor(() => expect(outcomes.length).toBeGreaterThan(before), { timeout: 5000 })
    return outcomes[before] as Result<Entrance, string>
  }
  return { gate, outcomes, next, port: (server.address() as { port: number }).port }
}

/** What a TLS client with these options heard until it was closed. */
function shake(port: number, options: ConnectionOptions): { closed: Promise<number>; socket: Socket } {
  const socket = connect({ host: '127.0.0.1', port, checkServerIdentity: () => undefined, ...options })
  sockets.push(socket)
  socket.on('error', () => undefined)
  let heard = 0
  socket.on('data', (bytes) => {
    heard += bytes.length
  })
  return { socket, closed: new Promise((resolve) => socket.once('close', () => resolve(heard))) }
}

function plain(port: number): Socket {
  const socket = dialPlain(port, '127.0.0.1')
  sockets.push(socket)
  return socket.on('error', () => undefined)
}
const ended = (socket: Socket) => new Promise<void>((resolve) => socket.resume().once('close', resolve))

describe('what is spoken', () => {
  test.each([
    ['unix:/run/x.sock', 'required', 'plain'],
    ['tcp:127.0.0.1:1', undefined, 'either'],
    ['tcp:192.0.2.1:1', undefined, 'tls'],
    ['tcp:0.0.0.0:1', undefined, 'tls'],
    ['tcp:127.0.0.1:1', 'required', 'tls'],
    ['tcp:192.0.2.1:1', 'accepted', 'either'],
    ['ssl:127.0.0.1:1', 'accepted', 'tls'],
  ] as const)('at %s, with the setting %s: %s', (address, setting, words) => {
    expect(spokenAt(parseEndpoint(address), setting)).toBe(words)
  })
})

describe('under TLS', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('a switch that is known comes in by %s', async (version) => {
    entered()
    const { next, port } = await opened()
    const outcome = next()
    shake(port, { ...own, minVersion: version, maxVersion: version })
    const entrance = await outcome
    expect(entrance.ok && entrance.value.transport).toMatchObject({
      ...{ type: 'tls', protocol: version, certificateId: 'c-1', datapathIds: [ID] },
      cipher: expect.stringMatching(/GCM|CHACHA20/),
    })
  })

  test.each(['TLSv1.1', 'TLSv1'] as const)('%s is not spoken', async (version) => {
    entered()
    const { next, port } = await opened()
    const outcome = next()
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }
    await shake(port, { ...own, ...old }).closed
    expect(await outcome).toMatchObject({ ok: false, error: expect.stringContaining('unsupported protocol') })
  })

  test('nobody comes in without a certificate, or hears a byte, a second time either', async () => {
    const { next, port } = await opened()
    const session = Promise.withResolvers<Buffer>()
    const { key: _, cert: __, ...stranger } = own
    const first = next()
    const client = connect({ host: '127.0.0.1', port, checkServerIdentity: () => undefined, ...stranger })
    client.on('error', () => undefined).on('session', session.resolve)
    sockets.push(client)
    expect(await first).toMatchObject({ ok: false, error: 'it shows no certificate' })
    const again = next()
    const ticket = await Promise.race([session.promise, new Promise<undefined>((done) => setTimeout(done, 300))])
    expect(await shake(port, { ...stranger, ...(ticket && { session: ticket }) }).closed).toBe(0)
    expect(await again).toMatchObject({ ok: false, error: 'it shows no certificate' })
  })

  test('a certificate that nobody entered, or that was revoked, is refused, and whom it was for is told', async () => {
    const { gate, next, port } = await opened()
    const told: unknown[] = []
    gate.subscribe((...refused) => void told.push(refused))
    const unknown = next()
    await shake(port, own).closed
    expect(await unknown).toMatchObject({ ok: false, error: 'its certificate is not entered here' })
    entered({ revokedAt_ms: 1 })
    const revoked = next()
    await shake(port, own).closed
    expect(await revoked).toMatchObject({ ok: false, error: 'its certificate was revoked' })
    expect(told).toEqual([[[ID], 'its certificate was revoked']])
  })

  test('one that is revoked while it is looked up does not come in', async () => {
    entered()
    const found = Promise.withResolvers<void>()
    const { gate, next, port } = await opened('required', async (one) => {
      await found.promise
      return known.get(one)
    })
    const outcome = next()
    const { closed } = shake(port, own)
    await vi.waitFor(() => expect(sockets.length).toBeGreaterThan(1))
    await new Promise((resolve) => setTimeout(resolve, 300))
    gate.closeCertificate(fingerprint, 'its certificate was revoked')
    found.resolve()
    await closed
    expect(await outcome).toMatchObject({ ok: false })
  })

  test('a connection ends with its certificate', async () => {
    entered()
    const { gate, next, port } = await opened()
    const outcome = next()
    const { closed } = shake(port, own)
    await outcome
    clock.ahead_ms = 364 * DAY_MS
    gate.sweep()
    clock.ahead_ms = 366 * DAY_MS
    gate.sweep()
    expect(await closed).toBe(0)
  })

  test('whoever speaks something else, or nothing, is closed in time, and garbage is not kept', async () => {
    const { next, port } = await opened()
    const other = next()
    const json = plain(port)
    json.write('{"method":"echo","params":[],"id":1}')
    await ended(json)
    expect(await other).toMatchObject({ ok: false, error: 'it does not speak TLS, which is required here' })
    const silent = next()
    await ended(plain(port))
    expect(await silent).toMatchObject({ ok: false })
    const before = process.memoryUsage()
    const garbage = next()
    const flood = plain(port)
    flood.write(Buffer.of(0x16, 3, 1))
    for (let sent = 0; sent < 100; sent++) flood.write(Buffer.alloc(1 << 16, 0x16))
    await ended(flood)
    expect(await garbage).toMatchObject({ ok: false, error: expect.stringContaining('TLS handshake failed') })
    expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(16 << 20)
  })
})

describe('where both are accepted', () => {
  test('what is plain comes in whole, from its first byte', async () => {
    const { next, port } = await opened('accepted')
    const outcome = next()
    plain(port).write(Uint8Array.of(6, 0, 0, 8, 0, 0, 0, 1))
    const entrance = await outcome
    if (!entrance.ok) throw new Error(entrance.error)
    expect(entrance.value.transport).toEqual({ type: 'tcp' })
    const heard = await new Promise<Buffer>((resolve) => entrance.value.socket.once('data', resolve))
    expect([...heard]).toEqual([6, 0, 0, 8, 0, 0, 0, 1])
  })

  test('a database that waits to be asked comes in plain, and TLS is told by its first byte', async () => {
    entered()
    const { next, port } = await opened('accepted')
    const silent = next()
    plain(port)
    expect(await silent).toMatchObject({ ok: true, value: { transport: { type: 'tcp' } } })
    const secured = next()
    shake(port, own)
    expect(await secured).toMatchObject({ ok: true, value: { transport: { type: 'tls' } } })
  })
})

describe('our own certificate', () => {
  test('is made anew before it ends, and when its authority was replaced', async () => {
    const trust = await openOwnTrust({ keys, clock, name: 'Weft test', log: { info: () => undefined } })
    const first = trust.material.certificate
    clock.ahead_ms = 19 * DAY_MS
    await trust.refresh()
    expect(trust.material.certificate).toBe(first)
    clock.ahead_ms = 21 * DAY_MS
    await trust.refresh()
    const second = trust.material.certificate
    expect(second).not.toBe(first)
    expect(new X509Certificate(second).validToDate.getTime()).toBeGreaterThan(clock.now_ms() + 29 * DAY_MS)
    await keys.rotate('controller-ca')
    expect(await trust.controllerAuthorities()).toHaveLength(2)
    await trust.refresh()
    expect(trust.material.certificate).toBe(second)
    await keys.rotate('controller-ca', 'promote')
    await trust.refresh()
    const [active] = await trust.controllerAuthorities()
    const third = new X509Certificate(trust.material.certificate)
    expect(third.verify(new X509Certificate(active as string).publicKey)).toBe(true)
  })

  test('says when switches of an authority are trusted no longer', async () => {
    const trust = await openOwnTrust({ keys, clock, name: 'Weft test', log: { info: () => undefined } })
    const { keyId } = await keys.signer('switch-ca')
    await keys.rotate('switch-ca')
    await keys.rotate('switch-ca', 'promote')
    expect([await trust.refresh(), trust.material.authorities.length]).toEqual([false, 2])
    await keys.retire(keyId)
    expect([await trust.refresh(), trust.material.authorities.length]).toEqual([true, 1])
  })
})
