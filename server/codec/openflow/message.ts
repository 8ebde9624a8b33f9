import { hexRest } from '#server/codec/wire/bytes.ts'
import type { Codec, FieldShape, Flat, Shape } from '#server/codec/wire/codec.ts'
import { toHex } from '#server/codec/wire/hex.ts'
import { confine, type DecodeError, fault, type Reader, readerOf, reading, take } from '#server/codec/wire/reader.ts'
import { struct } from '#server/codec/wire/struct.ts'
import { reserve, type Writer, writerOf, written } from '#server/codec/wire/writer.ts'
import type { Result } from '#server/kernel/result.ts'
import { bundleAdd, bundleControl } from './bundle.ts'
import { error } from './error.ts'
import { flowMod, flowRemoved } from './flow.ts'
import { groupMod } from './group.ts'
import { hello } from './hello.ts'
import { meterMod } from './meter.ts'
import { multipartReply, multipartRequest } from './multipart.ts'
import { ONF } from './oxm.ts'
import { packetIn, packetOut } from './packet.ts'
import { portMod, portStatus } from './port.ts'
import {
  asyncMasks,
  asyncProperties,
  config,
  echo,
  empty,
  experimenter,
  featuresReply,
  role,
  roleStatus,
} from './session.ts'
import { tableMod, tableStatus } from './table.ts'
import { everywhere, isVersion, type PerVersion, type Version } from './version.ts'

export const HEADER_BYTES = 8
export const MAX_MESSAGE_BYTES = 65_535

/** Families whose bodies hold no other message: type number and body. */
const PLAIN = {
  hello: [0, everywhere(hello)],
  error: [1, everywhere(error)],
  echo_request: [2, everywhere(echo)],
  echo_reply: [3, everywhere(echo)],
  experimenter: [4, everywhere(experimenter)],
  features_request: [5, everywhere(empty)],
  features_reply: [6, everywhere(featuresReply)],
  get_config_request: [7, everywhere(empty)],
  get_config_reply: [8, everywhere(config)],
  set_config: [9, everywhere(config)],
  packet_in: [10, everywhere(packetIn)],
  flow_removed: [11, flowRemoved],
  port_status: [12, portStatus],
  packet_out: [13, packetOut],
  flow_mod: [14, flowMod],
  group_mod: [15, groupMod],
  port_mod: [16, portMod],
  table_mod: [17, tableMod],
  multipart_request: [18, multipartRequest],
  multipart_reply: [19, multipartReply],
  barrier_request: [20, everywhere(empty)],
  barrier_reply: [21, everywhere(empty)],
  role_request: [24, role],
  role_reply: [25, role],
  get_async_request: [26, everywhere(empty)],
  get_async_reply: [27, { 4: asyncMasks, 5: asyncProperties, 6: asyncProperties } as PerVersion<AsyncConfig>],
  set_async: [28, { 4: asyncMasks, 5: asyncProperties, 6: asyncProperties } as PerVersion<AsyncConfig>],
  meter_mod: [29, everywhere(meterMod)],
  role_status: [30, everywhere(roleStatus)],
  table_status: [31, everywhere(tableStatus)],
  bundle_control: [33, everywhere(bundleControl)],
} as const

type Read<C> = C extends Codec<infer T> ? T : never
type AsyncConfig = Flat<Partial<Read<typeof asyncMasks>> & Partial<Read<typeof asyncProperties>>>

type Head<T> = {
  /** 4, 5 or 6; a hello, error or echo may have any. */
  readonly version: number
  readonly xid: number
  readonly type: T
  /** Bytes after what the declaration knows, in hex. */
  readonly trailing?: string
}
type PlainMessage = { [K in keyof typeof PLAIN]: Flat<Head<K> & Read<(typeof PLAIN)[K][1][6]>> }[keyof typeof PLAIN]

export interface BundleAdd extends Head<'bundle_add'> {
  readonly bundle: number
  readonly flags: number
  readonly message: Message
}
/** A request of another controller, passed on (OpenFlow 1.5.1, section 7.4.7). */
export interface RequestForward extends Head<'requestforward'> {
  readonly message: Message
}
/** A message of a type that is not declared. */
export interface UnknownMessage extends Head<'unknown'> {
  readonly code: number
  readonly body: string
}

