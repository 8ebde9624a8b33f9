import { type Backoff, keepDialled } from '#server/datapath/connection/dial.ts'
import type { Endpoint } from '#server/datapath/connection/endpoint.ts'
import { formatEndpoint } from '#server/datapath/connection/endpoint.ts'
import type { Outbound } from '#server/outbound/guard.ts'
import { openSession, type Session, type SessionOptions } from './session.ts'

/** The most bytes in one message of a database that we chose to talk to: its first answer holds every watched row. */
export const KNOWN_MAX_BYTES = 64 << 20

export interface Taker {
  /** Works with a session until it is over; true if it was of use. */
  take(session: Session): Promise<boolean>
  /** No session could be had; another attempt follows. */
  failed(reason: string): void
}

/** Where a client's sessions come from, one after the other, until the signal aborts. */
export type SessionSource = (taker: Taker, signal: AbortSignal) => void

export interface DialledOptions {
  readonly outbound: Outbound
  readonly backoff?: Backoff
  readonly idle?: SessionOptions['idle']
}

/** Sessions that we dial; after a loss again, with growing pauses. */
export const dialledSource =
  (endpoint: Endpoint, { outbound, backoff, idle }: DialledOptions): SessionSource =>
  ({ take, failed }, signal) => {
    const peer = formatEndpoint(endpoint)
    const use = (socket: Parameters<typeof openSession>[0]) =>
      take(openSession(socket, peer, { maxBytes: KNOWN_MAX_BYTES, idle }))
    void keepDialled({ endpoint, outbound, backoff, use, failed }, signal)
  }
