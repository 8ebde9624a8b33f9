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

/** A framer for one connection; holds at most one message (65,535 bytes). */
export function framer(): Framer {
  let partial = new Uint8Array(0)
  let filled = 0
  let offset = 0
  let agreed: number | undefined
  let broken: DecodeError | undefined

  /** What is wrong with the header at `at`; `place` is where it stands in the stream. */
  function headerFault(bytes: Uint8Array, at: number, place: number): DecodeError | undefined {
    const [version, type] = [bytes[at] as number, bytes[at + 1] as number]
    const length = lengthAt(bytes, at)
    if (length < HEADER_BYTES)
      return { code: 'length', offset: place + 2, message: `message length ${length} is below 8` }
    if (agreed !== undefined && version !== agreed)
      return { code: 'version', offset: place, message: `version ${version} where ${agreed} was agreed on` }
    if (place === 0 && (version === 0 || (type !== HELLO && type !== ERROR)))
      return { code: 'version', offset: 0, message: `no hello at the start (version ${version}, type ${type})` }
    return undefined
  }

  /** Takes from the chunk what the held message lacks; answers how much that was. */
  function fill(chunk: Uint8Array, wanted: number): number {
    const size = Math.max(0, Math.min(wanted - filled, chunk.length))
    if (partial.length < wanted) {
      const larger = new Uint8Array(wanted)
      larger.set(partial.subarray(0, filled))
      partial = larger
    }
    partial.set(chunk.subarray(0, size), filled)
    filled += size
    return size
  }

  /** Completes the message that an earlier chunk began; answers how many bytes of this one that took. */
  function complete(chunk: Uint8Array, out: Uint8Array[]): number {
    let at = fill(chunk, HEADER_BYTES)
    if (filled < HEADER_BYTES) return at
    broken = headerFault(partial, 0, offset)
    if (broken) return at
    const length = lengthAt(partial, 0)
    at += fill(chunk.subarray(at), length)
    if (filled < length) return at
    const message = partial
    offset += length
    partial = new Uint8Array(0)
    filled = 0
    out.push(message)
    return at
  }

  /** Cuts what can be cut of the chunk, and holds the rest. */
  function cut(chunk: Uint8Array, out: Uint8Array[]): void {
    let at = filled > 0 ? complete(chunk, out) : 0
    if (filled > 0) return
    while (!broken && chunk.length - at >= HEADER_BYTES) {
      broken = headerFault(chunk, at, offset)
      const length = lengthAt(chunk, at)
      if (broken || chunk.length - at < length) break
      out.push(chunk.subarray(at, at + length))
      at += length
      offset += length
    }
    if (!broken && at < chunk.length) fill(chunk.subarray(at), chunk.length - at)
  }

  function push(chunk: Uint8Array): Result<readonly Uint8Array[], DecodeError> {
    const out: Uint8Array[] = []
    if (!broken) cut(chunk, out)
    return broken ? err(broken) : ok(out)
  }

  return {
    push,
    agree: (version) => {
      agreed = version
    },
    held: () => filled,
  }
}

const lengthAt = (bytes: Uint8Array, at: number): number => ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
