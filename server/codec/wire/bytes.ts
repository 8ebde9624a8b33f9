import type { Codec, Hidden } from './codec.ts'
import { toHex } from './hex.ts'
import { take } from './reader.ts'
import { reserve } from './writer.ts'

/** All bytes up to the end of the structure (shared with the input, not copied). */
export const rest: Codec<Uint8Array> = {
  shape: { kind: 'bytes' },
  read: (r) => {
    const at = take(r, r.end - r.at)
    return r.bytes.subarray(at, r.end)
  },
  write: (w, value) => {
    const at = reserve(w, value.length)
    w.bytes.set(value, at)
  },
}

/** Padding that ends a structure at a boundary of 8 bytes; the list around it writes it. */
export const slack: Hidden = {
  shape: { kind: 'nothing' },
  role: 'padding',
  read: (r) => {
    if (r.end - r.at < 8) r.at = r.end
    return undefined
  },
  write: () => undefined,
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** UTF-8 where it is UTF-8; elsewhere a byte above 127 becomes a lone surrogate U+DC80..U+DCFF, so that it can go back. */
function decodeText(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    let text = ''
    for (const byte of bytes) text += String.fromCharCode(byte < 128 ? byte : 0xdc00 + byte)
    return text
  }
}

/** The bytes of a text that `decodeText` or a person wrote. */
export function encodeText(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text)
  const out = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i) & 0xff
  return out
}

/** Text in a field of fixed size, filled up with zeros. */
export const text = (size: number): Codec<string> => ({
  shape: { kind: 'text', max: size },
  read: (r) => {
    const at = take(r, size)
    let end = at + size
    while (end > at && r.bytes[end - 1] === 0) end--
    return decodeText(r.bytes.subarray(at, end))
  },
  write: (w, value) => {
    const at = reserve(w, size)
    w.bytes.fill(0, at, at + size)
    w.bytes.set(encodeText(value).subarray(0, size), at)
  },
})

/** Bytes as text of hexadecimal digits, up to the end of the structure. */
export const hexRest: Codec<string> = {
  shape: { kind: 'hex' },
  read: (r) => {
    const at = take(r, r.end - r.at)
    return toHex(r.bytes, at, r.end)
  },
  write: (w, value) => writeHex(w, value),
}

/** Writes a text of hexadecimal digits as bytes. */
export function writeHex(w: Parameters<typeof reserve>[0], value: string): void {
  const size = value.length >> 1
  const at = reserve(w, size)
  for (let i = 0; i < size; i++) w.bytes[at + i] = Number.parseInt(value.slice(2 * i, 2 * i + 2), 16)
}
