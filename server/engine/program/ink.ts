/** ASCII text as bytes. */
export interface Ink {
  bytes: Uint8Array
  /** Of the same bytes. */
  view: DataView
  at: number
  /** Chunks that are full. Without them there is one buffer that grows, in which every byte keeps its place. */
  readonly full?: Uint8Array[]
}

const CHUNK_BYTES = 1 << 18
/** The digit 0, and what makes an `a` of ten. */
const ZERO = 0x30
const TEN = 0x61 - 10

function buffer(length: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(length)
  return { bytes, view: new DataView(bytes.buffer) }
}

/** An empty buffer that grows: for what is looked at again while it is written. */
export const growing = (): Ink => ({ ...buffer(CHUNK_BYTES), at: 0 })

/** An empty row of chunks: for what is only written. */
export const chunked = (): Ink => ({ ...buffer(CHUNK_BYTES), at: 0, full: [] })

function makeRoom(to: Ink, least: number): void {
  const { bytes, at, full } = to
  full?.push(bytes.subarray(0, at))
  Object.assign(to, buffer(full ? Math.max(least, CHUNK_BYTES) : Math.max(at + least, bytes.length * 4)))
  if (full) to.at = 0
  else to.bytes.set(bytes.subarray(0, at))
}

/** Writes text, which must be ASCII. */
export function text(to: Ink, value: string): void {
  const { length } = value
  if (to.at + length > to.bytes.length) makeRoom(to, length)
  const { bytes, at } = to
  for (let i = 0; i < length; i++) bytes[at + i] = value.charCodeAt(i)
  to.at = at + length
}

/** Writes a whole number that is not negative in decimal digits. */
export function decimal(to: Ink, value: number): void {
  if (value > 9) decimal(to, Math.floor(value / 10))
  if (to.at === to.bytes.length) makeRoom(to, 1)
  to.bytes[to.at++] = ZERO + (value % 10)
}

/** Writes a whole number that is not negative in hexadecimal digits. */
export function hexadecimal(to: Ink, value: bigint): void {
  const small = Number(value)
  if (small <= Number.MAX_SAFE_INTEGER) digits(to, small)
  else text(to, value.toString(16))
}

function digits(to: Ink, value: number): void {
  if (value > 15) digits(to, Math.floor(value / 16))
  const digit = value % 16
  if (to.at === to.bytes.length) makeRoom(to, 1)
  to.bytes[to.at++] = digit < 10 ? ZERO + digit : TEN + digit
}

/** What was written so far, in pieces. */
export const written = ({ bytes, at, full = [] }: Ink): Uint8Array[] => [...full, bytes.subarray(0, at)]
