import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EVERYTHING } from '#server/inventory/database.ts'
import { switchCertificateStore } from '#server/inventory/switch-certificates.ts'
import { issueCertificate } from '#server/keys/certificate.ts'
import { readRequest } from '#server/keys/request.ts'
import { adding, manyEntries } from './openflow.ts'
import { type Openvswitch, run, startPeer, stopPeersAfterAll } from './openvswitch.ts'
import { type Files, request, setSsl } from './switch-files.ts'
import { freePort, type TlsGround, tlsGround } from './tls-ground.ts'

stopPeersAfterAll()

const DATAPATH = { a: '00000000000000a0', b: '00000000000000a1' }
let peer: Openvswitch
let ground: TlsGround

beforeAll(async () => {
  peer = await startPeer({ datapath: 'dummy' })
})
beforeEach(async () => {
  await peer.addBridge('br-a', { datapathId: DATAPATH.a })
})
afterEach(async () => {
  await ground.close()
  await peer.vsctl('--', '--if-exists', 'del-br', 'br-a', '--', 'del-manager', '--', 'del-ssl')
})

const ssl = (port: number) => `ssl:127.0.0.1:${port}`
/** The switch dials Weft's OVSDB port, and is told its controller there. */
const dialIn = (scheme = 'ssl') => peer.vsctl('set-manager', `${scheme}:127.0.0.1:${ground.ports.ovsdb}`)
const dialOpenflow = (scheme = 'ssl') =>
  peer.vsctl('set-controller', 'br-a', `${scheme}:127.0.0.1:${ground.ports.openflow}`)

/** The authority that openssl is, with a certificate of it for a switch. */
async function foreignFiles(): Promise<Files> {
  const [key, own] = [path.join(peer.dir, 'foreign-ca.pem'), path.join(peer.dir, 'foreign.pem')]
  const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=other']
  await run(['openssl', 'req', ...made, '-keyout', key, '-out', own])
  const { authority } = await ground.enrol(peer.dir, 'b')
  return { key, certificate: own, authority }
}

describe('an enrolled switch', () => {
  it('comes over TLS by both protocols, and its entries are written and read', async () => {
    ground = await tlsGround()
    const files = await ground.enrol(peer.dir, 'a')
    await setSsl(peer, files)
    await dialIn()
    await ground.connected('a')
    const id = ground.idOf('a')
    const shown = { type: 'tls', protocol: 'TLSv1.3', certificateId: files.id, datapathIds: [DATAPATH.a] }
    expect(ground.fleet.connection(id).transport).toMatchObject(shown)
    expect(ground.switches.database(id).transport).toMatchObject(shown)
    // It was declared by `tcp:`, and is told what is spoken there.
    expect((await peer.vsctl('get-controller', 'br-a')).trim()).toBe(ssl(ground.ports.openflow))
    const driver = ground.fleet.driver(id)
    const entries = manyEntries(500)
    const staged = await driver?.stage({ change: 'C-1', difference: adding(entries) }, 10_000)
    await driver?.commit(staged as never, 10_000)
    expect((await driver?.read())?.program.entries.size).toBe(500)
    expect((await peer.ofctl('dump-flows', 'br-a')).split('\n').filter((line) => line.includes('nw_dst'))).toHaveLength(
      500,
    )
  })

  it('has its database dialled under TLS, by none but its own certificate', async () => {
    ground = await tlsGround()
    const [port, other] = [await freePort(), await ground.enrol(peer.dir, 'b')]
    await setSsl(peer, other)
    await peer.vsctl('set-manager', `pssl:${port}:127.0.0.1`)
    await ground.move(ssl(port))
    await ground.logged(`ssl:127.0.0.1:${port}: its certificate is not for datapath ${DATAPATH.a}`)
    expect(ground.switches.database(ground.idOf('a')).trouble).toContain('its certificate is not for datapath')
    await setSsl(peer, await ground.enrol(peer.dir, 'a'))
    await ground.databaseBy('tls')
    await ground.connected('a')
    await peer.vsctl('set-manager', `ptcp:${port}:127.0.0.1`)
    await ground.move(`tcp:127.0.0.1:${port}`)
    await ground.logged(`tcp:127.0.0.1:${port} is not under TLS, which is required here: declare ssl:`)
  })

  it('is closed at once when its certificate is revoked, refused from then on, and comes back with another', async () => {
    ground = await tlsGround()
    const files = await ground.enrol(peer.dir, 'a')
    await setSsl(peer, files)
    await dialIn()
    await ground.connected('a')
    const begun_ms = performance.now()
    await ground.revoke('a', files.id)
    await ground.connected('a', false)
    expect(performance.now() - begun_ms).toBeLessThan(1000)
    await ground.reason('a', 'a peer was refused: its certificate was revoked')
    expect(ground.switches.database(ground.idOf('a')).transport).toBeUndefined()
    await setSsl(peer, await ground.enrol(peer.dir, 'a'))
    await ground.connected('a')
  })
})

