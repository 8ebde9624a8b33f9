import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { SignInLedger } from '#server/identity/federation/ledger.ts'
import { TooManyTries } from '#server/identity/limits.ts'
import type { SamlReason } from '#server/identity/saml/result.ts'
import { REFUSAL_STATUS, Refusal } from '#server/kernel/refusal.ts'
import { type Attempt, sendRefusalPage } from './pages.ts'

/** A form with the largest message, percent encodings and all. */
const FORM_LIMIT_BYTES = 512 * 1024

export type Form = Readonly<Record<string, string | readonly string[]>>

/** Fields by name; one that is there twice is a list, which is no message. */
function readForm(text: string): Form {
  const fields: Record<string, string | string[]> = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    const held = fields[name]
    fields[name] = held === undefined ? value : [...(Array.isArray(held) ? held : [held]), value]
  }
  return fields
}

/** What Fastify refuses by itself before a route sees it: status, and the reason for the audit log. */
const UNREAD: Readonly<Record<string, readonly [number, SamlReason]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'too-large'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'binding'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'binding'],
}

export interface ScopeParts {
  readonly product: string
  readonly ledger: SignInLedger
  /** Under which refusals are written to the audit log. */
  readonly action: string
  /** What does not work, for those who see it; signing in, where nothing is said. */
  readonly attempt?: Attempt
}

/** A body that was not read: written down. Answers the status and the reference; undefined: it was something else. */
export async function refuseUnread(
  { ledger, action }: ScopeParts,
  error: unknown,
  request: FastifyRequest,
): Promise<{ readonly status: number; readonly reference: string } | undefined> {
  const { code, message } = error as { code?: string; message?: string }
  const [status, reason] = UNREAD[code ?? ''] ?? []
  if (status === undefined || reason === undefined) return undefined
  const detail = `${request.method} ${request.routeOptions.url}: ${message ?? ''}`
  return { status, reference: await ledger.refused({ action, address: request.ip, detail, reason }) }
}

async function answerError(parts: ScopeParts, error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const { product, attempt } = parts
  const unread = await refuseUnread(parts, error, request)
  if (unread) return sendRefusalPage(reply, unread.status, product, unread.reference, attempt)
  if (error instanceof TooManyTries) reply.header('retry-after', String(error.wait_s))
  const status = statusOfError(error)
  if (status === 500) request.log.error({ err: error }, 'fault')
  return sendRefusalPage(reply, status, product, undefined, attempt)
}

/** The HTTP status of what a route throws. */
export const statusOfError = (error: unknown): number =>
  error instanceof TooManyTries ? 429 : error instanceof Refusal ? REFUSAL_STATUS[error.code] : 500

/** Routes that read forms, keep nothing in caches, and tell everybody whom they refuse the same. */
export async function samlScope(
  app: FastifyInstance,
  parts: ScopeParts,
  routes: (scope: FastifyInstance) => void,
): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: FORM_LIMIT_BYTES },
      (_request, text, done) => done(null, readForm(text as string)),
    )
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store')
    })
    scope.setErrorHandler((error, request, reply) => answerError(parts, error, request, reply))
    routes(scope)
  })
}

type Method = 'GET' | 'POST'

/** A path that takes these methods alone: others get 405. */
export function onlyBy(scope: FastifyInstance, methods: Method | readonly Method[], path: string): void {
  const taken: readonly string[] = typeof methods === 'string' ? [methods] : methods
  const all = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
  const others = all.filter((one) => !taken.includes(one))
  scope.route({
    ...{ method: others, url: path, exposeHeadRoute: false },
    handler: async (_request, reply) => {
      reply.header('allow', taken.join(', '))
      throw new Refusal('method-not-allowed', `${path} takes ${taken.join(', ')}.`)
    },
  })
}
