import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createSecureContext, TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readConfig } from '#server/config.ts'
import { openDatabase } from '#server/inventory/database.ts'
import { certificateAuthority } from '#test/peers/certificates.ts'
import { startTestDatabase, type TestDatabase } from '#test/peers/postgres.ts'

const home = mkdtempSync(path.join(tmpdir(), 'weft-pg-tls-'))
const [ours, theirs] = [certificateAuthority(home, 'ours'), certificateAuthority(home, 'theirs')]
const { certificate, key } = ours.issue('server', 'DNS:localhost')
const secureContext = createSecureContext({ cert: readFileSync(certificate), key: readFileSync(key) })

let database: TestDatabase
beforeAll(async () => {
  database = await startTestDatabase()
})
afterAll(async () => {
  await database?.close()
  rmSync(home, { recursive: true, force: true })
})

/** The embedded PostgreSQL as one on another machine would be: by TLS, or without it. Answers its port. */
async function far({ tls }: { tls: boolean }): Promise<number> {
  const run = new URL(database.url('weft_owner')).searchParams.get('host') ?? ''
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket.on('error', () => undefined))
    // The client asks whether TLS is spoken (protocol 3.0, SSLRequest), and goes on as it is told.
    socket.once('data', () => {
      socket.write(tls ? 'S' : 'N')
      if (!tls) return
      const secured = new TLSSocket(socket, { isServer: true, secureContext })
      const inner = connect(path.join(run, '.s.PGSQL.5432'))
      for (const stream of [secured, inner]) open.add(stream.on('error', () => undefined))
      secured.pipe(inner).pipe(secured)
    })
  })
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

/** Who the engine is there, by the login that is configured. */
async function whoAt(host: string, port: number, ca = ours.ca): Promise<string> {
  const url = `postgresql://postgres@${host}:${port}/weft?sslmode=verify-full&sslrootcert=${ca}`
  const { engine, close } = openDatabase(readConfig({}, { WEFT_DATABASE_URL: url }).database.urls)
  try {
    const { rows } = await engine.query<{ name: string }>('SELECT current_user AS name')
    return rows[0]?.name ?? ''
  } finally {
    await close()
  }
}

describe('a database on another machine', () => {
  test('is reached when its certificate is of the authority that is named, and for its name', async () => {
    expect(await whoAt('localhost', await far({ tls: true }))).toBe('weft_engine')
  })

  test('is told nothing when its certificate is of another authority, or for another name', async () => {
    const port = await far({ tls: true })
    await expect(whoAt('localhost', port, theirs.ca)).rejects.toThrow(/unable to verify/)
    await expect(whoAt('127.0.0.1', port)).rejects.toThrow(/does not match certificate/)
  })

  test('is told nothing when it speaks no TLS', async () => {
    await expect(whoAt('localhost', await far({ tls: false }))).rejects.toThrow(/does not support SSL/)
  })
})
