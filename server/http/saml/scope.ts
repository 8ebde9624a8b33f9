import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { SignInLedger } from '#server/identity/federation/ledger.ts'
import type { SamlReason } from '#server/identity/saml/result.ts'
import { TooManyTries } from '#server/identity/sign-in.ts'
import { REFUSAL_STATUS, Refusal } from '#server/kernel/refusal.ts'
import { sendRefusalPage } from './pages.ts'

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
}

async function answerError(
  { product, ledger, action }: ScopeParts,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { code, message } = error as { code?: string; message?: string }
  const [status, reason] = UNREAD[code ?? ''] ?? []
  if (status !== undefined && reason !== undefined) {
    const detail = `${request.method} ${request.routeOptions.url}: ${message ?? ''}`
    const reference = await ledger.refused({ action, address: request.ip, detail, reason })
    return sendRefusalPage(reply, status, product, reference)
  }
  if (error instanceof TooManyTries) {
    reply.header('retry-after', String(error.wait_s))
    return sendRefusalPage(reply, 429, product)
  }
  if (error instanceof Refusal) return sendRefusalPage(reply, REFUSAL_STATUS[error.code], product)
  request.log.error({ err: error }, 'fault')
  return sendRefusalPage(reply, 500, product)
}

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

/** A path that takes one method alone: another gets 405. */
export function onlyBy(scope: FastifyInstance, method: 'GET' | 'POST', path: string): void {
  const others = (['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const).filter((one) => one !== method)
  scope.route({
    ...{ method: others, url: path, exposeHeadRoute: false },
    handler: async (_request, reply) => {
      reply.header('allow', method)
      throw new Refusal('method-not-allowed', `${path} takes ${method}.`)
    },
  })
}
