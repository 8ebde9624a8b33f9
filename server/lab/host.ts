import { once } from 'node:events'
import { CommandError, type CommandOptions, inNamespace, run, startDaemon } from './command.ts'
import { type LabHostPlan, namespaceFile } from './topology.ts'

export interface PingOptions {
  /** Default 3. */
  readonly count?: number
  /** Default 50 ms. */
  readonly interval_ms?: number
  /** How long to wait for the last answer; default 500 ms. */
  readonly wait_ms?: number
}

export interface PingResult {
  readonly sent: number
  readonly received: number
  /** Sequence numbers, from 1, that were sent and never answered. */
  readonly missing: readonly number[]
}

export interface PingStream {
  /** Ends the stream and counts its gaps. */
  stop(): Promise<PingResult>
}

/** One host of the lab: a network namespace with `eth0` on a port of its server's NIC. */
export interface LabHost {
  readonly name: string
  readonly mac: string
  readonly namespace: string
  /** Gives the host an address; replaces none that it has. */
  dress(address: string, prefixLength: number): Promise<void>
  /** Takes every address away. */
  undress(): Promise<void>
  /** Runs a command in the host; throws when it ends with a code other than 0. */
  exec(argv: readonly string[], options?: CommandOptions): Promise<string>
  /** Echo requests to an address: how many came back. Loss is an answer, not an exception. */
  ping(target: string, options?: PingOptions): Promise<PingResult>
  /** Numbered echo requests until stopped. */
  stream(target: string, options?: Pick<PingOptions, 'interval_ms'>): Promise<PingStream>
}

/** Reads what iputils' ping prints: the summary and the sequence numbers that were answered. */
export function readPing(text: string): PingResult {
  const summary = /(\d+) packets transmitted, (\d+) received/.exec(text)
  if (!summary) throw new Error(`ping said: ${text.trim() || 'nothing'}`)
  const sent = Number(summary[1])
  const answered = new Set([...text.matchAll(/bytes from .*icmp_seq=(\d+)/g)].map((line) => Number(line[1])))
  const missing = Array.from({ length: sent }, (_, place) => place + 1).filter((number) => !answered.has(number))
  return { sent, received: Number(summary[2]), missing }
}

const seconds = (ms: number) => (ms / 1000).toFixed(3)

async function ping(namespace: string, target: string, options: PingOptions): Promise<PingResult> {
  const { count = 3, interval_ms = 50, wait_ms = 500 } = options
  const argv = ['ping', '-n', '-c', `${count}`, '-i', seconds(interval_ms), '-W', seconds(wait_ms), target]
  const timeout_ms = count * interval_ms + wait_ms + 15_000
  try {
    return readPing(await run(inNamespace(namespace, argv), { timeout_ms }))
  } catch (error) {
    // 1: fewer answers than requests. 2: it could not even send (no address, no route).
    if (error instanceof CommandError && error.code === 1) return readPing(error.stdout)
    throw error
  }
}

async function stream(namespace: string, target: string, interval_ms: number): Promise<PingStream> {
  const daemon = await startDaemon(['ping', '-n', '-i', seconds(interval_ms), '-W', '1', target], {
    namespace,
    stdout: 'pipe',
  })
  let text = ''
  daemon.child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return {
    stop: async () => {
      const closed = once(daemon.child, 'close')
      daemon.child.kill('SIGINT')
      await closed
      const result = readPing(text)
      // The last request may still be on its way when the stream ends: it is not a loss.
      if (result.missing.at(-1) !== result.sent) return result
      return { ...result, sent: result.sent - 1, missing: result.missing.slice(0, -1) }
    },
  }
}

/** The functions of one host, whoever built it. */
export function labHost(plan: LabHostPlan): LabHost {
  const namespace = namespaceFile(plan.namespace)
  const exec = (argv: readonly string[], options?: CommandOptions) => run(inNamespace(namespace, argv), options)
  return {
    name: plan.name,
    mac: plan.mac,
    namespace: plan.namespace,
    exec,
    dress: async (address, prefixLength) => {
      // `nodad`: an IPv6 address is usable at once; the lab's own addresses are not in dispute.
      const flags = address.includes(':') ? ['nodad'] : []
      await exec(['ip', 'addr', 'replace', `${address}/${prefixLength}`, 'dev', 'eth0', ...flags])
    },
    undress: async () => {
      await exec(['ip', 'addr', 'flush', 'dev', 'eth0'])
      await exec(['ip', 'neigh', 'flush', 'dev', 'eth0'])
    },
    ping: (target, options = {}) => ping(namespace, target, options),
    stream: (target, { interval_ms = 20 } = {}) => stream(namespace, target, interval_ms),
  }
}
