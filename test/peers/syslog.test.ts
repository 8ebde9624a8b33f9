import { mkdtempSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Shipped } from '#server/identity/audit/shipping/shipper.ts'
import { type SyslogAddress, syslogDestination } from '#server/identity/audit/shipping/syslog.ts'
import { CHECKPOINT, freePort, type Heard, host, lines, startRsyslog } from './rsyslog.ts'

vi.setConfig({ testTimeout: 20_000, hookTimeout: 20_000 })

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
    const [line, checkpoint] = await send({ transport: 'unix', path: path.join(home, 'one', 'log') }, [
      ...lines(1),
      CHECKPOINT,
    ])
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
    await vi.waitFor(() => expect(second.heard()).toHaveLength(3), { timeout: 10_000, interval: 50 })
    await second.stop()
    await Promise.all([tcp.close(), unix.close()])
  })
})
