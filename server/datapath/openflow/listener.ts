import { createServer, type Socket } from 'node:net'
import { type Endpoint, formatEndpoint } from '#server/datapath/connection/endpoint.ts'
import { type Gate, OPEN_GATE } from '#server/datapath/connection/gate.ts'
import { listen, peerOf } from '#server/datapath/connection/listen.ts'
import { type Log, refusalLog } from '#server/datapath/connection/log.ts'
import { notTheirs, type Transport } from '#server/datapath/connection/transport.ts'
import { type Greeting, greet } from './handshake.ts'

/** Peers that have not said which datapath they are, at one time; more are turned away at once. */
const STRANGERS_MAX = 64

export interface ListenerOptions {
  readonly endpoint: Endpoint
  readonly log: Log
  /** A peer that speaks OpenFlow and names a datapath that nobody serves. */
  readonly onUnknown?: (datapathId: string, peer: string) => void
  /** A peer that says it is a datapath which is served, and may not be. */
  readonly onRefused?: (datapathId: string, reason: string) => void
  /** Who is let in; by default everybody, as they are. */
  readonly gate?: Gate
  /** Time for TLS, and then for hello and features; default 5 s each. */
  readonly handshake_ms?: number
}

/** Takes connections of one datapath. What it throws is logged, and the connection is closed. */
export type Taker = (greeting: Greeting, transport: Transport) => void

/** One address where switches connect; it serves any number of datapaths. */
export interface Listener {
  /** The address that is open: a TCP port of 0 is filled in. */
  readonly endpoint: Endpoint
  /** Peers that were turned away so far. */
  readonly refused: number
  /**
   * Passes connections of a datapath on until the returned function is called; with `secured` those under TLS alone. Throws
   * when somebody does already.
   */
  serve(datapathId: string, take: Taker, secured?: boolean): () => void
  /** Closes the address (a socket file is removed) and every connection that came there. */
  close(): Promise<void>
}

/** Opens an address for switches. Rejects when it is taken. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { log, onUnknown, onRefused, gate = OPEN_GATE, handshake_ms = 5000 } = options
  const takers = new Map<string, { readonly take: Taker; readonly secured: boolean }>()
  const strangers = new Set<Socket>()
  const sockets = new Set<Socket>()
  const complain = refusalLog(log, 'OpenFlow')
  let refused = 0
  const turnAway = (peer: string, reason: string) => {
    refused++
    complain(peer, reason)
  }
  const introduce = (greeting: Greeting, transport: Transport) => {
    const { datapathId, link } = greeting
    const served = takers.get(datapathId)
    const plain = served?.secured && transport.type !== 'tls'
    const reason = plain ? `datapath ${datapathId} is taken under TLS alone` : notTheirs(transport, [datapathId])
    if (served && reason === undefined) return served.take(greeting, transport)
    if (reason !== undefined) {
      link.close(reason)
      turnAway(link.peer, reason)
      if (served) onRefused?.(datapathId, reason)
      return
    }
    link.close('nobody serves this datapath')
    turnAway(link.peer, `datapath ${datapathId} is not known here`)
    onUnknown?.(datapathId, link.peer)
  }
  const server = createServer({ noDelay: true }, (socket) => {
    const peer = peerOf(socket, options.endpoint)
    if (strangers.size >= STRANGERS_MAX) {
      socket.on('error', () => undefined)
      socket.destroy()
      return turnAway(peer, `${STRANGERS_MAX} others are still saying hello`)
    }
    strangers.add(socket)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    gate.admit(socket, options.endpoint, handshake_ms, (admitted) => {
      if (!admitted.ok) {
        strangers.delete(socket)
        return turnAway(peer, admitted.error)
      }
      const { socket: stream, transport } = admitted.value
      greet(stream, peer, handshake_ms, (outcome) => {
        strangers.delete(socket)
        if (outcome.ok) introduce(outcome.value, transport)
        else turnAway(peer, outcome.error)
      })
    })
  })
  const endpoint = await listen(server, options.endpoint)
  server.on('error', (error) =>
    log('warn', 'The OpenFlow listener failed to accept a peer.', { reason: error.message }),
  )
  return {
    endpoint,
    get refused() {
      return refused
    },
    serve(datapathId, take, secured = false) {
      if (takers.has(datapathId))
        throw new Error(`datapath ${datapathId} is served already at ${formatEndpoint(endpoint)}`)
      takers.set(datapathId, { take, secured })
      return () => void (takers.get(datapathId)?.take === take && takers.delete(datapathId))
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
