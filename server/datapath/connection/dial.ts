import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { type Outbound, pinned } from '#server/outbound/guard.ts'
import { socketReason } from './channel.ts'
import { type Endpoint, formatEndpoint } from './endpoint.ts'

export interface Backoff {
  /** Pause after the first failure. */
  readonly first_ms: number
  /** The longest pause: each one is twice the one before, up to this. */
  readonly most_ms: number
}

export const BACKOFF: Backoff = { first_ms: 100, most_ms: 5000 }

/** Opens a socket. Rejects with the reason after `deadline_ms`, or when the peer or the list of places refuses. */
export async function dial(endpoint: Endpoint, deadline_ms: number, outbound: Outbound): Promise<Socket> {
  const where =
    endpoint.type === 'unix'
      ? { path: endpoint.path }
      : { host: endpoint.host, port: endpoint.port, lookup: pinned(await outbound.addresses(endpoint)) }
  return new Promise((resolve, reject) => {
    const socket = connect({ ...where, noDelay: true })
    const fail = (reason: string) => {
      clearTimeout(late)
      socket.destroy()
      reject(new Error(reason))
    }
    const late = setTimeout(
      () => fail(`no connection to ${formatEndpoint(endpoint)} in ${deadline_ms} ms`),
      deadline_ms,
    )
    const refused = (error: Error) => fail(socketReason(error))
    socket.once('error', refused)
    socket.once('connect', () => {
      clearTimeout(late)
      socket.off('error', refused)
      resolve(socket)
    })
  })
}

export interface DialOptions {
  readonly endpoint: Endpoint
  readonly outbound: Outbound
  readonly backoff?: Backoff
  /** Time for one attempt; default 5 s. */
  readonly deadline_ms?: number
  /** Works with a socket and resolves, true if it was of use, when that connection is over. */
  readonly use: (socket: Socket) => Promise<boolean>
  /** Called for an attempt that failed. */
  readonly failed: (reason: string) => void
}

/**
 * Keeps a connection: dials, waits until it is over, and dials again after a pause that grows with every failure and
 * begins anew after a connection that was of use. Stops when `signal` aborts; the socket in use is its user's to close.
 */
export async function keepDialled(options: DialOptions, signal: AbortSignal): Promise<void> {
  const { endpoint, outbound, backoff = BACKOFF, deadline_ms = 5000, use, failed } = options
  let delay_ms = backoff.first_ms
  while (!signal.aborted) {
    try {
      const socket = await dial(endpoint, deadline_ms, outbound)
      if (signal.aborted) return void socket.destroy()
      if (await use(socket)) delay_ms = backoff.first_ms
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error))
    }
    await pause(delay_ms, undefined, { signal, ref: false }).catch(() => undefined)
    delay_ms = Math.min(delay_ms * 2, backoff.most_ms)
  }
}
