import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { childEnvironment } from '#server/config.ts'
import { lineOf, link } from '#server/identity/audit/line.ts'
import type { Shipped } from '#server/identity/audit/shipping/shipper.ts'
import { type SyslogAddress, syslogDestination } from '#server/identity/audit/shipping/syslog.ts'

vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 })

const host = '127.0.0.1'

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await new Promise<number>((resolve) =>
    server.listen(0, host, () => resolve((server.address() as { port: number }).port)),
  )
  await new Promise((closed) => server.close(closed))
  return port
}

interface Heard {
  readonly pri: string
  readonly host: string
  readonly app: string
  readonly at: string
  readonly id: string
  readonly data: string
  readonly text: string
}

/** A real rsyslogd that listens in every way and writes what it understood as JSON. */
async function startRsyslog(home: string, port: number) {
  mkdirSync(home, { recursive: true })
  const [out, socket] = [path.join(home, 'heard'), path.join(home, 'log')]
  writeFileSync(out, '')
  writeFileSync(
    path.join(home, 'conf'),
    `global(workDirectory="${home}" maxMessageSize="64k")
module(load="imudp") input(type="imudp" address="${host}" port="${port}")
module(load="imtcp") input(type="imtcp" address="${host}" port="${port}")
module(load="imuxsock" SysSock.Use="off") input(type="imuxsock" Socket="${socket}" useSpecialParser="off" parseTrusted="off" RateLimit.Interval="0")
template(name="all" type="list" option.jsonf="on") {
  property(outname="pri" name="pri" format="jsonf") property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf") property(outname="at" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="id" name="msgid" format="jsonf") property(outname="data" name="structured-data" format="jsonf")
  property(outname="text" name="msg" format="jsonf")
}
*.* action(type="omfile" file="${out}" template="all" flushOnTXEnd="on")
`,
  )
  const child = spawn('rsyslogd', ['-n', '-f', path.join(home, 'conf'), '-i', path.join(home, 'pid')], {
    ...{ stdio: 'ignore', env: childEnvironment() },
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  await vi.waitFor(
    () =>
      new Promise<void>((open, failed) => {
        const trial = connect(port, host, () => open(void trial.end()))
        trial.once('error', failed)
      }),
    { timeout: 10_000, interval: 50 },
  )
  return {
    socket,
    heard: () =>
      readFileSync(out, 'utf8')
        .split('\n')
        .filter((line) => line.includes('weft'))
        .map((line) => JSON.parse(line) as Heard),
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

const TENANT = '0190a0a0-0000-7000-8000-000000000001'
const DETAIL = 'say "a\\b" ]=\nnext'

function lines(count: number, detail = DETAIL): Shipped[] {
  const loose = Array.from({ length: count }, () =>
    lineOf(
      {
        ...{ actor: 'zoë', address: '192.0.2.7', action: 'session.create', outcome: 'refused', subject: null, detail },
        ...{ tenantId: TENANT, changeId: null, reason: 'expired', provider: 'corp' },
      },
      1_764_000_000_123,
    ),
  )
  return link(loose, new Map()).linked.map(({ hash, at_ms, ...line }) => ({
    ...{ type: 'line', ...line, at: new Date(at_ms).toISOString(), hash: hash.toString('hex') },
  }))
}

const CHECKPOINT: Shipped = {
  ...{ type: 'checkpoint', chain: 'operators', sequence: 7, hash: 'ab'.repeat(32), at: '2026-11-24T00:00:00.000Z' },
  ...{ keyId: TENANT, publicKey: '-----BEGIN PUBLIC KEY-----', signature: 'QUJD' },
}

const home = mkdtempSync(path.join(tmpdir(), 'weft-syslog-'))
let port: number
let peer: Awaited<ReturnType<typeof startRsyslog>>
beforeAll(async () => {
  port = await freePort()
  peer = await startRsyslog(path.join(home, 'one'), port)
})
afterAll(async () => {
  await peer?.stop()
  rmSync(home, { recursive: true, force: true })
})

async function send(address: SyslogAddress, records: readonly Shipped[]): Promise<Heard[]> {
  const before = peer.heard().length
  const destination = syslogDestination(address)
  await destination.send(records)
  await destination.close()
  return vi.waitFor(
    () => {
      const heard = peer.heard().slice(before)
      expect(heard).toHaveLength(records.length)
      return heard
    },
    { timeout: 10_000, interval: 50 },
  )
}

describe('rsyslogd understands', () => {
  test.each(['udp', 'tcp'] as const)('lines and checkpoints over %s, with structured data', async (transport) => {
    const [line, checkpoint] = await send({ transport, host, port }, [...lines(1), CHECKPOINT])
    expect(line).toMatchObject({
      ...{ pri: String(13 * 8 + 4), host: hostname(), app: 'weft', id: 'audit', text: 'zoë session.create refused' },
    })
    expect(line?.at).toContain('.123')
    expect(line?.data).toMatch(/^\[weft@32473 chain="0190a0a0-[^ ]+" sequence="1" hash="[0-9a-f]{64}" actor="zoë" /)
    expect(line?.data).toContain(
      `provider="corp" address="192.0.2.7" action="session.create" outcome="refused" reason="expired"`,
    )
    expect(line?.data).toContain(`detail="say \\"a\\\\b\\" \\]= next"]`)
    expect(checkpoint).toMatchObject({ pri: '109', id: 'checkpoint', text: 'line 7 of operators is signed' })
    expect(checkpoint?.data).toContain('sequence="7"')
    expect(checkpoint?.data).toContain('signature="QUJD"')
  })

  test('a thousand lines over one connection, each as one message', async () => {
    const heard = await send({ transport: 'tcp', host, port }, lines(1000, 'x'.repeat(3000)))
    expect(new Set(heard.map(({ data }) => /sequence="(\d+)"/.exec(data)?.[1])).size).toBe(1000)
  })

  test('what comes to its socket for datagrams', async () => {
    const [line, checkpoint] = await send({ transport: 'unix', path: peer.socket }, [...lines(1), CHECKPOINT])
    expect(line).toMatchObject({ pri: String(13 * 8 + 4), app: 'weft' })
    expect(line?.text).toMatch(/^\[weft@32473 chain="0190a0a0-.* zoë session\.create refused$/)
    expect(checkpoint?.text).toContain('signature="QUJD"')
  })
})

describe('a syslog server that is gone', () => {
  test('is told over tcp and unix sockets, and reached again when it is back', async () => {
    const [away, folder] = [await freePort(), path.join(home, 'two')]
    const tcp = syslogDestination({ transport: 'tcp', host, port: away })
    const unix = syslogDestination({ transport: 'unix', path: path.join(folder, 'log') })
    await expect(tcp.send(lines(1))).rejects.toThrow(/ECONNREFUSED/)
    await expect(unix.send(lines(1))).rejects.toThrow(/ENOENT/)
    const first = await startRsyslog(folder, away)
    await tcp.send(lines(1))
    await unix.send(lines(1))
    await vi.waitFor(() => expect(first.heard()).toHaveLength(2), { timeout: 10_000, interval: 50 })
    await first.stop()
    await vi.waitFor(() => expect(tcp.send(lines(1))).rejects.toThrow(), { timeout: 10_000, interval: 50 })
    await expect(unix.send(lines(1))).rejects.toThrow(/logger/)
    const second = await startRsyslog(folder, away)
    await tcp.send(lines(1))
    await vi.waitFor(() => expect(second.heard().length).toBeGreaterThan(0), { timeout: 10_000, interval: 50 })
    await second.stop()
    await Promise.all([tcp.close(), unix.close()])
  })
})
