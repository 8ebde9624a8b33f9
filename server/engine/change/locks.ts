import type { Locks } from './ports.ts'

interface Waiter {
  readonly keys: readonly string[]
  readonly grant: () => void
}

interface Book {
  readonly held: Set<string>
  waiting: readonly Waiter[]
}

function take(book: Book, keys: readonly string[]): () => void {
  for (const key of keys) book.held.add(key)
  let mine = true
  return () => {
    if (!mine) return
    mine = false
    for (const key of keys) book.held.delete(key)
    serve(book)
  }
}

/** Grants, in the order of asking, every request whose keys are free and not claimed by an earlier one. */
function serve(book: Book): void {
  const claimed = new Set<string>()
  const still: Waiter[] = []
  const due: Waiter[] = []
  for (const waiter of book.waiting) {
    const waits = waiter.keys.some((key) => book.held.has(key) || claimed.has(key))
    for (const key of waiter.keys) claimed.add(key)
    if (waits) still.push(waiter)
    else due.push(waiter)
  }
  book.waiting = still
  for (const waiter of due) waiter.grant()
}

const isFree = ({ held, waiting }: Book, keys: readonly string[]): boolean =>
  !keys.some((key) => held.has(key) || waiting.some((waiter) => waiter.keys.includes(key)))

function wait(book: Book, keys: readonly string[], signal: AbortSignal | undefined): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      book.waiting = book.waiting.filter((one) => one !== waiter)
      serve(book)
      reject(signal?.reason)
    }
    const grant = () => {
      signal?.removeEventListener('abort', leave)
      resolve(take(book, keys))
    }
    const waiter: Waiter = { keys, grant }
    book.waiting = [...book.waiting, waiter]
    signal?.addEventListener('abort', leave, { once: true })
  })
}

const inOrder = (keys: readonly string[]): string[] => [...new Set(keys)].sort()

/**
 * Locks within one process. All keys of a request are taken together or not at all, so there is no deadlock; first come,
 * first served, except that a request passes those whose keys it does not touch.
 */
export function createLocks(): Locks {
  const book: Book = { held: new Set(), waiting: [] }
  const tryAcquire = (wanted: readonly string[]): (() => void) | undefined => {
    const keys = inOrder(wanted)
    return isFree(book, keys) ? take(book, keys) : undefined
  }
  return {
    tryAcquire,
    async acquire(wanted, signal) {
      signal?.throwIfAborted()
      return tryAcquire(wanted) ?? wait(book, inOrder(wanted), signal)
    },
  }
}
