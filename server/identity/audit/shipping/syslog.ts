import { spawn } from 'node:child_process'
import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { hostname } from 'node:os'
import { framedStream, openPlain } from './framed.ts'
import type { Destination, Shipped, ShippedLine } from './shipper.ts'
import { openTls, type TlsAddress } from './tls.ts'

/** Where a syslog server listens. */
export type SyslogAddress =
  | { readonly transport: 'udp' | 'tcp'; readonly host: string; readonly port: number }
  | ({ readonly transport: 'tls' } & TlsAddress)
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

type Sending = Pick<Destination, 'send' | 'close'>

/** One datagram each (RFC 5426): nobody says whether they arrive. */
function overUdp(host: string, port: number): Sending {
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

function framed(open: Parameters<typeof framedStream>[0]): Sending {
  const { send, close } = framedStream(open)
  return { send: (records) => send(records.map(syslogMessage)), close }
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

function overUnix(path: string): Sending {
  const stream = framed(() => openPlain({ path }))
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

function sendingTo(address: Exclude<SyslogAddress, { transport: 'unix' }>): Sending {
  const { transport, host, port } = address
  if (transport === 'udp') return overUdp(host, port)
  return framed(() => (transport === 'tls' ? openTls(address) : openPlain({ host, port })))
}

/** A syslog server, which gets every line and every checkpoint. */
export function syslogDestination(address: SyslogAddress): Destination {
  const { transport } = address
  if (transport === 'unix') return { to: `unix:${address.path}`, lines: true, ...overUnix(address.path) }
  const { host, port } = address
  return { to: `${transport}://${isIPv6(host) ? `[${host}]` : host}:${port}`, lines: true, ...sendingTo(address) }
}