export type Message = PlainMessage | BundleAdd | RequestForward | UnknownMessage
export type MessageType = Message['type']
/** The message of one type. */
export type MessageOf<T extends MessageType> = Extract<Message, { type: T }>

interface Family {
  readonly type: string
  readonly codecs: Readonly<Record<Version, Codec<unknown>>>
}

/** How many messages may enclose a message. */
const DEEPEST = 2

const inner: Codec<Message> = {
  shape: { kind: 'late', name: 'message', pick: shapeOfMessage },
  read: (r) => {
    if (r.depth >= DEEPEST) fault('depth', r.at, 'messages inside messages inside messages')
    const { version } = r
    r.depth++
    const message = readMessage(r)
    r.depth--
    r.version = version
    return message
  },
  write: (w, message) => {
    const { version } = w
    writeMessage(w, message)
    w.version = version
  },
}
const forward: Codec<{ message: Message }> = struct({ message: inner })

/** Type numbers since 1.4. */
const ENCLOSING = { requestforward: [32, everywhere(forward)], bundle_add: [34, everywhere(bundleAdd(inner))] } as const

const FAMILIES: readonly (Family & { code: number })[] = Object.entries({ ...PLAIN, ...ENCLOSING }).map(
  ([type, [code, codecs]]) => ({ type, code, codecs: codecs as Family['codecs'] }),
)
const BY_CODE = new Map(FAMILIES.map((f) => [f.code, f]))
const BY_TYPE = new Map<string, Family & { code: number }>(FAMILIES.map((f) => [f.type, f]))

/** What 1.4 brought is in 1.3 a message of the Open Networking Foundation: subtype by standard type number. */
const ONF_SUBTYPES = new Map([
  [30, 1911],
  [32, 2350],
  [33, 2300],
  [34, 2301],
])
const ONF_TYPES = new Map([...ONF_SUBTYPES].map(([type, subtype]) => [subtype, type]))
const FIRST_OF_1_4 = 30
const EXPERIMENTER = 4
/** These may come before versions are agreed on. */
const ANY_VERSION = new Set(['hello', 'error', 'echo_request', 'echo_reply'])

const inVersion = (code: number, version: number): boolean =>
  version > 4 || code < FIRST_OF_1_4 || ONF_SUBTYPES.has(code)
const codecOf = (family: Family, version: number): Codec<unknown> => family.codecs[isVersion(version) ? version : 6]

/** The family of the body at the reader, past the numbers of an ONF message where it is one. */
function familyAt(r: Reader, code: number): (Family & { code: number }) | undefined {
  if (r.version > 4 || code < EXPERIMENTER) return BY_CODE.get(code)
  if (code === EXPERIMENTER && r.end - r.at >= 8 && r.view.getUint32(r.at) === ONF) {
    const standard = ONF_TYPES.get(r.view.getUint32(r.at + 4))
    if (standard !== undefined) take(r, 8)
    return BY_CODE.get(standard ?? EXPERIMENTER)
  }
  return code < FIRST_OF_1_4 ? BY_CODE.get(code) : undefined
}

function readMessage(r: Reader): Message {
  const at = take(r, HEADER_BYTES)
  const version = r.view.getUint8(at)
  const code = r.view.getUint8(at + 1)
  const xid = r.view.getUint32(at + 4)
  const outer = confine(r, at, r.view.getUint16(at + 2))
  r.version = version
  const family = familyAt(r, code)
  if (!isVersion(version) && !(family && ANY_VERSION.has(family.type)))
    fault('version', at, `version ${version} is not one of 4 (1.3), 5 (1.4), 6 (1.5)`)
  const message = family
    ? Object.assign({ version, xid, type: family.type }, codecOf(family, version).read(r))
    : { version, xid, type: 'unknown', code, body: hexRest.read(r) }
  if (r.at < r.end) Object.assign(message, { trailing: toHex(r.bytes, take(r, r.end - r.at), r.end) })
  r.end = outer
  return message as Message
}

