import { type Backoff, keepDialled } from '#server/datapath/connection/dial.ts'
import { type Endpoint, formatEndpoint } from '#server/datapath/connection/endpoint.ts'
import { type Entrance, type Gate, OPEN_GATE } from '#server/datapath/connection/gate.ts'
import type { Transport } from '#server/datapath/connection/transport.ts'
import type { Outbound } from '#server/outbound/guard.ts'
import { openSession, type Session, type SessionOptions } from './session.ts'

/** The most bytes in one message of a database that we chose to talk to: its first answer holds every watched row. */
export const KNOWN_MAX_BYTES = 64 << 20
/** Time for one attempt. */
const DIAL_MS = 5000

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
  readonly gate?: Gate
  /** Why whoever answers there is not the one; undefined when it is. */
  readonly doubt?: (transport: Transport) => string | undefined
}

/** Sessions that we dial; after a loss again, with growing pauses. */
export const dialledSource =
  (endpoint: Endpoint, { outbound, backoff, idle, gate = OPEN_GATE, doubt }: DialledOptions): SessionSource =>
  ({ take, failed }, signal) => {
    const peer = formatEndpoint(endpoint)
    const open = async () => {
      const opened = await gate.dial(endpoint, DIAL_MS, outbound)
      const reason = doubt?.(opened.transport)
      if (reason === undefined) return opened
      opened.socket.destroy()
      throw new Error(`${peer}: ${reason}`)
    }
    const use = ({ socket, transport }: Entrance) =>
      take(openSession(socket, peer, { maxBytes: KNOWN_MAX_BYTES, idle, transport }))
    void keepDialled({ open, backoff, use, failed }, signal)
  }
