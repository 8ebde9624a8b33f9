import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { call } from '@orpc/server'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '#server/config.ts'
import { EVERYTHING, type Scope } from '#server/inventory/database.ts'
import { datapathStore } from '#server/inventory/facts.ts'
import { switchCertificateStore } from '#server/inventory/switch-certificates.ts'
import { systemClock } from '#server/kernel/clock.ts'
import type { OpenKeys } from '#server/keys/open.ts'
import { openSwitchTls } from '#server/wiring-switches.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'
import { refusal, site } from '../inventory/fixture.ts'
import { memoryStore, openWith } from '../keys/ground.ts'
import { callerIn } from './ground.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'weft-enrol-'))
const file = (name: string) => path.join(folder, name)
const openssl = (...argv: string[]) => execFileSync('openssl', argv, { stdio: ['ignore', 'pipe', 'ignore'] }).toString()

/** A request for a certificate whose key openssl makes with these options. */
const requestWith = (...key: string[]) =>
  openssl('req', '-new', '-nodes', '-subj', '/CN=switch', '-keyout', file('key.pem'), ...key)
const request = () => requestWith('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256')

let database: TestDatabase
let keys: OpenKeys
let tls: Awaited<ReturnType<typeof opened>>
let tenant: string
const ids = new Map<string, string>()
const operator = callerIn('operator')

async function opened(files?: { certificate: string; key: string; authorities: string }) {
  const config = { switchTls: { setting: undefined, files }, product: { name: 'Weft', version: '1' }, instance: 'test' }
  const parts = { config, database, datapaths: datapathStore(database), keys, log: pino({ level: 'silent' }) }
  const { close, handlers, attention } = await openSwitchTls(parts)
  return { close, attention, ...handlers(() => undefined) }
}

beforeAll(async () => {
  database = await startTestDatabase()
  const lab = await site(database)
  tenant = (await lab.tenant('red')).id
  keys = await openWith({ store: memoryStore(), clock: systemClock })
  for (const { name, id } of await datapathStore(database).all()) ids.set(name, id)
  tls = await opened()
}, 60_000)
afterAll(async () => {
  tls?.close()
  await keys?.close()
  await database?.close()
  rmSync(folder, { recursive: true })
})

const idOf = (name: string) => ids.get(name) as string
const enrol = (name: string, more: object = {}) =>
  call(tls.enrol, { id: idOf(name), csr: request(), ...more }, operator)

