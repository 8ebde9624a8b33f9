import type { Duplex } from 'node:stream'
import { createFramer, decodeMessage, encodeMessage, type Json, type Message } from '#server/codec/ovsdb/index.ts'
import { openChannel } from '#server/datapath/connection/channel.ts'
import { type IdleOptions, watchSilence } from '#server/datapath/connection/idle.ts'
import type { Transport } from '#server/datapath/connection/transport.ts'
import { OvsdbError } from './failure.ts'

export interface CallOptions {
  /** Default 10 s. */
  readonly deadline_ms?: number
  readonly signal?: AbortSignal
}

/** One JSON-RPC connection to a database server: calls out, notifications in, echo both ways. */
export interface Session {
  readonly peer: string
  readonly transport: Transport | undefined
  readonly open: boolean
  /** Resolves with the reason when the connection is over. */
  readonly closed: Promise<string>
  /** Calls a method and answers its result. Throws OvsdbError: refused, away, stalled or aborted. */
  call(method: string, params: readonly Json[], options?: CallOptions): Promise<Json>
  /** Says who hears notifications; there is one at most. What it throws closes the session. */
  hear(listener: (method: string, params: readonly Json[]) => void): void
  /** Lets messages of this size through, once the peer is known. */
  trust(maxBytes: number): void
  close(reason: string): void
}

export interface SessionOptions {
  /** The most bytes that a message of the peer may have. */
  readonly maxBytes: number
  /** Default: an echo after 5 s of silence, closed after 5 s more. */
  readonly idle?: IdleOptions
  /** How the peer is connected. */
  readonly transport?: Transport
}

interface Waiting {
  readonly resolve: (result: Json) => void
  readonly reject: (error: OvsdbError) => void
}

const IDLE: IdleOptions = { probe_ms: 5000, grace_ms: 5000 }

const errorText = (error: Json): string => {
  if (typeof error === 'string') return error
  if (typeof error === 'object' && error !== null && 'error' in error)
    return 'details' in error ? `${error.error}: ${error.details}` : `${error.error}`
  return JSON.stringify(error)
}

/** Replies to what the peer asks of us: only `echo` (RFC 7047, section 4.1.11). */
const replyTo = ({ method, params, id }: Extract<Message, { type: 'request' }>): Message =>
  method === 'echo'
    ? { type: 'response', result: params, error: null, id }
    : { type: 'response', result: null, error: 'unknown method', id }

interface Calls {
  call(method: string, params: readonly Json[], options: CallOptions): Promise<Json>
  settle(response: Extract<Message, { type: 'response' }>): void
  /** Every call that waits fails: there will be no answer. */
  abandon(reason: string): void
}

/** Our calls that wait for their answers, matched by id. An answer that nobody waits for is dropped. */
function createCalls(send: (message: Message) => void): Calls {
  const waiting = new Map<Json, Waiting>()
  let lastId = 0
  return {
    call: (method, params, { deadline_ms = 10_000, signal }) => {
      const id = ++lastId
      const { promise, resolve, reject } = Promise.withResolvers<Json>()
      const giveUp = (failure: 'stalled' | 'aborted', words: string) => {
        // RFC 7047, section 4.1.4: a transaction that still waits is taken back.
        if (waiting.delete(id) && method === 'transact') send({ type: 'notification', method: 'cancel', params: [id] })
        reject(new OvsdbError(failure, words))
      }
      const abort = () => giveUp('aborted', `${method} was aborted`)
      const timer = setTimeout(() => giveUp('stalled', `no answer to ${method} in ${deadline_ms} ms`), deadline_ms)
      signal?.addEventListener('abort', abort, { once: true })
      waiting.set(id, { resolve, reject })
      send({ type: 'request', method, params, id })
      return promise.finally(() => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
      })
    },
    settle: ({ id, error, result }) => {
      const call = waiting.get(id)
      if (!waiting.delete(id)) return
      if (error === null) call?.resolve(result)
      else call?.reject(new OvsdbError('refused', errorText(error)))
    },
    abandon: (reason) => {
      for (const call of waiting.values()) call.reject(new OvsdbError('away', reason))
      waiting.clear()
    },
  }
}

/** Bytes to messages. Throws, for the channel to close, when they are none. */
function createReceiver(maxBytes: number, receive: (message: Message) => void) {
  const framer = createFramer({ maxBytes })
  const bytes = (chunk: Uint8Array) => {
    const objects = framer.push(chunk)
    if (!objects.ok) throw new Error(objects.error.message)
    for (const object of objects.value) {
      const message = decodeMessage(object)
      if (!message.ok) throw new Error(message.error.message)
      receive(message.value)
    }
  }
  return { bytes, allow: framer.allow }
}

/** Speaks JSON-RPC over a socket. Bytes that are no messages close it, with the reason in `closed`. */
export function openSession(socket: Duplex, peer: string, options: SessionOptions): Session {
  const { maxBytes, idle = IDLE, transport } = options
  const { promise: closed, resolve: tellClosed } = Promise.withResolvers<string>()
  const send = (message: Message) => channel.send(encodeMessage(message))
  const calls = createCalls(send)
  let listener: ((method: string, params: readonly Json[]) => void) | undefined
  const receiver = createReceiver(maxBytes, (message) => {
    if (message.type === 'response') calls.settle(message)
    else if (message.type === 'notification') listener?.(message.method, message.params)
    else send(replyTo(message))
  })
  const channel = openChannel(socket, peer, {
    bytes: receiver.bytes,
    closed: (reason) => {
      stopWatching()
      calls.abandon(reason)
      tellClosed(reason)
    },
  })
  const call: Session['call'] = (method, params, options = {}) => {
    if (!channel.open) return Promise.reject(new OvsdbError('away', 'not connected'))
    if (options.signal?.aborted) return Promise.reject(new OvsdbError('aborted', `${method} was aborted`))
    return calls.call(method, params, options)
  }
  const probe = () => void call('echo', [], { deadline_ms: idle.probe_ms + idle.grace_ms }).catch(() => undefined)
  const stopWatching = watchSilence(channel, probe, idle)
  return {
    peer,
    transport,
    closed,
    get open() {
      return channel.open
    },
    call,
    hear: (one) => {
      listener = one
    },
    trust: receiver.allow,
    close: channel.close,
  }
}
