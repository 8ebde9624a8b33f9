import { randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { Refusal } from '#server/kernel/refusal.ts'
import { type KeyToken, SealBroken } from '../ports.ts'
import { type Reply, type Request, type TokenCalls, TokenError, type TokenOptions } from './protocol.ts'

const CALL_MS = 10_000
/** Some tokens look for primes for a long time. */
const GENERATE_MS = 120_000

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** Calls into one worker, which is replaced when it ends or does not answer. */
function caller(options: TokenOptions) {
  let worker: Worker | undefined
  let count = 0
  const waiting = new Map<number, Waiting>()

  const fail = (error: Error) => {
    for (const { reject, timer } of waiting.values()) {
      clearTimeout(timer)
      reject(error)
    }
    waiting.clear()
  }
  const abandon = (gone: Worker | undefined, words: string) => {
    if (gone !== worker) return
    worker = undefined
    fail(new TokenError('away', words))
    void gone?.terminate()
  }
  const settle = (reply: Reply) => {
    const one = waiting.get(reply.id)
    if (!one) return
    waiting.delete(reply.id)
    clearTimeout(one.timer)
    if ('value' in reply) one.resolve(reply.value)
    else one.reject(new TokenError(reply.failure.code, reply.failure.message))
  }
  const start = (): Worker => {
    const made = new Worker(new URL('./worker.ts', import.meta.url), { workerData: options, env: {} })
    made.on('message', settle)
    made.on('error', (error: Error) => abandon(made, error.message))
    made.on('exit', () => abandon(made, 'its worker ended'))
    return made
  }

  return {
    call<C extends keyof TokenCalls>(call: C, ...args: Parameters<TokenCalls[C]>): Promise<ReturnType<TokenCalls[C]>> {
      worker ??= start()
      const [current, id] = [worker, ++count]
      return new Promise((resolve, reject) => {
        const duration_ms = call === 'generate' ? GENERATE_MS : CALL_MS
        const timer = setTimeout(() => abandon(current, `no answer within ${duration_ms / 1000} s`), duration_ms)
        waiting.set(id, { resolve: resolve as Waiting['resolve'], reject, timer })
        current.postMessage({ id, call, args } satisfies Request)
      })
    },
    async end() {
      const last = worker
      worker = undefined
      fail(new TokenError('away', 'it is closed'))
      await last?.terminate()
    },
  }
}

const KEK_RANDOM_BYTES = 4
const KEK_NAME = /^token:(.+)$/

/** The label of the wrapping key that a `wrapped_by` names; undefined when it names no token's. */
export const wrappingKeyOf = (wrappedBy: string): string | undefined => KEK_NAME.exec(wrappedBy)?.[1]

/** What callers are told of a token in service: that it is not authentic, or that it may be there again later. */
const used = <T>(answer: Promise<T>): Promise<T> =>
  answer.catch((error: unknown) => {
    if (!(error instanceof TokenError)) throw error
    if (error.code === 'sealed') throw new SealBroken()
    throw new Refusal('unavailable', `The key token does not do it (${error.code}): ${error.message}.`)
  })

/**
 * A PKCS#11 token: signs with keys that never leave it, and wraps others under its AES-256 key `wrappingKey`, which is made
 * at the first use when none is named. Throws `TokenError`. Its session is found again by itself when it
 * was lost; while that fails, calls throw `Refusal` (`unavailable`).
 */
export async function openKeyToken(options: TokenOptions, wrappingKey?: string): Promise<KeyToken> {
  const { call, end } = caller(options)
  const kek = wrappingKey ?? `weft-kek-${randomBytes(KEK_RANDOM_BYTES).toString('hex')}`
  let ready = wrappingKey !== undefined
  const opened = call('connect').then(async () => {
    if (wrappingKey !== undefined && !(await call('has', wrappingKey)))
      throw new TokenError('key', `the token ${options.label} has no key ${wrappingKey}`)
  })
  await opened.catch(async (error: unknown) => {
    await end()
    throw error
  })
  return {
    name: `token:${kek}`,
    async wrap(context, plain) {
      if (!ready) await used(call('makeWrappingKey', kek))
      ready = true
      return Buffer.from(await used(call('encrypt', kek, Buffer.from(context), plain)))
    },
    unwrap: async (context, wrapped) => Buffer.from(await used(call('decrypt', kek, Buffer.from(context), wrapped))),
    async generate(algorithm, label) {
      const publicKey = await used(call('generate', algorithm, label))
      const sign = async (data: Buffer) => Buffer.from(await used(call('sign', algorithm, label, data)))
      return { algorithm, publicKey, tokenLabel: label, sign }
    },
    async sign(algorithm, label, data) {
      if (algorithm === 'aes-256') throw new TokenError('key', 'a secret key does not sign')
      return Buffer.from(await used(call('sign', algorithm, label, data)))
    },
    destroy: async (label) => void (await used(call('destroy', label))),
    async close() {
      await call('close').catch(() => null)
      await end()
    },
  }
}