describe('a switch is enrolled', () => {
  test('by its own request, for the datapaths that it has, and openssl takes what it gets', async () => {
    const made = await enrol('nic-1', { also: [idOf('fabric-1')], days: 30 })
    expect(made.datapaths.map(({ name }) => name).toSorted()).toEqual(['fabric-1', 'nic-1'])
    const certificate = new X509Certificate(made.certificate)
    expect(certificate.ca).toBe(false)
    expect(certificate.subjectAltName).toBe(`URI:urn:uuid:${idOf('nic-1')}, URI:urn:uuid:${idOf('fabric-1')}`)
    const days = (certificate.validToDate.getTime() - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(29.9)
    expect(days).toBeLessThanOrEqual(30)
    writeFileSync(file('switch.pem'), made.certificate)
    const [authority] = (await keys.verificationKeys('switch-ca')).map((key) => key.certificate)
    writeFileSync(file('ca.pem'), authority as string)
    const verify = ['verify', '-x509_strict', '-CAfile', file('ca.pem'), file('switch.pem')]
    for (const purpose of ['sslclient', 'sslserver'])
      expect(openssl(...verify.toSpliced(1, 0, '-purpose', purpose))).toContain(': OK')
    // What it is told to trust is Weft's authority, and not its own: no other switch can pass for Weft.
    writeFileSync(file('weft.pem'), made.authorities)
    expect(() => openssl('verify', '-CAfile', file('weft.pem'), file('switch.pem'))).toThrow()
  })

  test.each([
    ['what is no request', () => 'nonsense', 'switch.request'],
    ['a short RSA key', () => requestWith('-newkey', 'rsa:2048'), 'switch.request'],
    ['a weak curve', () => requestWith('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp224r1'), 'switch.request'],
    [
      'a request that was changed',
      () => {
        const der = Buffer.from(request().replace(/-----[^-]+-----|\n/g, ''), 'base64')
        der.write('swotch', der.indexOf('switch'))
        return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
      },
      'switch.request',
    ],
  ])('but not for %s', async (_, csr, rule) => {
    const refused = await refusal(enrol('nic-1', { csr: csr() }))
    expect(refused.errors).toMatchObject([{ pointer: '/csr', rule, mend: expect.any(String) }])
  })

  test('but not together with one of another server, nor by a certificate where Weft is the authority', async () => {
    const foreign = await refusal(enrol('nic-1', { also: [idOf('nic-2')] }))
    expect(foreign.errors).toMatchObject([{ pointer: '/also', rule: 'switch.other-server' }])
    const { certificate } = await enrol('nic-1')
    const handed = await refusal(call(tls.enrol, { id: idOf('nic-1'), certificate }, operator))
    expect(handed.errors).toMatchObject([{ pointer: '/csr', rule: 'switch.authority' }])
  })

  test('by whoever runs it alone', async () => {
    for (const role of ['auditor', 'tenant-administrator'] as const) {
      const input = { id: idOf('nic-1'), csr: request() }
      expect((await refusal(call(tls.enrol, input, callerIn(role, tenant)))).code).toBe('forbidden')
    }
    const nobody = { id: '019ab000-0000-7000-8000-0000000000ff', csr: request() }
    expect((await refusal(call(tls.enrol, nobody, operator))).code).toBe('not-found')
  })
})

describe('certificates', () => {
  test('are listed with their state, and revoked once', async () => {
    const { id } = await enrol('fabric-2')
    const revoked = await call(tls.revoke, { id: idOf('fabric-2'), certificateId: id }, operator)
    expect(revoked).toMatchObject({ state: 'revoked', revokedBy: 'anna' })
    const again = await call(tls.revoke, { id: idOf('fabric-2'), certificateId: id }, operator)
    expect(again.revokedAt).toBe(revoked.revokedAt)
    const { items, authorities } = await call(tls.list, { id: idOf('fabric-2') }, callerIn('auditor'))
    expect(items).toMatchObject([{ id, state: 'revoked', enrolledBy: 'anna' }])
    expect(authorities).toContain('BEGIN CERTIFICATE')
    const other = call(tls.revoke, { id: idOf('nic-2'), certificateId: id }, operator)
    expect((await refusal(other)).code).toBe('not-found')
  })

  test('are seen and entered at the site of their server alone, removed by nobody, and bound for good', async () => {
    const store = switchCertificateStore(database)
    const { id } = await enrol('nic-2')
    const [record] = await store.of(EVERYTHING, idOf('nic-2'))
    if (!record) throw new Error('it is not there')
    const elsewhere: Scope = { tenantId: null, siteId: '019ab000-0000-7000-8000-0000000000aa' }
    for (const scope of [elsewhere, { tenantId: tenant }]) {
      expect(await store.of(scope, idOf('nic-2'))).toEqual([])
      expect(await store.revoke(scope, idOf('nic-2'), id, 'x')).toBeUndefined()
      const stolen = { ...record, id: '019ab000-0000-7000-8000-0000000000bb', fingerprint: 'x' }
      await expect(store.add(scope, stolen)).rejects.toThrow(/row-level security/)
    }
    const app = (work: string) => database.inScope(EVERYTHING, (tx) => tx.$executeRawUnsafe(work))
    await expect(app('DELETE FROM switch_certificate')).rejects.toThrow(/permission denied/)
    await expect(app("UPDATE switch_certificate SET datapath_ids = '{}'")).rejects.toThrow(/permission denied/)
  })

  test('that end within 30 days are said to operators, unless there is a later one', async () => {
    const looking = { scope: EVERYTHING, rights: new Set(['datapath.read'] as const) }
    const titles = async () => (await tls.attention(looking)).map(({ title }) => title)
    await enrol('fabric-2', { days: 29 })
    expect(await titles()).toContain('Certificate of fabric-2')
    expect(await tls.attention({ ...looking, scope: { tenantId: tenant } })).toEqual([])
    expect(await tls.attention({ ...looking, rights: new Set() })).toEqual([])
    await enrol('fabric-2', { days: 31 })
    expect(await titles()).not.toContain('Certificate of fabric-2')
  })
})

describe('an authority of the operator’s', () => {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const files = { certificate: file('own.pem'), key: file('own-key.pem'), authorities: file('own-ca.pem') }
  beforeAll(() => {
    const self = ['req', '-x509', ...curve, '-subj', '/CN=own', '-days', '20']
    openssl(...self, '-keyout', files.key, '-out', files.certificate)
    openssl(...self, '-keyout', file('x.pem'), '-out', files.authorities)
  })

  test('signs requests itself: its certificates are entered, once, and its own is watched', async () => {
    const own = await opened(files)
    openssl(
      'req',
      '-x509',
      ...curve,
      '-subj',
      '/CN=s',
      '-addext',
      'basicConstraints=critical,CA:FALSE',
      '-keyout',
      file('s-key.pem'),
      '-out',
      file('s.pem'),
    )
    const input = { id: idOf('nic-1'), certificate: openssl('x509', '-in', file('s.pem')) }
    const made = await call(own.enrol, input, operator)
    expect(made.certificate.trim()).toBe(input.certificate.trim())
    expect(made.authorities).toContain(openssl('x509', '-in', files.authorities).trim())
    expect((await refusal(call(own.enrol, input, operator))).errors[0]?.rule).toBe('switch.entered')
    const csr = call(own.enrol, { id: idOf('nic-1'), csr: request() }, operator)
    expect((await refusal(csr)).errors[0]).toMatchObject({ pointer: '/certificate', rule: 'switch.authority' })
    const authority = { ...input, certificate: openssl('x509', '-in', files.authorities) }
    expect((await refusal(call(own.enrol, authority, operator))).errors[0]?.rule).toBe('switch.certificate')
    const looking = { scope: EVERYTHING, rights: new Set(['datapath.read'] as const) }
    expect((await own.attention(looking)).map(({ title }) => title)).toContain('Weft’s certificate towards switches')
    own.close()
  })

  test.each([
    ['a file that is not there', { key: file('none.pem') }, 'WEFT_SWITCH_TLS_KEY'],
    ['a key that is another', { key: file('x.pem') }, 'WEFT_SWITCH_TLS_KEY'],
    ['no authority', { authorities: file('own-key.pem') }, 'WEFT_SWITCH_TLS_CA'],
  ])('with %s is refused at the start', async (_, wrong, variable) => {
    const error = await opened({ ...files, ...wrong }).catch((one: unknown) => one)
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as ConfigError).problems[0]).toContain(variable)
  })
})
