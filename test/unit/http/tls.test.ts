import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import path from 'node:path'
import { type ConnectionOptions, connect } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { startConsole } from './ground.ts'

const file = (name: string) => path.join(import.meta.dirname, 'tls', name)
const TLS = {
  WEFT_HOST: '0.0.0.0',
  WEFT_TLS_CERTIFICATE: file('certificate.pem'),
  WEFT_TLS_KEY: file('key.pem'),
  WEFT_ORIGIN: 'https://weft.test',
}

/** Asks over TLS, trusting the certificate of this folder alone. */
const ask = (port: number, url: string, host: string) =>
  new Promise<{ status: number; headers: Record<string, unknown> }>((resolve, reject) => {
    const ca = readFileSync(file('certificate.pem'))
    const options = {
      port,
      path: url,
      host: '127.0.0.1',
      servername: 'weft.test',
      ca,
      headers: { host },
      agent: false as const,
    }
    request(options, (answer) => {
      answer.resume()
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers }))
    })
      .once('error', reject)
      .end()
  })

/** Version and cipher that a client with these options gets. */
const shake = (port: number, options: ConnectionOptions) =>
  new Promise<string>((resolve, reject) => {
    const ca = readFileSync(file('certificate.pem'))
    // An old version is refused by the server, not by this client before it asks.
    const legacy = { ciphers: 'DEFAULT@SECLEVEL=0' }
    const socket = connect({ port, host: '127.0.0.1', servername: 'weft.test', ca, ...legacy, ...options }, () => {
      resolve(`${socket.getProtocol()} ${socket.getCipher().name}`)
      socket.destroy()
    }).once('error', reject)
  })

describe('off loopback', () => {
  test('people come over TLS, by the name of the console alone, and are told to stay there', async () => {
    const { port } = await startConsole(TLS)
    const { status, headers } = await ask(port, '/api/v1/session', 'weft.test')
    expect([status, headers['strict-transport-security']]).toEqual([401, 'max-age=31536000; includeSubDomains'])
    expect((await ask(port, '/api/v1/session', 'evil.example')).status).toBe(400)
  })

  test('nothing older than TLS 1.2 is spoken, and no cipher without forward secrecy', async () => {
    const { port } = await startConsole(TLS)
    expect(await shake(port, {})).toMatch(/^TLSv1.3 TLS_AES_256/)
    expect(await shake(port, { maxVersion: 'TLSv1.2' })).toMatch(/^TLSv1.2 ECDHE-.*GCM/)
    await expect(shake(port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' })).rejects.toThrow(/version|protocol/i)
    for (const ciphers of ['AES256-GCM-SHA384', 'ECDHE-RSA-AES128-SHA256', 'ECDHE-RSA-AES256-SHA'])
      await expect(shake(port, { maxVersion: 'TLSv1.2', ciphers })).rejects.toThrow(/handshake failure/)
  })

  test('behind a named proxy the address and scheme are those that it tells, and nobody else is believed', async () => {
    const proxied = { WEFT_HOST: '0.0.0.0', WEFT_TRUSTED_PROXY: '127.0.0.1', WEFT_ORIGIN: 'https://weft.test' }
    const forwarded = {
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'weft.test',
    }
    const sign = { name: 'mallory', password: 'x' }
    const behind = await startConsole(proxied)
    await behind.send('POST', '/api/v1/session', sign, forwarded)
    expect(behind.audit.lines.at(-1)?.address).toBe('203.0.113.7')
    const bare = await startConsole()
    await bare.send('POST', '/api/v1/session', sign, { 'x-forwarded-for': '203.0.113.7' })
    expect(bare.audit.lines.at(-1)?.address).toBe('127.0.0.1')
  })
})
