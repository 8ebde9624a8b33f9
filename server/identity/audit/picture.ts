import { createHash } from 'node:crypto'

/** Most octets of an object before or after, as JSON. */
const LIMIT = 16_384
/** How much of a larger one is kept. */
const START = 8000
const DEPTH = 12

/** Fields whose values are never written down, by their names. */
const SECRET =
  /pass(word|phrase|code)|secret|private_?key|credential|authori[sz]ation|recovery_?codes?|(^|_|[a-z])(token|cookie|seed|pin|otp|hash)$/i
const HIDDEN = '(hidden)'

function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\u0000', '\ufffd')
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return value.toISOString()
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} octets)`
  if (depth === 0) return '(deeper)'
  if (Array.isArray(value)) return value.map((one) => plain(one, depth - 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      plain(key, 0),
      SECRET.test(key) && one !== null && one !== undefined && typeof one !== 'boolean'
        ? HIDDEN
        : plain(one, depth - 1),
    ]),
  )
}

/**
 * An object as the audit log keeps it: JSON without secrets (by the names of fields; that no other secret gets in is the
 * business of whoever hands it over). Of one larger than 16 KiB the start is kept, with the size and hash of the whole.
 */
export function pictureOf(value: unknown): string | null {
  if (value === undefined || value === null) return null
  const whole = JSON.stringify(plain(value, DEPTH))
  if (whole === undefined) return null
  const octets = Buffer.from(whole)
  if (octets.length <= LIMIT) return whole
  const sha256 = createHash('sha256').update(octets).digest('hex')
  const start = octets.subarray(0, START).toString().replaceAll('\ufffd', '')
  return JSON.stringify({ cut: true, octets: octets.length, sha256, start })
}
