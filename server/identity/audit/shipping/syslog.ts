import { spawn } from 'node:child_process'
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { connect, isIPv6, type Socket } from 'node:net'
import { hostname } from 'node:os'
import type { Destination, Shipped, ShippedLine } from './shipper.ts'

/** Where a syslog server listens. */
export type SyslogAddress =
  | { readonly transport: 'udp' | 'tcp'; readonly host: string; readonly port: number }
  | { readonly transport: 'unix'; readonly path: string }

/** Log audit (RFC 5424, table 1). */
const FACILITY = 13
/** Table 2: error, warning, informational. */
const SEVERITY: Readonly<Record<string, number>> = { failed: 3, refused: 4, done: 6 }
const NOTICE = 5
/** An enterprise number is part of the name of structured data; this one is for those that have none (RFC 5612). */
const SD_ID = 'weft@32473'
/** Longest value of a parameter: a message should fit a datagram. */
const VALUE_LENGTH = 1024
const ANSWER_MS = 5000

const flat = (text: string) => text.replace(/\p{Cc}/gu, ' ')
const parameter = ([name, value]: readonly [string, string | number]) =>
  `${name}="${flat(String(value).slice(0, VALUE_LENGTH).toWellFormed()).replace(/["\\\]]/g, '\\$&')}"`

const structured = (values: Readonly<Record<string, string | number | null>>): string => {
  const said = Object.entries(values).filter((pair): pair is [string, string | number] => pair[1] !== null)
  return `[${[SD_ID, ...said.map(parameter)].join(' ')}]`
}

const ofLine = (line: ShippedLine) => ({
  severity: SEVERITY[line.outcome] ?? NOTICE,
  id: 'audit',
  // Before and after stay where the log is: they are too long for a message.
  data: structured({
    ...{ chain: line.chain, sequence: line.sequence, hash: line.hash, actor: line.actor, actorId: line.actorId },
    ...{ provider: line.provider, address: line.address, action: line.action, outcome: line.outcome },
    ...{
      reason: line.reason,
      subject: line.subject,
      tenant: line.tenantId,
      change: line.changeId,
      detail: line.detail,
    },
  }),
  words: flat(`${line.actor || 'nobody'} ${line.action} ${line.outcome}`),
})

interface Message {
  readonly priority: number
  readonly id: string
  readonly at: string
  readonly data: string
  readonly words: string
}

function messageOf(record: Shipped): Message {
  if (record.type === 'line') {
    const { severity, ...rest } = ofLine(record)
    return { ...rest, priority: FACILITY * 8 + severity, at: record.at }
  }
  const { chain, sequence, hash, keyId, signature, at } = record
  const data = structured({ chain, sequence, hash, at, keyId, signature })
  return {
    priority: FACILITY * 8 + NOTICE,
    id: 'checkpoint',
    at,
    data,
    words: `line ${sequence} of ${chain} is signed`,
  }
}

/** A message as RFC 5424 has it. */
export function syslogMessage(record: Shipped): string {
  const { priority, id, at, data, words } = messageOf(record)
  return `<${priority}>1 ${at} ${hostname() || '-'} weft ${process.pid} ${id} ${data} ${words}`
}

/** One datagram each (RFC 5426): nobody says whether they arrive. */
function overUdp(host: string, port: number): Pick<Destination, 'send' | 'close'> {
  let socket: Datagrams | undefined
  return {
    async send(records) {
      socket ??= createSocket(isIPv6(host) ? 'udp6' : 'udp4').unref()
      const open = socket
      for (const record of records)
        await new Promise<void>((sent, failed) =>
          open.send(syslogMessage(record), port, host, (error) => (error ? failed(error) : sent())),
        )
    },
    async close() {
      socket?.close()
    },
  }
}

function opened(to: { host: string; port: number } | { path: string }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, timeout: ANSWER_MS } as Parameters<typeof connect>[0] & object)
    socket.once('timeout', () => socket.destroy(new Error('It does not answer.')))
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.setTimeout(0).off('error', reject)
      socket.on('error', () => socket.destroy())
      resolve(socket.resume())
    })
  })
}

/** Octet-counted over a connection (RFC 6587, section 3.4.1), which is made again when it was lost. */
function overStream(to: { host: string; port: number } | { path: string }): Pick<Destination, 'send' | 'close'> {
  let socket: Socket | undefined
  return {
    async send(records) {
      // A peer that went away is noticed by what it sent last, before more is entrusted to it.
      if (!socket || socket.destroyed || socket.readableEnded || !socket.writable) socket = await opened(to)
      const open = socket
      const frames = records.map(syslogMessage).map((text) => `${Buffer.byteLength(text)} ${text}`)
      await new Promise<void>((sent, failed) => {
        const lost = () => failed(new Error('The connection was lost.'))
        open.once('close', lost)
        // A peer that takes nothing any more holds up what comes after.
        const expire = () => open.destroy()
        open.setTimeout(ANSWER_MS, expire)
        open.write(frames.join(''), (error) => {
          open.off('close', lost).setTimeout(0, expire)
          if (error) failed(error)
          else sent()
        })
      })
    },
    async close() {
      await new Promise<void>((ended) => (socket && !socket.destroyed ? socket.end(() => ended()) : ended()))
    },
  }
}

/** Sockets for datagrams (such as /dev/log) Node has none for: `logger` writes to them. */
function sendByLogger(path: string, records: readonly Shipped[]): Promise<void> {
  const text = records.map(messageOf).map(({ priority, data, words }) => `<${priority}>${data} ${words}\n`)
  const args = [
    '--socket',
    path,
    '--socket-errors=on',
    '--rfc5424',
    '--prio-prefix',
    '--tag',
    'weft',
    '--size',
    '65536',
  ]
  return new Promise((sent, failed) => {
    const logger = spawn('logger', args, { stdio: ['pipe', 'ignore', 'pipe'] })
    let said = ''
    logger.stderr.setEncoding('utf8').on('data', (more: string) => {
      said += more
    })
    logger.once('error', failed)
    logger.once('close', (code) =>
      code === 0 && said === '' ? sent() : failed(new Error(said.trim() || `logger: ${code}`)),
    )
    logger.stdin.on('error', () => undefined).end(text.join(''))
  })
}

function overUnix(path: string): Pick<Destination, 'send' | 'close'> {
  const stream = overStream({ path })
  let byLogger = false
  return {
    async send(records) {
      if (byLogger) return sendByLogger(path, records)
      try {
        await stream.send(records)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EPROTOTYPE') throw error
        byLogger = true
        await sendByLogger(path, records)
      }
    },
    close: () => stream.close(),
  }
}

/** A syslog server, which gets every line and every checkpoint. */
export function syslogDestination(address: SyslogAddress): Destination {
  const { transport } = address
  if (transport === 'unix') return { to: `unix:${address.path}`, lines: true, ...overUnix(address.path) }
  const { host, port } = address
  const sending = transport === 'udp' ? overUdp(host, port) : overStream({ host, port })
  return { to: `${transport}://${isIPv6(host) ? `[${host}]` : host}:${port}`, lines: true, ...sending }
}
