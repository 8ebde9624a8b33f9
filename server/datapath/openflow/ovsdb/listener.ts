import { createServer, type Socket } from 'node:net'
import { textMapOf, textOf } from '#server/codec/ovsdb/index.ts'
import type { Endpoint } from '#server/datapath/connection/endpoint.ts'
import { type Entrance, type Gate, OPEN_GATE } from '#server/datapath/connection/gate.ts'
import { listen, peerOf } from '#server/datapath/connection/listen.ts'
import { type Log, refusalLog } from '#server/datapath/connection/log.ts'
import { notTheirs } from '#server/datapath/connection/transport.ts'
import { openSession, type Session } from './session.ts'
import { KNOWN_MAX_BYTES, type SessionSource, type Taker } from './source.ts'
import { transactOn } from './transaction.ts'

/** Peers that have not said who they are, at one time; more are turned away at once. */
const STRANGERS_MAX = 64
/** The most bytes in one message of a stranger: its bridges' names and ids, and no more. */
const STRANGER_MAX_BYTES = 256 << 10

/** What a switch says of itself when it dials in. */
export interface SwitchIdentity {
  readonly systemId: string | undefined
  readonly bridges: readonly { readonly name: string; readonly datapathId: string | undefined }[]
}

export interface OvsdbListenerOptions {
  readonly endpoint: Endpoint
  readonly log: Log
  /** Time in which a peer must show an Open vSwitch database; default 5 s. */
  readonly handshake_ms?: number
  /** A switch that nobody serves. */
  readonly onUnknown?: (identity: SwitchIdentity, peer: string) => void
  /** A switch that shows bridges which are served, and may not have them. */
  readonly onRefused?: (datapathIds: readonly string[], reason: string) => void
  /** Who is let in; by default everybody, as they are. */
  readonly gate?: Gate
}

/** One address where switches' databases dial in (`ovs-vsctl set-manager`). */
export interface OvsdbListener {
  /** The address that is open: a TCP port of 0 is filled in. */
  readonly endpoint: Endpoint
  /** Peers that were turned away so far. */
  readonly refused: number
  /** The sessions of the switch that `isWanted` knows, for a client; where `mustBeSecured` says so, those under TLS alone. */
  source(isWanted: (identity: SwitchIdentity) => boolean, mustBeSecured?: () => boolean): SessionSource
  /** Closes the address (a socket file is removed) and every session that came over it. */
  close(): Promise<void>
}

/** The id that the user gave a bridge, or else the one that it made for itself. */
async function identify(session: Session, deadline_ms: number): Promise<SwitchIdentity> {
  const [root, bridges] = await transactOn(
    session,
    [
      { op: 'select', table: 'Open_vSwitch', where: [], columns: ['external_ids'] },
      { op: 'select', table: 'Bridge', where: [], columns: ['name', 'datapath_id'] },
    ],
    { deadline_ms },
  )
  return {
    systemId: textMapOf(root?.rows?.[0]?.external_ids)['system-id'],
    bridges: (bridges?.rows ?? []).map((row) => ({
      name: textOf(row.name) ?? '',
      datapathId: textOf(row.datapath_id),
    })),
  }
}

interface Place {
  readonly isWanted: (identity: SwitchIdentity) => boolean
  readonly mustBeSecured: () => boolean
  readonly taker: Taker
  busy: boolean
}

const describe = ({ systemId, bridges }: SwitchIdentity): string =>
  `switch ${systemId ?? 'without a system id'} with bridges ${bridges.map(({ name }) => name).join(', ') || 'none'}`

interface Reception {
  readonly refused: number
  accept(socket: Socket): void
  source: OvsdbListener['source']
  /** Closes every session that came this way. */
  close(reason: string): void
}

interface Register {
  add(place: Omit<Place, 'busy'>, signal: AbortSignal): void
  /** Hands a session to whoever wants the switch, until it is over; the answer is why nobody did. */
  hand(session: Session, identity: SwitchIdentity): Promise<string | undefined>
}