it('an authority is replaced in two steps, and the switch is cut off when the one before it is retired', async () => {
  ground = await tlsGround()
  const { keys, tls } = ground
  const before = await ground.enrol(peer.dir, 'a')
  await setSsl(peer, before)
  await dialIn()
  await ground.connected('a')
  const { keyId } = await keys.signer('switch-ca')
  for (const step of ['prepare', 'promote'] as const) await keys.rotate('switch-ca', step)
  await tls.tick()
  expect(ground.fleet.connection(ground.idOf('a')).connected).toBe(true)
  await keys.retire(keyId)
  await tls.tick()
  await ground.connected('a', false)
  await ground.reason('a', 'its certificate is not of an authority that is trusted here')
  await setSsl(peer, await ground.enrol(peer.dir, 'a'))
  await ground.connected('a')
})

describe('a switch is refused, with the reason', () => {
  beforeEach(async () => {
    ground = await tlsGround()
  })

  it('that has the certificate of another', async () => {
    await setSsl(peer, await ground.enrol(peer.dir, 'b'))
    await dialOpenflow()
    await ground.reason('a', `its certificate is not for datapath ${DATAPATH.a}`)
    await dialIn()
    await ground.logged(`with bridges br-a: its certificate is not for datapath ${DATAPATH.a}`)
  })

  it('whose certificate is of an authority that is not trusted', async () => {
    await setSsl(peer, await foreignFiles())
    await dialOpenflow()
    await ground.logged('its certificate is not of an authority that is trusted here')
    expect(ground.fleet.connection(ground.idOf('a')).connected).toBe(false)
  })

  it('whose certificate has expired', async () => {
    const { key, csr } = await request(peer.dir)
    const day_ms = 86_400_000
    const [notBefore, notAfter] = [new Date(Date.now() - 2 * day_ms), new Date(Date.now() - day_ms)]
    const made = { name: 'a', uris: [], publicKey: await readRequest(csr), notBefore, notAfter }
    const pem = await issueCertificate(await ground.keys.signer('switch-ca'), made)
    const { authority } = await ground.enrol(peer.dir, 'b')
    const store = switchCertificateStore(ground.database)
    const [other] = await store.of(EVERYTHING, ground.idOf('b'))
    const { fingerprint256 } = new X509Certificate(pem)
    const fingerprint = fingerprint256.replaceAll(':', '').toLowerCase()
    const bound = { id: crypto.randomUUID(), datapathIds: [ground.idOf('b')], fingerprint, pem, notBefore, notAfter }
    await store.add(EVERYTHING, { ...(other as NonNullable<typeof other>), ...bound })
    const certificate = path.join(peer.dir, 'expired.pem')
    await writeFile(certificate, pem)
    await setSsl(peer, { key, certificate, authority })
    await dialOpenflow()
    await ground.reason('b', 'a peer was refused: its certificate has expired')
  })

  it('that speaks plain TCP, by either protocol', async () => {
    await dialOpenflow('tcp')
    await ground.logged('An OpenFlow peer was refused."}')
    await ground.logged('it does not speak TLS, which is required here')
    await dialIn('tcp')
    await ground.logged('An OVSDB peer was refused."}')
    expect(ground.fleet.connection(ground.idOf('a')).reason).toBe('has never connected')
  })
})

it('Weft is refused by a switch that trusts another authority', async () => {
  ground = await tlsGround()
  const { key, certificate } = await ground.enrol(peer.dir, 'a')
  const foreign = await foreignFiles()
  await setSsl(peer, { key, certificate, authority: foreign.certificate })
  await dialOpenflow()
  await ground.logged('the TLS handshake failed')
})

it('a datapath that is declared by `ssl:` is not taken in plain, where others may be', async () => {
  ground = await tlsGround({ setting: 'accepted', scheme: 'ssl' })
  await dialIn('tcp')
  await ground.logged('its database is taken under TLS alone')
  await dialOpenflow('tcp')
  await ground.logged(`datapath ${DATAPATH.a} is taken under TLS alone`)
})

it('where both are accepted, a switch comes in plain, and over TLS once it can', async () => {
  ground = await tlsGround({ setting: 'accepted' })
  await dialIn('tcp')
  await ground.connected('a')
  const id = ground.idOf('a')
  expect([ground.fleet.connection(id).transport, ground.switches.database(id).transport]).toEqual([
    { type: 'tcp' },
    { type: 'tcp' },
  ])
  await setSsl(peer, await ground.enrol(peer.dir, 'a'))
  await dialIn()
  await ground.databaseBy('tls')
  await ground.connected('a')
})
