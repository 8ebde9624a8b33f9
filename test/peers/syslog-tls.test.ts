import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { auditShipper } from '#server/identity/audit/shipping/shipper.ts'
import { syslogDestination } from '#server/identity/audit/shipping/syslog.ts'
import { certificateAuthority, type Issued } from './certificates.ts'
import { CHECKPOINT, chain, freePort, type Heard, host, lines, startRsyslog } from './rsyslog.ts'

vi.setConfig({ testTimeout: 40_000, hookTimeout: 20_000 })

const home = mkdtempSync(path.join(tmpdir(), 'weft-syslog-tls-'))
const ours = certificateAuthority(home, 'ours')
const theirs = certificateAuthority(home, 'theirs')
const server = ours.issue('server', `DNS:localhost,IP:${host}`)
const client = ours.issue('client', 'DNS:weft.test')
const stranger = theirs.issue('stranger', 'DNS:weft.test')

interface Listening {
  /** Its library: GnuTLS or OpenSSL. */
  readonly driver?: 'gtls' | 'ossl'
  readonly certificate?: Issued
  /** Clients that it wants a certificate of. */
  readonly clients?: string
  readonly versions?: string
}

/** How rsyslogd listens by TLS. */
function secured(port: number, { driver = 'gtls', certificate = server, clients, versions }: Listening = {}): string {
  const permitted = clients === undefined ? '' : ` PermittedPeer=["${clients}"]`
  const priority = versions === undefined ? '' : ` gnutlsPriorityString="${versions}"`
  return `global(DefaultNetstreamDriver="${driver}" DefaultNetstreamDriverCAFile="${ours.ca}"
  DefaultNetstreamDriverCertFile="${certificate.certificate}" DefaultNetstreamDriverKeyFile="${certificate.key}")
module(load="imtcp" StreamDriver.Name="${driver}" StreamDriver.Mode="1"
  StreamDriver.AuthMode="${clients === undefined ? 'anon' : 'x509/name'}"${permitted}${priority})
input(type="imtcp" address="${host}" port="${port}")`
}

let folders = 0
async function listen(listening: Listening = {}) {
  const port = await freePort()
  const peer = await startRsyslog(path.join(home, String(folders++)), port, secured(port, listening))
  onTestFinished(() => peer.stop())
  return { ...peer, port }
}

const to = (port: number, more: { host?: string; ca?: string | undefined } & Partial<Issued> = {}) =>
  syslogDestination({
    ...{ transport: 'tls', host: 'localhost', port, ca: ours.ca, certificate: undefined, key: undefined, ...more },
  })

const arrived = (peer: { heard(): Heard[] }, count: number) =>
  vi.waitFor(
    () => {
      expect(peer.heard()).toHaveLength(count)
      return peer.heard()
    },
    { timeout: 10_000, interval: 50 },
  )

afterAll(() => rmSync(home, { recursive: true, force: true }))

describe('rsyslogd understands over TLS', () => {
  test.each(['gtls', 'ossl'] as const)('lines and checkpoints, by name and by address (%s)', async (driver) => {
    const peer = await listen({ driver })
    const [byName, byAddress] = [to(peer.port), to(peer.port, { host })]
    await byName.send([...lines(1), CHECKPOINT])
    await byAddress.send(lines(500, 'x'.repeat(3000)))
    const heard = await arrived(peer, 502)
    expect(heard[0]).toMatchObject({ pri: '108', app: 'weft', id: 'audit', text: 'zoë session.create refused' })
    expect(heard[1]).toMatchObject({ pri: '109', id: 'checkpoint' })
    expect(new Set(heard.slice(2).map(({ data }) => /sequence="(\d+)"/.exec(data)?.[1])).size).toBe(500)
    expect([byName.to, byAddress.to]).toEqual([`tls://localhost:${peer.port}`, `tls://${host}:${peer.port}`])
    await Promise.all([byName.close(), byAddress.close()])
  })
})

