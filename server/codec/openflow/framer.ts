import type { DecodeError } from '#server/codec/wire/reader.ts'
import { err, ok, type Result } from '#server/kernel/result.ts'
import { HEADER_BYTES } from './message.ts'

/** Cuts a stream into messages. */
export interface Framer {
  /**
   * Takes the next bytes of the stream and answers the messages that are whole now, in order (they may share memory with
   * `chunk`). After an error the stream has lost its frame: close it, every further call gives the same error.
   */
  push(chunk: Uint8Array): Result<readonly Uint8Array[], DecodeError>
  /** From now on a message of another version is an error. Before that the first message must be a hello or an error. */
  agree(version: number): void
  /** Bytes kept back because their message is not whole. */
  held(): number
}

const HELLO = 0
const ERROR = 1

interface Stream {
  /** The message that is not whole, and how much of it is there. */
  partial: Uint8Array
  filled: number
  /** Bytes of the whole messages so far. */
  offset: number
  agreed: number | undefined
  broken: DecodeError | undefined
}

const lengthAt = (bytes: Uint8Array, at: number): number => ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)

/** What is wrong with the header at `at` of `bytes`, which is the next of the stream. */
function headerFault({ agreed, offset }: Stream, bytes: Uint8Array, at: number): DecodeError | undefined {
  const [version, type] = [bytes[at] as number, bytes[at + 1] as number]
  const length = lengthAt(bytes, at)
  if (length < HEADER_BYTES)
    return { code: 'length', offset: offset + 2, message: `message length ${length} is below ${HEADER_BYTES}` }
  if (agreed !== undefined && version !== agreed)
    return { code: 'version', offset, message: `version ${version} where ${agreed} was agreed on` }
  if (offset === 0 && (version === 0 || (type !== HELLO && type !== ERROR)))
    return { code: 'version', offset, message: `no hello at the start (version ${version}, type ${type})` }
  return undefined
}

/** Takes from the chunk what the held message lacks to have `wanted` bytes; answers how much that was. */
function fill(stream: Stream, chunk: Uint8Array, wanted: number): number {
  const size = Math.max(0, Math.min(wanted - stream.filled, chunk.length))
  if (stream.partial.length < wanted) {
    const larger = new Uint8Array(wanted)
    larger.set(stream.partial.subarray(0, stream.filled))
    stream.partial = larger
  }
  stream.partial.set(chunk.subarray(0, size), stream.filled)
  stream.filled += size
  return size
}

/** Completes the message that an earlier chunk began; answers how many bytes of this one that took. */
function complete(stream: Stream, chunk: Uint8Array, out: Uint8Array[]): number {
  let at = fill(stream, chunk, HEADER_BYTES)
  if (stream.filled < HEADER_BYTES) return at
  stream.broken = headerFault(stream, stream.partial, 0)
  if (stream.broken) return at
  const length = lengthAt(stream.partial, 0)
  at += fill(stream, chunk.subarray(at), length)
  if (stream.filled < length) return at
  out.push(stream.partial)
  stream.offset += length
  stream.partial = new Uint8Array(0)
  stream.filled = 0
  return at
}

/** Cuts what can be cut of the chunk, and holds the rest. */
function cut(stream: Stream, chunk: Uint8Array, out: Uint8Array[]): void {
  let at = stream.filled > 0 ? complete(stream, chunk, out) : 0
  if (stream.filled > 0) return
  while (chunk.length - at >= HEADER_BYTES) {
    stream.broken = headerFault(stream, chunk, at)
    const length = lengthAt(chunk, at)
    if (stream.broken) return
    if (chunk.length - at < length) break
    out.push(chunk.subarray(at, at + length))
    at += length
    stream.offset += length
  }
  if (at < chunk.length) fill(stream, chunk.subarray(at), chunk.length - at)
}

/** A framer for one connection; holds at most one message (65,535 bytes). */
export function framer(): Framer {
  const stream: Stream = { partial: new Uint8Array(0), filled: 0, offset: 0, agreed: undefined, broken: undefined }
  return {
    push(chunk) {
      const out: Uint8Array[] = []
      if (!stream.broken) cut(stream, chunk, out)
      return stream.broken ? err(stream.broken) : ok(out)
    },
    agree(version) {
      stream.agreed = version
    },
    held: () => stream.filled,
  }
}
