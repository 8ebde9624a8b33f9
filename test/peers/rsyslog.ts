import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import path from 'node:path'
import { vi } from 'vitest'
import { childEnvironment } from '#server/config.ts'
import { type LinkedLine, lineOf, link } from '#server/identity/audit/line.ts'
import type { Shipped } from '#server/identity/audit/shipping/shipper.ts'

export const host = '127.0.0.1'

export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await new Promise<number>((resolve) =>
    server.listen(0, host, () => resolve((server.address() as { port: number }).port)),
  )
  await new Promise((closed) => server.close(closed))
  return port
}

export interface Heard {
  readonly pri: string
  readonly host: string
  readonly app: string
  readonly at: string
  readonly id: string
  readonly data: string
  readonly text: string
}

/** Listens in every way that is plain; its socket for datagrams is `log` in its folder. */
const plain = (home: string, port: number) => `module(load="imudp") input(type="imudp" address="${host}" port="${port}")
module(load="imtcp") input(type="imtcp" address="${host}" port="${port}")
module(load="imuxsock" SysSock.Use="off") input(type="imuxsock" Socket="${home}/log" useSpecialParser="off" parseTrusted="off" RateLimit.Interval="0")`

/** A real rsyslogd that listens as its configuration says, by default plainly, and writes what it understood as JSON. */
export async function startRsyslog(home: string, port: number, inputs = plain(home, port)) {
  mkdirSync(home, { recursive: true })
  const out = path.join(home, 'heard')
  writeFileSync(out, '', { flag: 'a' })
  writeFileSync(
    path.join(home, 'conf'),
    `global(workDirectory="${home}" maxMessageSize="64k")
${inputs}
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

/** A chain of so many lines. */
export function chain(count: number, detail = DETAIL): readonly LinkedLine[] {
  const loose = Array.from({ length: count }, () =>
    lineOf(
      {
        ...{ actor: 'zoë', address: '192.0.2.7', action: 'session.create', outcome: 'refused', subject: null, detail },
        ...{ tenantId: TENANT, changeId: null, reason: 'expired', provider: 'corp' },
      },
      1_764_000_000_123,
    ),
  )
  return link(loose, new Map()).linked
}

export const lines = (count: number, detail = DETAIL): Shipped[] =>
  chain(count, detail).map(({ hash, at_ms, ...line }) => ({
    ...{ type: 'line', ...line, at: new Date(at_ms).toISOString(), hash: hash.toString('hex') },
  }))

export const CHECKPOINT: Shipped = {
  ...{ type: 'checkpoint', chain: 'operators', sequence: 7, hash: 'ab'.repeat(32), at: '2026-11-24T00:00:00.000Z' },
  ...{ keyId: TENANT, publicKey: '-----BEGIN PUBLIC KEY-----', signature: 'QUJD' },
}
