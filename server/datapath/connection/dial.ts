import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls, type SecureContextOptions, type TLSSocket } from 'node:tls'
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

/** Opens a connection under TLS; who answers there is for the caller to look at. Rejects like `dial`. */
export async function dialTls(
  endpoint: Endpoint,
  deadline_ms: number,
  outbound: Outbound,
  options: SecureContextOptions,
): Promise<TLSSocket> {
  const plain = await dial(endpoint, deadline_ms, outbound)
  return new Promise((resolve, reject) => {
    // Whatever name its certificate bears, and whoever signed it: the caller knows more than that of who it must be.
    const unnamed = { rejectUnauthorized: false, checkServerIdentity: () => undefined }
    const socket = connectTls({ ...options, ...unnamed, socket: plain })
    const fail = (reason: string) => {
      clearTimeout(late)
      socket.destroy()
      plain.destroy()
      reject(new Error(reason))
    }
    const late = setTimeout(() => fail(`no TLS handshake within ${deadline_ms} ms`), deadline_ms)
    socket.on('error', (error) => fail(`the TLS handshake failed: ${socketReason(error)}`))
    socket.once('secureConnect', () => {
      clearTimeout(late)
      resolve(socket)
    })
  })
}

export interface DialOptions<T extends { readonly socket: Socket }> {
  /** Opens a connection. Rejects with the reason. */
  readonly open: () => Promise<T>
  readonly backoff?: Backoff
  /** Works with a connection and resolves, true if it was of use, when it is over. */
  readonly use: (opened: T) => Promise<boolean>
  /** Called for an attempt that failed. */
  readonly failed: (reason: string) => void
}

/**
 * Keeps a connection: dials, waits until it is over, and dials again after a pause that grows with every failure and
 * begins anew after a connection that was of use. Stops when `signal` aborts; the socket in use is its user's to close.
 */
export async function keepDialled<T extends { readonly socket: Socket }>(
  options: DialOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { open, backoff = BACKOFF, use, failed } = options
  let delay_ms = backoff.first_ms
  while (!signal.aborted) {
    try {
      const opened = await open()
      if (signal.aborted) return void opened.socket.destroy()
      if (await use(opened)) delay_ms = backoff.first_ms
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error))
    }
    await pause(delay_ms, undefined, { signal, ref: false }).catch(() => undefined)
    delay_ms = Math.min(delay_ms * 2, backoff.most_ms)
  }
}