function writeMessage(w: Writer, message: Message): void {
  const start = reserve(w, HEADER_BYTES)
  w.version = message.version
  const family = BY_TYPE.get(message.type)
  const onf = message.version === 4 && family ? ONF_SUBTYPES.get(family.code) : undefined
  if (onf !== undefined) writeOnf(w, onf)
  if (family) codecOf(family, message.version).write(w, message)
  else hexRest.write(w, (message as UnknownMessage).body)
  if (message.trailing !== undefined) hexRest.write(w, message.trailing)
  const length = w.at - start
  if (length > MAX_MESSAGE_BYTES) throw new RangeError(`a message of ${length} bytes; at most ${MAX_MESSAGE_BYTES}`)
  const { view } = w
  view.setUint8(start, message.version)
  view.setUint8(start + 1, onf !== undefined ? EXPERIMENTER : (family?.code ?? (message as UnknownMessage).code))
  view.setUint16(start + 2, length)
  view.setUint32(start + 4, message.xid)
}

function writeOnf(w: Writer, subtype: number): void {
  const at = reserve(w, 8)
  w.view.setUint32(at, ONF)
  w.view.setUint32(at + 4, subtype)
}

const headShape = (type: string): FieldShape[] => [
  { name: 'version', shape: { kind: 'uint', bits: 8 } },
  { name: 'xid', shape: { kind: 'uint', bits: 32 } },
  { name: 'type', shape: { kind: 'literal', value: type } },
]
const tailShape: FieldShape = { name: 'trailing', shape: { kind: 'hex' }, optional: true }

function whole(type: string, body: Shape): Shape {
  if (body.kind === 'refined') return { ...body, of: whole(type, body.of) }
  if (body.kind !== 'struct') throw new TypeError(`${type} is not a struct`)
  return { kind: 'struct', fields: [...headShape(type), ...body.fields, tailShape] }
}

const UNKNOWN: Shape = {
  kind: 'struct',
  fields: [
    ...headShape('unknown'),
    { name: 'code', shape: { kind: 'uint', bits: 8 } },
    { name: 'body', shape: { kind: 'hex' } },
  ],
}

/** The shape of a message by its `version` and `type`; undefined when the version has no such message. */
function shapeOfMessage(value: { readonly version?: unknown; readonly type?: unknown }): Shape | undefined {
  const { version, type } = value
  if (typeof version !== 'number' || typeof type !== 'string') return undefined
  if (!isVersion(version) && !ANY_VERSION.has(type)) return undefined
  if (type === 'unknown') return UNKNOWN
  const family = BY_TYPE.get(type)
  return family && inVersion(family.code, version) ? whole(type, codecOf(family, version).shape) : undefined
}

/** The types of message that a version has. */
export const typesOf = (version: Version): readonly string[] =>
  FAMILIES.filter((f) => inVersion(f.code, version)).map((f) => f.type)

/** What messages look like, for JSON and generators. */
export const messageShape = inner.shape

export interface DecodeOptions {
  /**
   * Keep matches and actions in the order and form received, so that `encode` gives the same bytes back. Without it they
   * come in the canonical form in which programs are compared.
   */
  readonly exact?: boolean
}

/** Reads one whole message. Byte strings of the value share memory with `bytes`. */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): Result<Message, DecodeError> {
  return reading(() => {
    const r = readerOf(bytes, 0, options.exact ?? false)
    const message = readMessage(r)
    if (r.at < r.end) fault('length', 2, `the header says ${r.at} bytes, there are ${r.end}`)
    return message
  })
}

/** Writes a message behind what the writer holds; many in a row make one buffer to send. RangeError above 65,535 bytes. */
export const encodeInto: (w: Writer, message: Message) => void = writeMessage

let scratch: Writer | undefined

/** Writes one message. RangeError above 65,535 bytes. */
export function encode(message: Message): Uint8Array {
  scratch ??= writerOf(MAX_MESSAGE_BYTES)
  scratch.at = 0
  writeMessage(scratch, message)
  return written(scratch)
}
