import { type Duplex, duplexPair } from 'node:stream'
import { framer } from '#server/codec/openflow/framer.ts'
import { helloOf } from '#server/codec/openflow/hello.ts'
import { decode, encode, type Message, type MessageOf } from '#server/codec/openflow/message.ts'
import type { MultipartReply } from '#server/codec/openflow/multipart.ts'

type Bare<T> = T extends unknown ? Omit<T, 'version' | 'xid'> : never
export type Answer = Bare<Message>

export interface FakeSwitchOptions {
  readonly version?: 4 | 5 | 6
  /** What it says in its hello; by default its version alone. */
  readonly speaks?: readonly number[]
  readonly datapathId?: bigint
  /** Bytes in each write; everything in one by default. */
  readonly chunk?: number
  /** Answers instead of the switch; undefined lets it answer by itself, an empty list says nothing. */
  readonly script?: (message: Message, far: FakeSwitch) => readonly Answer[] | undefined
}

/** The far end of a connection: answers what a driver asks, by itself or by a script, and keeps what it was sent. */
export interface FakeSwitch {
  /** The near end, for the driver. */
  readonly socket: Duplex
  readonly heard: Message[]
  /** Why the near end's bytes made no sense, if so. */
  readonly complaints: string[]
  readonly closed: boolean
  say(answer: Answer, xid?: number): void
  write(bytes: Uint8Array): void
  hangUp(): void
  /** Reads nothing from now on. */
  goDeaf(): void
}

const part = (body: MultipartReply, more = false): Answer => ({ type: 'multipart_reply', more, body })

function describeAnswer(body: MessageOf<'multipart_request'>['body']): Answer {
  switch (body.type) {
    case 'desc':
      return part({ type: 'desc', manufacturer: 'M', hardware: 'Fake', software: '1', serial: '', datapath: '' })
    case 'group_features':
      return part({
        type: 'group_features',
        types: 1,
        capabilities: 0,
        max_groups: [9, 0, 0, 0],
        actions: [0, 0, 0, 0],
      })
    case 'port_desc':
      return part({ type: 'port_desc', ports: [] })
    case 'table_features':
      return part({ type: 'table_features', tables: [] })
    case 'group_desc':
      return part({ type: 'group_desc', groups: [] })
    case 'flow_monitor':
      return part({ type: 'flow_monitor', updates: [] })
    case 'flow':
      return part({ type: 'flow', flows: [] })
    case 'table':
      return part({ type: 'table', tables: [] })
    default:
      return part({ type: 'port_stats', ports: [] })
  }
}

const CONTROL: Readonly<Record<string | number, MessageOf<'bundle_control'>['command']>> = {
  ...{ open_request: 'open_reply', close_request: 'close_reply' },
  ...{ commit_request: 'commit_reply', discard_request: 'discard_reply' },
}

/** What a well-behaved switch answers. */
export function answerOf(message: Message, datapath_id: bigint): readonly Answer[] {
  switch (message.type) {
    case 'hello':
      return []
    case 'features_request':
      return [
        {
          type: 'features_reply',
          datapath_id,
          n_buffers: 0,
          n_tables: 254,
          auxiliary_id: 0,
          capabilities: 0,
          reserved: 0,
        },
      ]
    case 'role_request':
      return [{ ...message, type: 'role_reply' }]
    case 'barrier_request':
      return [{ type: 'barrier_reply' }]
    case 'echo_request':
      return [{ type: 'echo_reply', data: message.data }]
    case 'bundle_control':
      return [{ ...message, command: CONTROL[message.command] ?? 0 }]
    case 'multipart_request':
      return [describeAnswer(message.body)]
    default:
      return []
  }
}

/** Starts a switch that says hello at once. */
export function fakeSwitch(options: FakeSwitchOptions = {}): FakeSwitch {
  const { version = 6, datapathId = 0xaan, chunk = Number.POSITIVE_INFINITY, script } = options
  const [socket, wire] = duplexPair()
  const heard: Message[] = []
  const complaints: string[] = []
  const frames = framer()
  let closed = false
  const write = (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; at += chunk) wire.write(bytes.subarray(at, at + chunk))
  }
  const say = (answer: Answer, xid = 0) => {
    if (!wire.destroyed) write(encode({ ...answer, version, xid } as Message))
  }
  const take = (frame: Uint8Array) => {
    const decoded = decode(frame)
    if (!decoded.ok) return void complaints.push(decoded.error.message)
    const message = decoded.value
    heard.push(message)
    for (const answer of script?.(message, far) ?? answerOf(message, datapathId)) say(answer, message.xid)
  }
  wire.on('data', (bytes: Uint8Array) => {
    const cut = frames.push(bytes)
    if (cut.ok) for (const frame of cut.value) take(frame)
    else complaints.push(cut.error.message)
  })
  for (const end of ['end', 'close', 'error'])
    wire.on(end, () => {
      closed = true
    })
  const far: FakeSwitch = {
    socket,
    heard,
    complaints,
    get closed() {
      return closed
    },
    say,
    write,
    hangUp: () => wire.destroy(),
    goDeaf: () => void wire.pause(),
  }
  say({ type: 'hello', ...helloOf(options.speaks ?? [version]) }, 1)
  return far
}
