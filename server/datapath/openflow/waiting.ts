import type { Message } from '#server/codec/openflow/message.ts'
import { Overdue } from './failure.ts'

/** How long an answer is waited for. */
export interface Patience {
  readonly deadline_ms: number
  readonly signal?: AbortSignal
}

/** The same deadline, seen as often as it is asked for: what is left of it. */
export function countdown({ deadline_ms, signal }: Patience): () => Patience {
  const end_ms = performance.now() + deadline_ms
  return () => ({ deadline_ms: end_ms - performance.now(), ...(signal && { signal }) })
}

interface Waiter {
  /** Takes one message; answers whether that was all. What it throws ends the waiting. */
  take(message: Message): boolean
  fail(error: unknown): void
}

/** Requests under way, by transaction id. */
export interface Waiting {
  /** Waits until `take` has had all messages with this id. `what` names the request in errors. */
  wait(xid: number, what: string, patience: Patience, take: (message: Message) => boolean): Promise<void>
  /** Hands a message to the one who waits for it; false when nobody does. */
  answer(message: Message): boolean
  fail(xid: number, error: Error): boolean
  failAll(error: Error): void
}

/** Makes a table of requests under way; each ends by its answer, its deadline, its signal, or with the connection. */
export function createWaiting(): Waiting {
  const waiters = new Map<number, Waiter>()

  const fail = (xid: number, error: unknown): boolean => {
    const waiter = waiters.get(xid)
    waiter?.fail(error)
    return waiter !== undefined
  }

  const wait = (xid: number, what: string, { deadline_ms, signal }: Patience, take: (message: Message) => boolean) =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const end = () => {
        waiters.delete(xid)
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
      }
      const abort = () => fail(xid, signal?.reason)
      const late = () => fail(xid, new Overdue(`no answer to ${what} within ${Math.round(deadline_ms)} ms`))
      const timer = setTimeout(late, Math.max(0, deadline_ms))
      signal?.addEventListener('abort', abort, { once: true })
      waiters.set(xid, {
        take(message) {
          if (!take(message)) return false
          end()
          resolve()
          return true
        },
        fail(error) {
          end()
          reject(error)
        },
      })
    })

  return {
    wait,
    fail,
    answer(message) {
      const waiter = waiters.get(message.xid)
      if (!waiter) return false
      try {
        waiter.take(message)
      } catch (error) {
        waiter.fail(error)
      }
      return true
    },
    failAll(error) {
      for (const waiter of [...waiters.values()]) waiter.fail(error)
    },
  }
}
