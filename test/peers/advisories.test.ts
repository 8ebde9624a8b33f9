import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT, toolEnvironment } from '#server/config.ts'

/** npm itself, and a registry that knows of a vulnerability in a package of ours. */

const ADVISORY = {
  ...{ id: 1101234, url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc', title: 'Reads what it should not' },
  ...{ severity: 'high', vulnerable_versions: '>=0', cwe: ['CWE-22'] },
  cvss: { score: 7.5, vectorString: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N' },
}

let registry: Server
let found: Record<string, unknown[]> = {}
let asked: Record<string, string[]> = {}
let refuses = false
let home: string
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'weft-npm-'))
  registry = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const isQuestion = request.method === 'POST' && request.url === '/-/npm/v1/security/advisories/bulk'
      response.statusCode = isQuestion && !refuses ? 200 : 405
      response.setHeader('content-type', 'application/json')
      if (!isQuestion || refuses) return response.end('{}')
      const body = Buffer.concat(pieces)
      asked = JSON.parse((request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString())
      response.end(JSON.stringify(found))
    })
  })
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  registry?.close()
  rmSync(home, { recursive: true, force: true })
})

/** The step as `./weft test` runs it. */
const ask = () =>
  new Promise<{ code: number; text: string }>((resolve) => {
    const { port } = registry.address() as AddressInfo
    const env = toolEnvironment({ npm_config_registry: `http://127.0.0.1:${port}/`, npm_config_cache: home })
    execFile('node', ['server/supervisor/ask-advisories.ts'], { cwd: ROOT, env }, (error, stdout) =>
      resolve({ code: error ? Number(error.code) : 0, text: stdout }),
    )
  })

test('a registry that knows of nothing is asked about every package, and the step is well', async () => {
  found = {}
  const { code, text } = await ask()
  expect(text).toContain('Nothing is known that stays longer than it may.')
  expect(code).toBe(0)
  expect(Object.keys(asked).length).toBeGreaterThan(200)
  expect(Object.keys(asked)).toEqual(expect.arrayContaining(['fastify', 'xml-crypto', 'next']))
})

test('one that knows of a vulnerability fails the step, which names it', async () => {
  found = { fastify: [ADVISORY] }
  const { code, text } = await ask()
  expect(text).toContain('FAULT fastify >=0: Reads what it should not (high).')
  expect(text).toContain('https://github.com/advisories/GHSA-aaaa-bbbb-cccc is not looked at.')
  expect(code).toBe(1)
})

test('one that does not answer is said to have not been asked', async () => {
  refuses = true
  const { code, text } = await ask()
  expect(text).toBe('not asked: the registry has no answer\n')
  expect(code).toBe(0)
})
