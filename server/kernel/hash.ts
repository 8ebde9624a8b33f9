import { createHash } from 'node:crypto'

/**
 * SHA-256 of pieces as if they were one, in lower-case hexadecimal. A piece may be overwritten once the next is asked for.
 * Pauses behind each.
 */
export function* hashing(pieces: Iterable<string | Uint8Array>): Generator<void, string> {
  const digest = createHash('sha256')
  for (const piece of pieces) {
    digest.update(piece)
    yield
  }
  return digest.digest('hex')
}

/** The same at once. */
export const sha256 = (pieces: Iterable<string | Uint8Array>): string => toEnd(hashing(pieces))

/** Takes work that pauses to its end without a pause. */
export function toEnd<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}
