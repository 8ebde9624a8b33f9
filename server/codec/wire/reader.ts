import { err, ok, type Result } from '#server/kernel/result.ts'

/** Why bytes (or JSON) were refused; `offset` counts bytes from the start of what was given. */
export interface DecodeError {
  readonly code: DecodeCode
  readonly offset: number
  readonly message: string
}

export type DecodeCode = 'truncated' | 'length' | 'trailing' | 'version' | 'value' | 'depth' | 'hex' | 'json'

/** A place in bytes. `end` is the wall of the structure being read; nothing reads past it. */
export interface Reader {
  readonly bytes: Uint8Array
  readonly view: DataView
  at: number
  end: number
  version: number
  /** Keep order and form as received, instead of the canonical form that programs are compared in. */
  readonly exact: boolean
  /** Set by a part that met something without a name; the element around it is then kept as bytes. */
  alien: boolean
  /** How many messages enclose this one. */
  depth: number
}

class WireFault extends Error {
  readonly detail: DecodeError
  constructor(detail: DecodeError) {
    super(detail.message)
    this.detail = detail
  }
}

/** Stops the decoding under way; `reading` turns it into an error value. */
export function fault(code: DecodeCode, offset: number, message: string): never {
  throw new WireFault({ code, offset, message })
}

/** Runs a decoder and turns its refusal into a value. Anything else thrown is a fault of ours and goes on. */
export function reading<T>(decoder: () => T): Result<T, DecodeError> {
  try {
    return ok(decoder())
  } catch (e) {
    if (e instanceof WireFault) return err(e.detail)
    throw e
  }
}

/** A reader over all of `bytes` (shared, not copied). */
export function readerOf(bytes: Uint8Array, version = 0, exact = false): Reader {
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { bytes: plain, view, at: 0, end: plain.length, version, exact, alien: false, depth: 0 }
}

/** Moves over `size` bytes and answers where they start. */
export function take(r: Reader, size: number): number {
  const at = r.at
  if (size > r.end - at) fault('truncated', at, `${size} bytes expected, ${r.end - at} left`)
  r.at = at + size
  return at
}

/** Puts the wall `length` bytes after `start`, inside the present one; answers the wall to go back to. */
export function confine(r: Reader, start: number, length: number): number {
  const outer = r.end
  if (start + length < r.at) fault('length', start, `length ${length} is shorter than what it covers`)
  if (start + length > outer) fault('truncated', start, `length ${length}, ${outer - start} bytes left`)
  r.end = start + length
  return outer
}

/** Ends what `confine` began: everything inside must have been read. */
export function release(r: Reader, outer: number): void {
  if (r.at !== r.end) fault('trailing', r.at, `${r.end - r.at} bytes after the end of a structure`)
  r.end = outer
}
