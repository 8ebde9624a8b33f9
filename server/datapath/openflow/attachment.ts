import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '#server/datapath/connection/log.ts'
import type { Transport } from '#server/datapath/connection/transport.ts'
import { DriverError, type DriverEvent } from '#server/datapath/driver.ts'
import type { Greeting } from './handshake.ts'
import type { Neighbours } from './neighbour.ts'
import { openSession, type Session } from './session.ts'
import { type Counts, countDisconnect } from './status.ts'

/** Time in which a connection must show that it lives when the switch dials a second time. */
const PROOF_MS = 1000

interface AttachmentOptions {
  readonly id: string
  readonly name: string
  readonly tunnel?: string
  readonly generation: () => Promise<bigint>
  readonly groups_ms: number
  readonly neighbours: Neighbours
  readonly counts: Counts
  readonly log: Log
  readonly emit: (event: DriverEvent) => void
  /** The session that was in service is over. */
  readonly lost: () => void
}

/** The one connection that a datapath has at a time. */
export interface Attachment {
  readonly connected: boolean
  /** The session in service. Throws DriverError: away or fenced. */
  session(): Session
  /** Takes a switch that has greeted, and is connected so. */
  take(greeting: Greeting, transport: Transport): void
  /** Another controller is master: nothing is asked of this connection any more. */
  fence(): void
  close(reason: string): void
}

/** Whether the peer of a link answers an echo in time. */
async function lives({ link, version }: Greeting): Promise<boolean> {
  const asked_ms = performance.now()
  link.send({ type: 'echo_request', version, xid: 0, data: new Uint8Array() })
  await pause(PROOF_MS)
  return link.open && link.channel.heard_ms > asked_ms
}

/** Makes an attachment without a connection. */
export function createAttachment(options: AttachmentOptions): Attachment {
  const { id, name, counts, log, emit } = options
  let greeted: Greeting | undefined
  let session: Session | undefined
  let fenced = false

  const fence = () => {
    if (fenced) return
    fenced = true
    log('warn', 'Another controller has become master of a switch.', { datapath: name })
    if (session) emit({ type: 'disconnected', reason: 'fenced: another controller has become master' })
  }
  const over = (greeting: Greeting, reason: string) => {
    countDisconnect(counts, reason)
    log('info', 'A switch has disconnected.', { datapath: name, reason })
    if (greeted !== greeting) return
    const told = session !== undefined && !fenced
    greeted = undefined
    session = undefined
    fenced = false
    options.lost()
    if (told) emit({ type: 'disconnected', reason })
  }
  const serve = async (greeting: Greeting, transport: Transport) => {
    greeted = greeting
    counts.connects++
    const opened = await openSession(greeting, {
      ...options,
      emit: (event) => fenced || emit(event),
      fenced: fence,
      over: (reason) => over(greeting, reason),
    })
    if (!opened || greeted !== greeting || !opened.connection.open) return
    session = opened
    log('info', 'A switch has connected.', { datapath: name, product: opened.description.product })
    if (!fenced) emit({ type: 'connected', description: opened.description, transport })
  }
  /** A switch that lost its connection without our knowing dials again: the one we have must show that it lives. */
  const challenge = async (old: Greeting, greeting: Greeting, transport: Transport) => {
    if (await lives(old)) greeting.link.close('the datapath has a connection that lives')
    else {
      old.link.close('replaced by a new connection')
      if (greeting.link.open && !greeted) await serve(greeting, transport)
    }
  }

  return {
    get connected() {
      return session !== undefined && !fenced
    },
    session() {
      if (fenced) throw new DriverError('fenced', id, 'another controller has become master')
      if (!session) throw new DriverError('away', id, `${name} is not connected`)
      return session
    },
    take: (greeting, transport) =>
      void (greeted ? challenge(greeted, greeting, transport) : serve(greeting, transport)),
    fence,
    close: (reason) => greeted?.link.close(reason),
  }
}
