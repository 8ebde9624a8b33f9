import { err, ok, type Result } from '#server/kernel/result.ts'
import { isObject, type Json, type JsonObject, parseJson } from './json.ts'

/** Why bytes are not OVSDB: `message` is a sentence for people. */
export interface OvsdbFault {
  readonly code: 'too_large' | 'too_deep' | 'not_json' | 'not_text' | 'not_a_message'
  readonly message: string
}

const fault = (code: OvsdbFault['code'], message: string): Result<never, OvsdbFault> => err({ code, message })

export interface FramerOptions {
  /** The most bytes that one message may have. */
  readonly maxBytes: number
  /** How deep arrays and objects may nest; OVSDB itself needs about 12. */
  readonly maxDepth?: number
}

export interface Framer {
  /**
   * Takes bytes as they come and answers the JSON objects that they complete. The first fault is the last answer: the
   * stream has no place to start again, so that every later call answers the same fault. What came before it in the
   * same chunk is not answered.
   */
  push(chunk: Uint8Array): Result<JsonObject[], OvsdbFault>
  /** Changes the bound, for instance once the peer is known. */
  allow(maxBytes: number): void
  /** Bytes of an unfinished message that are held. */
  readonly held: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPENING_BRACE = 0x7b
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
const isOpening = (byte: number) => byte === 0x7b || byte === 0x5b
const isClosing = (byte: number) => byte === 0x7d || byte === 0x5d

interface Scan {
  depth: number
  inText: boolean
  escaped: boolean
}

/** Passes over text up to and including its closing quote; answers the place after it. */
function skipText(scan: Scan, chunk: Uint8Array, from: number): number {
  let at = from
  for (; at < chunk.length; at++) {
    if (scan.escaped) scan.escaped = false
    else if (chunk[at] === BACKSLASH) scan.escaped = true
    else if (chunk[at] === QUOTE) {
      scan.inText = false
      return at + 1
    }
  }
  return at
}

/** Answers the place after the byte that closes the message, undefined when the chunk ends before it, 'deep' past the bound. */
function findEnd(scan: Scan, chunk: Uint8Array, from: number, maxDepth: number): number | undefined | 'deep' {
  let at = from
  while (at < chunk.length) {
    if (scan.inText) {
      at = skipText(scan, chunk, at)
      continue
    }
    const byte = chunk[at++] as number
    if (byte === QUOTE) scan.inText = true
    else if (isOpening(byte)) {
      if (++scan.depth > maxDepth) return 'deep'
    } else if (isClosing(byte) && --scan.depth === 0) return at
  }
  return undefined
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

interface Held {
  readonly size: number
  add(part: Uint8Array): void
  /** Answers everything that was held, in one piece, and holds nothing. */
  release(): Uint8Array
}

/** The part of a message that has come so far, in the pieces in which it came. */
function createHeld(): Held {
  let parts: Uint8Array[] = []
  let size = 0
  return {
    get size() {
      return size
    },
    add: (part) => {
      parts.push(part)
      size += part.length
    },
    release: () => {
      const whole = parts.length === 1 ? (parts[0] as Uint8Array) : new Uint8Array(size)
      let at = 0
      if (parts.length !== 1)
        for (const part of parts) {
          whole.set(part, at)
          at += part.length
        }
      parts = []
      size = 0
      return whole
    },
  }
}

function parse(bytes: Uint8Array): Result<JsonObject, OvsdbFault> {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    return fault('not_text', 'a message is not UTF-8')
  }
  let value: Json
  try {
    value = parseJson(text)
  } catch {
    return fault('not_json', 'a message is not JSON')
  }
  return isObject(value) ? ok(value) : fault('not_json', 'a message is not a JSON object')
}

interface State {
  limit: number
  readonly maxDepth: number
  readonly scan: Scan
  readonly held: Held
}

/** Takes bytes up to the end of one message, or all there are: where it stopped, and the message if it is whole. */
function step(state: State, chunk: Uint8Array, from: number): Result<{ at: number; message?: JsonObject }, OvsdbFault> {
  const { scan, held, limit, maxDepth } = state
  let start = from
  if (held.size === 0) {
    while (start < chunk.length && isSpace(chunk[start] as number)) start++
    if (start === chunk.length) return ok({ at: start })
    if (chunk[start] !== OPENING_BRACE) return fault('not_json', 'a message does not begin with {')
  }
  const end = findEnd(scan, chunk, start, maxDepth)
  if (end === 'deep') return fault('too_deep', `a message nests deeper than ${maxDepth}`)
  const stop = end ?? chunk.length
  if (held.size + stop - start > limit) return fault('too_large', `a message is larger than ${limit} bytes`)
  // Copied when the message goes on: the reader of the stream may use its buffer again.
  held.add(end === undefined ? chunk.slice(start, stop) : chunk.subarray(start, stop))
  if (end === undefined) return ok({ at: stop })
  const message = parse(held.release())
  return message.ok ? ok({ at: stop, message: message.value }) : message
}

/**
 * Cuts a byte stream into JSON-RPC messages (RFC 7047, section 4: objects, one after the other, nothing between them).
 * Never throws; holds at most `maxBytes`.
 */
export function createFramer({ maxBytes, maxDepth = 64 }: FramerOptions): Framer {
  const scan: Scan = { depth: 0, inText: false, escaped: false }
  const state: State = { limit: maxBytes, maxDepth, scan, held: createHeld() }
  let broken: Result<never, OvsdbFault> | undefined
  return {
    get held() {
      return state.held.size
    },
    allow: (bytes) => {
      state.limit = bytes
    },
    push: (chunk) => {
      const messages: JsonObject[] = []
      for (let at = 0; at < chunk.length && !broken; ) {
        const next = step(state, chunk, at)
        if (!next.ok) {
          broken = next
          state.held.release()
          break
        }
        if (next.value.message) messages.push(next.value.message)
        at = next.value.at
      }
      return broken ?? ok(messages)
    },
  }
}