/** Who waits for which switch. */
function createRegister({ onUnknown, onRefused }: OvsdbListenerOptions): Register {
  const places = new Set<Place>()
  /** Why a switch may not have the bridges that it shows: those of them that are served here. */
  const doubt = ({ transport = { type: 'tcp' } }: Session, { bridges, ...identity }: SwitchIdentity) => {
    const served = bridges.filter((bridge) =>
      [...places].some(({ isWanted }) => isWanted({ ...identity, bridges: [bridge] })),
    )
    const ids = served.flatMap(({ datapathId }) => datapathId ?? [])
    const wanted = [...places].filter(({ isWanted }) => isWanted({ ...identity, bridges: served }))
    const plain = transport.type !== 'tls' && wanted.some(({ mustBeSecured }) => mustBeSecured())
    const reason = plain ? 'its database is taken under TLS alone' : notTheirs(transport, ids)
    if (reason !== undefined) onRefused?.(ids, reason)
    return reason
  }
  return {
    add: (wishes, signal) => {
      const place: Place = { ...wishes, busy: false }
      places.add(place)
      signal.addEventListener('abort', () => places.delete(place), { once: true })
    },
    hand: async (session, identity) => {
      const reason = doubt(session, identity)
      if (reason !== undefined) return `${describe(identity)}: ${reason}`
      const wanted = [...places].filter(({ isWanted }) => isWanted(identity))
      const place = wanted.find(({ busy }) => !busy)
      if (!place && wanted.length > 0) return `${describe(identity)} is connected already`
      if (!place) {
        onUnknown?.(identity, session.peer)
        return `${describe(identity)} is not known here`
      }
      session.trust(KNOWN_MAX_BYTES)
      place.busy = true
      await place.taker.take(session).finally(() => {
        place.busy = false
      })
      return undefined
    },
  }
}

function createReception(options: OvsdbListenerOptions): Reception {
  const { endpoint, log, handshake_ms = 5000, gate = OPEN_GATE } = options
  const register = createRegister(options)
  const sessions = new Set<Session>()
  const complain = refusalLog(log, 'OVSDB')
  let strangers = 0
  let refused = 0
  const turnAway = (peer: string, reason: string) => {
    refused++
    complain(peer, reason)
  }
  const shaking = new Set<Socket>()
  const greet = async (session: Session) => {
    const identity = await identify(session, handshake_ms).finally(() => strangers--)
    const reason = await register.hand(session, identity)
    if (reason !== undefined) throw new Error(reason)
  }
  const refuse = async (session: Session, error: Error) => {
    // What the peer did wrong says more than that its answer was missed.
    const reason = session.open ? error.message : await session.closed
    session.close(reason)
    turnAway(session.peer, reason)
  }
  const enter = ({ socket, transport }: Entrance, peer: string) => {
    const session = openSession(socket, peer, { maxBytes: STRANGER_MAX_BYTES, transport })
    sessions.add(session)
    void session.closed.then(() => sessions.delete(session))
    greet(session).catch((error: Error) => refuse(session, error))
  }
  return {
    get refused() {
      return refused
    },
    accept: (socket) => {
      const peer = peerOf(socket, endpoint)
      if (strangers >= STRANGERS_MAX) {
        socket.on('error', () => undefined)
        socket.destroy()
        return turnAway(peer, `${STRANGERS_MAX} others have not said who they are`)
      }
      strangers++
      shaking.add(socket)
      gate.admit(socket, endpoint, handshake_ms, (admitted) => {
        shaking.delete(socket)
        if (admitted.ok) return enter(admitted.value, peer)
        strangers--
        turnAway(peer, admitted.error)
      })
    },
    source:
      (isWanted, mustBeSecured = () => false) =>
      (taker, signal) =>
        register.add({ isWanted, mustBeSecured, taker }, signal),
    close: (reason) => {
      for (const socket of shaking) socket.destroy()
      for (const session of sessions) session.close(reason)
    },
  }
}

/** Opens an address for switches' databases. Rejects when it is taken. */
export async function openOvsdbListener(options: OvsdbListenerOptions): Promise<OvsdbListener> {
  const reception = createReception(options)
  const server = createServer({ noDelay: true }, reception.accept)
  const endpoint = await listen(server, options.endpoint)
  server.on('error', (error) =>
    options.log('warn', 'The OVSDB listener failed to accept a peer.', { reason: error.message }),
  )
  return {
    endpoint,
    get refused() {
      return reception.refused
    },
    source: reception.source,
    close: async () => {
      const done = new Promise<void>((resolve) => server.close(() => resolve()))
      reception.close('the listener was closed')
      await done
    },
  }
}