describe('a server is refused, and gets nothing,', () => {
  const refused = async (listening: Listening, more: Parameters<typeof to>[1], why: RegExp) => {
    const peer = await listen(listening)
    await expect(to(peer.port, more).send(lines(1))).rejects.toThrow(why)
    const known = to(peer.port)
    if (listening.certificate === undefined) await known.send([CHECKPOINT])
    expect((await arrived(peer, listening.certificate === undefined ? 1 : 0)).map(({ id }) => id)).not.toContain(
      'audit',
    )
  }

  test('whose certificate is of another authority than the one that is named, or than those of the system', async () => {
    const why = /of an authority that is not known here; WEFT_AUDIT_SYSLOG_CA names one \(unable to verify/
    await refused({}, { ca: theirs.ca }, why)
    await refused({}, { ca: undefined }, why)
  })

  test('whose certificate is for another name', async () => {
    const certificate = ours.issue('elsewhere', 'DNS:logs.example.net')
    await refused({ certificate }, {}, /is not for localhost \(.*DNS:logs\.example\.net/)
  })

  test('whose certificate has expired', async () => {
    await refused(
      { certificate: ours.issue('expired', 'DNS:localhost', -1) },
      {},
      /out of date \(certificate has expired\)/,
    )
  })

  test('that speaks nothing newer than TLS 1.1', async () => {
    const versions = 'NORMAL:-VERS-ALL:+VERS-TLS1.1'
    await refused({ versions, certificate: server }, {}, /SSL|TLS/)
  })

  test('that speaks no TLS', async () => {
    const port = await freePort()
    const peer = await startRsyslog(path.join(home, 'plain'), port)
    onTestFinished(() => peer.stop())
    await expect(to(port).send(lines(1))).rejects.toThrow(/does not answer|closed|SSL/)
    expect(peer.heard().filter(({ id }) => id === 'audit')).toEqual([])
  })
})

describe.each([
  ['TLS 1.3', undefined],
  ['TLS 1.2', 'NORMAL:-VERS-ALL:+VERS-TLS1.2'],
] as const)('a server that wants a certificate (%s)', (_name, versions) => {
  test('gets lines from whom it knows, and others are told', async () => {
    const peer = await listen({ clients: 'weft.test', ...(versions && { versions }) })
    await expect(to(peer.port).send(lines(1))).rejects.toThrow(
      /asks for a certificate; WEFT_AUDIT_SYSLOG_CERTIFICATE and WEFT_AUDIT_SYSLOG_KEY name one/,
    )
    await expect(to(peer.port, stranger).send(lines(1))).rejects.toThrow(/refuses the certificate in .*stranger\.pem/)
    const known = to(peer.port, client)
    await known.send([CHECKPOINT])
    expect((await arrived(peer, 1)).map(({ id }) => id)).toEqual(['checkpoint'])
    await known.close()
  })
})

test('a file that is missing, or holds something else, is named', async () => {
  const port = await freePort()
  await expect(to(port, { ca: path.join(home, 'none.pem') }).send(lines(1))).rejects.toThrow(/ENOENT.*none\.pem/)
  await expect(to(port, { ...client, key: stranger.key }).send(lines(1))).rejects.toThrow(/key values mismatch/)
})

test('a server that ends and comes back gets everything that was written meanwhile, and its end is said', async () => {
  const [port, folder] = [await freePort(), path.join(home, 'restarted')]
  const all = chain(300)
  let written = 100
  const faults: string[] = []
  const shipper = auditShipper({
    source: {
      ends: async () => new Map([['red', written]]),
      lines: async (_chain, after, limit) => all.slice(after, Math.min(after + limit, written)),
      checkpoints: async () => [],
    },
    keys: { verificationKeys: async () => [] },
    ...{ destinations: [to(port)], file: path.join(home, 'shipped.json') },
    onFault: (_to, { message }) => faults.push(message),
  })
  const write = (until: number) => {
    written = until
    shipper.wake()
  }
  const first = await startRsyslog(folder, port, secured(port))
  await shipper.start()
  await arrived(first, 100)
  await first.stop()
  write(200)
  await vi.waitFor(() => expect(shipper.state()[0]?.problem).toMatch(/ECONNREFUSED/), { timeout: 10_000 })
  const second = await startRsyslog(folder, port, secured(port))
  onTestFinished(() => second.stop())
  write(300)
  const heard = await arrived(second, 300)
  expect(heard.map(({ data }) => Number(/sequence="(\d+)"/.exec(data)?.[1]))).toEqual(
    all.map(({ sequence }) => sequence),
  )
  await vi.waitFor(() => expect(shipper.state()[0]?.problem).toBeNull())
  expect(faults).toHaveLength(1)
  await shipper.close()
})
