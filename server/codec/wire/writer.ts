/** Growing bytes. `at` is where the next write goes. */
export interface Writer {
  bytes: Uint8Array
  view: DataView
  at: number
  version: number
}

/** A writer with room for `size` bytes that grows as needed. */
export function writerOf(size = 1024, version = 0): Writer {
  const bytes = new Uint8Array(size)
  return { bytes, view: new DataView(bytes.buffer), at: 0, version }
}

function grow(w: Writer, needed: number): void {
  const bytes = new Uint8Array(Math.max(needed, w.bytes.length * 2))
  bytes.set(w.bytes.subarray(0, w.at))
  w.bytes = bytes
  w.view = new DataView(bytes.buffer)
}

/** Makes room for `size` bytes and answers where they start. Their content is undefined until written. */
export function reserve(w: Writer, size: number): number {
  const at = w.at
  if (at + size > w.bytes.length) grow(w, at + size)
  w.at = at + size
  return at
}

/** Writes zeros until the length since `start` is a multiple of `align`. */
export function pad(w: Writer, start: number, align: number): void {
  const missing = (align - ((w.at - start) % align)) % align
  if (missing === 0) return
  const at = reserve(w, missing)
  for (let i = at; i < at + missing; i++) w.bytes[i] = 0
}

/** What was written, as bytes of its own. */
export const written = (w: Writer): Uint8Array => w.bytes.slice(0, w.at)
