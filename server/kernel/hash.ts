import { createHash } from 'node:crypto'

/** SHA-256 of pieces as if they were one, in lower-case hexadecimal. A piece may be overwritten once the next is asked for. */
export function sha256(pieces: Iterable<string | Uint8Array>): string {
  const digest = createHash('sha256')
  for (const piece of pieces) digest.update(piece)
  return digest.digest('hex')
}
