import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { listenOnSocket } from '#server/http/socket.ts'
import { startConsole } from './ground.ts'

const file = (name: string) => path.join(import.meta.dirname, 'tls', name)
const TLS = {
  WEFT_HOST: '0.0.0.0',
  WEFT_TLS_CERTIFICATE: file('certificate.pem'),
  WEFT_TLS_KEY: file('key.pem'),
  WEFT_ORIGIN: 'https://weft.test',
}

/** Asks as pages do: on the socket, by the name of the console. */
const ask = (socketPath: string, at: string, host: string) =>
  new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    get({ socketPath, path: at, headers: { host }, agent: false }, async (answer) =>
      resolve({ status: answer.statusCode, body: await text(answer) }),
    ).once('error', reject)
  })

/** A console that answers on its socket, which it does a moment after it listens to people. */
async function started(environment: Record<string, string> = {}) {
  const { config } = await startConsole(environment)
  await vi.waitFor(() => ask(config.http.socket, '/health', 'localhost'), { interval: 10 })
  return config
}

const modeOf = (name: string) => statSync(name).mode & 0o777

describe('the sockets between engine and pages', () => {
  test.each([
    ['on loopback', {}],
    ['where people come by TLS', TLS],
  ])('answer pages by the name of the console, and by no other, %s', async (_where, environment) => {
    const config = await started(environment)
    const { host } = new URL(config.http.origin)
    const { status, body } = await ask(config.http.socket, '/api/v1/session', host)
    expect([status, (JSON.parse(body) as { code: string }).code]).toEqual([401, 'unauthenticated'])
    expect((await ask(config.http.socket, '/api/v1/session', 'localhost')).status).toBe(400)
  })

  test('are for the user of this instance alone', async () => {
    const config = await started()
    expect([config.http.socket, config.web.socket].map(modeOf)).toEqual([0o600, 0o600])
    expect(modeOf(path.dirname(config.web.socket))).toBe(0o700)
  })

  test('replace what a killed process left, and are gone when the server ends', async () => {
    const home = mkdtempSync(path.join(tmpdir(), 'weft-socket-'))
    onTestFinished(() => rmSync(home, { recursive: true, force: true }))
    const socket = path.join(home, 'run', 'one.sock')
    const first = createServer((_request, response) => response.end('first'))
    await listenOnSocket(first, socket)
    await new Promise((closed) => first.close(closed))
    expect(() => statSync(socket)).toThrow(/ENOENT/)
    writeFileSync(socket, '')
    const second = createServer((_request, response) => response.end('second'))
    onTestFinished(() => void second.close())
    await listenOnSocket(second, socket)
    expect((await ask(socket, '/', 'localhost')).body).toBe('second')
  })
})
