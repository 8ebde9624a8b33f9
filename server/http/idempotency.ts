import { createHash } from 'node:crypto'
import type { IdempotencyStore, StoredAnswer } from '#server/identity/ports.ts'
import { Refusal } from '#server/kernel/refusal.ts'

const KEY = /^[\x21-\x7e]{1,128}$/

export interface Answered extends StoredAnswer {
  readonly replayed: boolean
}

/** What was asked, apart from who asks. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly body: unknown
}

const refuseKey = (code: 'malformed' | 'conflict' | 'rule', message: string, mend: string) =>
  new Refusal(code, message, [{ pointer: '', rule: 'idempotency-key', message, mend }])

const fingerprintOf = ({ method, path, body }: Asked) =>
  createHash('sha256')
    .update(JSON.stringify([method, path, body ?? null]))
    .digest('hex')

/** Answers that may be another when the same is sent again are not kept. */
const isFinal = ({ status }: StoredAnswer) => status < 500 && ![401, 403, 429].includes(status)

/** Runs a request once for each key of an account; sent again it gets the first answer again. Throws `Refusal`. */
export async function once(
  store: IdempotencyStore,
  scope: string,
  key: string,
  asked: Asked,
  answer: () => Promise<StoredAnswer>,
): Promise<Answered> {
  if (!KEY.test(key)) throw refuseKey('malformed', 'Idempotency-Key is 1 to 128 visible characters.', 'Use a UUID.')
  const claim = await store.claim(scope, key, fingerprintOf(asked))
  if (claim === 'other')
    throw refuseKey('rule', 'This Idempotency-Key was used for another request.', 'Use a new key for a new request.')
  if (claim === 'running')
    throw refuseKey('conflict', 'The first request with this key has not ended.', 'Send it again in a moment.')
  if (claim !== 'new') return { ...claim, replayed: true }
  let given: StoredAnswer
  try {
    given = await answer()
    if (isFinal(given)) await store.finish(scope, key, given)
    else await store.release(scope, key)
  } catch (error) {
    await store.release(scope, key)
    throw error
  }
  return { ...given, replayed: false }
}
