import type { Message, MessageOf } from '#server/codec/openflow/message.ts'
import type { MultipartReply, MultipartRequest } from '#server/codec/openflow/multipart.ts'
import type { Version } from '#server/codec/openflow/version.ts'
import { type IdleOptions, watchSilence } from '#server/datapath/connection/idle.ts'
import { ConnectionLost, SwitchError } from './failure.ts'
import type { Greeting } from './handshake.ts'
import type { Traffic } from './link.ts'
import { createWaiting, type Patience } from './waiting.ts'

/** Parts of one multipart answer, of at most 64 KiB each; 100,000 entries have about 300. */
const PARTS_MAX = 8192
const IDLE: IdleOptions = { probe_ms: 5000, grace_ms: 5000 }

export interface ConnectionOptions {
  readonly traffic: Traffic
  /** Default: an echo is asked for after 5 s of silence, and the switch given up after 5 s more. */
  readonly idle?: IdleOptions
  /** Messages that nobody asked for: packet-ins, port status, monitor updates. */
  readonly heard: (message: Message) => void
  /** An error, or a message that does not decode, that belongs to no request. */
  readonly erred: (error: Error) => void
  readonly closed: (reason: string) => void
}

type Bare<T> = T extends unknown ? Omit<T, 'version' | 'xid'> : never
/** A message without what the connection fills in. */
export type Request = Bare<Message>

/** Transaction ids in a row whose errors are heard together; nobody waits for an answer to each. */
export interface Series {
  readonly first: number
  /** In the order in which they came. */
  readonly errors: readonly SwitchError[]
  /** From now on errors of these ids belong to nobody. */
  close(): void
}

/** An open connection to one switch. */
export interface Connection {
  readonly version: Version
  readonly datapathId: string
  readonly features: MessageOf<'features_reply'>
  readonly peer: string
  readonly open: boolean
  send(request: Request): void
  /** One request, one answer. Rejects with SwitchError, ConnectionLost, Overdue, or the signal's reason. */
  request(request: Request, patience: Patience): Promise<Message>
  /** One request, an answer in parts; `part` is called for each as it comes. Rejects like `request`. */
  collect<T extends MultipartReply['type']>(
    body: MultipartRequest & { readonly type: T },
    part: (body: MultipartReply & { readonly type: T }) => void,
    patience: Patience,
  ): Promise<void>
  series(count: number): Series
  /** Sends messages that are encoded already. */
  write(bytes: Uint8Array, messages: number): void
  /** Resolves when the switch takes more. */
  ready(): Promise<void>
  close(reason: string): void
}

/** An OpenFlow error as an exception: its words, and whether it says that another controller is master. */
function switchError({ xid, error_type, code }: MessageOf<'error'>): SwitchError {
  const fenced = code === 'is_slave' || (error_type === 'role_request_failed' && code === 'stale')
  return new SwitchError(xid, `${error_type}: ${code}`, fenced)
}

/** Growing transaction ids, never 0. */
function transactionIds(): (count: number) => number {
  let next = 1
  return (count) => {
    if (next + count > 0xffff_ffff) next = 1
    const first = next
    next += count
    return first
  }
}

/** Which series each error belongs to. */
function seriesBook() {
  const open = new Set<{ first: number; count: number; errors: SwitchError[] }>()
  return {
    add(first: number, count: number): Series {
      const one = { first, count, errors: [] }
      open.add(one)
      return { first, errors: one.errors, close: () => void open.delete(one) }
    },
    hear(error: SwitchError): boolean {
      for (const { first, count, errors } of open)
        if (error.xid >= first && error.xid < first + count) return errors.push(error) > 0
      return false
    },
  }
}

/** Takes over a greeted link: answers echoes, watches that the switch is alive, matches answers and errors to requests. */
export function openConnection({ link, ...greeting }: Greeting, options: ConnectionOptions): Connection {
  const { version } = greeting
  const { idle = IDLE } = options
  const waiting = createWaiting()
  const book = seriesBook()
  const ids = transactionIds()
  const echo = () => link.send({ type: 'echo_request', version, xid: ids(1), data: new Uint8Array() })
  const unwatch = watchSilence(link.channel, echo, idle)
  const heardError = (error: SwitchError) => {
    if (!waiting.fail(error.xid, error) && !book.hear(error)) options.erred(error)
  }
  link.attend(
    {
      message(m) {
        if (m.type === 'echo_request') link.send({ ...m, type: 'echo_reply' })
        else if (m.type === 'error') heardError(switchError(m))
        else if (m.type !== 'echo_reply' && !waiting.answer(m)) options.heard(m)
      },
      undecodable(error, xid) {
        const fault = new SwitchError(xid, `sent what does not decode: ${error}`, false)
        if (!waiting.fail(xid, fault)) options.erred(fault)
      },
      closed(reason) {
        unwatch()
        waiting.failAll(new ConnectionLost(reason))
        options.closed(reason)
      },
    },
    options.traffic,
  )

  const ask = (request: Request, patience: Patience, take: (message: Message) => boolean): Promise<void> => {
    if (!link.open) return Promise.reject(new ConnectionLost('the connection is closed'))
    const xid = ids(1)
    const answered = waiting.wait(xid, request.type, patience, take)
    link.send({ ...request, version, xid } as Message)
    return answered
  }

  const request: Connection['request'] = async (what, patience) => {
    let reply: Message | undefined
    await ask(what, patience, (m) => {
      reply = m
      return true
    })
    return reply as Message
  }

  const collect: Connection['collect'] = (body, part, patience) => {
    let parts = 0
    return ask({ type: 'multipart_request', more: false, body }, patience, (m) => {
      if (m.type !== 'multipart_reply' || m.body.type !== body.type)
        throw new SwitchError(m.xid, `answered ${m.type} to ${body.type}`, false)
      if (++parts > PARTS_MAX)
        throw new SwitchError(m.xid, `answered more than ${PARTS_MAX} parts to ${body.type}`, false)
      part(m.body as never)
      return !m.more
    })
  }

  return {
    ...greeting,
    peer: link.peer,
    get open() {
      return link.open
    },
    send: (what) => link.send({ ...what, version, xid: ids(1) } as Message),
    request,
    collect,
    series: (count) => book.add(ids(count), count),
    write: link.write,
    ready: link.ready,
    close: link.close,
  }
}
