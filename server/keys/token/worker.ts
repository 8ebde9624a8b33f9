import { parentPort, workerData } from 'node:worker_threads'
import * as objects from './objects.ts'
import { type Reply, type Request, type TokenCalls, TokenError, type TokenOptions } from './protocol.ts'
import { type Binding, ckrOf, drop, isLost, load, openSession, type TokenSession } from './session.ts'

/** Speaks with the token in a thread of its own, since the binding blocks. Loses its session, and finds a new one. */

const options = workerData as TokenOptions
let binding: Binding | undefined
let session: TokenSession | undefined

async function bind(): Promise<Binding> {
  try {
    const loaded = await import('pkcs11js')
    return (loaded as unknown as { default?: Binding }).default ?? loaded
  } catch (error) {
    throw new TokenError('binding', `the optional package pkcs11js is not there: ${(error as Error).message}`)
  }
}

function connected(loaded: Binding): TokenSession {
  if (session) return session
  const library = load(loaded, options)
  try {
    session = openSession(loaded, library, options)
    return session
  } catch (error) {
    drop({ library })
    throw error
  }
}

const bytes = (value: Uint8Array): Buffer => Buffer.from(value)

type Work = { readonly [C in keyof TokenCalls]: (...args: Parameters<TokenCalls[C]>) => ReturnType<TokenCalls[C]> }

function work(open: TokenSession): Work {
  return {
    connect() {
      const { model, serialNumber } = open.library.C_GetTokenInfo(open.slot)
      return { model: model.trim(), serial: serialNumber.trim() }
    },
    makeWrappingKey(label) {
      objects.makeWrappingKey(open, label)
      return null
    },
    has: (label) => objects.has(open, label),
    encrypt: (label, aad, plain) => objects.encrypt(open, label, bytes(aad), bytes(plain)),
    decrypt: (label, aad, wrapped) => objects.decrypt(open, label, bytes(aad), bytes(wrapped)),
    generate: (algorithm, label) => objects.generate(open, algorithm, label),
    sign: (algorithm, label, data) => objects.sign(open, algorithm, label, bytes(data)),
    destroy(label) {
      objects.destroy(open, label)
      return null
    },
    close() {
      drop(open)
      session = undefined
      return null
    },
  }
}

function attempt(loaded: Binding, { call, args }: Request): unknown {
  const run = work(connected(loaded))[call] as (...args: readonly unknown[]) => unknown
  return run(...args)
}

/** Does it; where the session is lost, once more in a new one. */
async function answer(request: Request): Promise<unknown> {
  binding ??= await bind()
  try {
    return attempt(binding, request)
  } catch (error) {
    if (!session || !isLost(error)) throw error
    drop(session)
    session = undefined
    return attempt(binding, request)
  }
}

function failureOf(error: unknown): { code: string; message: string } {
  if (error instanceof TokenError) return { code: error.code, message: error.message }
  const { message } = error as Error
  return { code: ckrOf(error) || 'away', message }
}

parentPort?.on('message', (request: Request) => {
  const { id } = request
  answer(request).then(
    (value) => parentPort?.postMessage({ id, value } satisfies Reply),
    (error: unknown) => parentPort?.postMessage({ id, failure: failureOf(error) } satisfies Reply),
  )
})
