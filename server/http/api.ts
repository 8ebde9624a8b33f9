import type { AnyContractRouter } from '@orpc/contract'
import { StandardOpenAPIHandler } from '@orpc/openapi/standard'
import type { AnyRouter } from '@orpc/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RequestContext } from '#server/api/door.ts'
import type { AuditSink, DecisionSink, IdempotencyStore, StoredAnswer } from '#server/identity/ports.ts'
import type { Caller, Sessions } from '#server/identity/sessions.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import { callerOf, cookieOf, sessionCookie } from './caller.ts'
import { once } from './idempotency.ts'
import { PROBLEM_TYPE, problemHeaders, problemOf } from './problem.ts'
import { type HttpProcedure, proceduresOf } from './procedures.ts'
import { type Rates, rateHeaders } from './rates.ts'
import { whenceOf } from './whence.ts'

export const API_PREFIX = '/api/v1'
export const BODY_LIMIT_BYTES = 64 * 1024

export interface ApiParts {
  /** Implements the contract, or a part of it. */
  readonly router: AnyRouter
  readonly sessions: Sessions
  readonly audit: AuditSink
  readonly idempotency: IdempotencyStore
  /** Name of the session cookie. */
  readonly cookie: string
  /** Name of the cookie that binds sign-ins under way to one browser. */
  readonly loginCookie: string
  readonly rates: Rates
  readonly decisions?: DecisionSink
  /** Who judges calls, where that is not the contract. */
  readonly judge?: NonNullable<RequestContext['judge']>
  readonly administration?: NonNullable<RequestContext['administration']>
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sends it, where that is known. */
    caller: Caller | undefined
  }
}

type Handler = StandardOpenAPIHandler<RequestContext>

/** Reads `If-Match: "3"` (or the bare number). Throws `Refusal` for anything else. */
export function revisionOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const [, digits] = /^(?:W\/)?"?(\d{1,15})"?$/.exec(header.trim()) ?? []
  if (digits !== undefined) return Number(digits)
  throw new Refusal('malformed', 'If-Match is not a revision.', [
    {
      ...{ pointer: '', rule: 'if-match', message: `${header.slice(0, 64)} is not a revision.` },
      mend: 'Send the number that the object has as `revision`.',
    },
  ])
}

/** `?filter=a&filter=b` is a list, as `filter[]=a&filter[]=b` is. */
function withLists(url: URL): URL {
  const keys = [...url.searchParams.keys()]
  const repeated = new Set(keys.filter((key, at) => !key.includes('[') && keys.indexOf(key) !== at))
  if (repeated.size === 0) return url
  const listed = new URL(url)
  listed.search = ''
  for (const [key, value] of url.searchParams) listed.searchParams.append(repeated.has(key) ? `${key}[]` : key, value)
  return listed
}

function etagOf(body: unknown): Record<string, string> {
  const { revision, item } = (body ?? {}) as { revision?: unknown; item?: { revision?: unknown } | null }
  const number = revision ?? item?.revision
  return typeof number === 'number' ? { etag: `"${number}"` } : {}
}

/** Calls a procedure and writes its answer down: status, headers, text. Throws what the procedure threw. */
async function call(handler: Handler, { method }: HttpProcedure, request: FastifyRequest, context: RequestContext) {
  const url = withLists(new URL(request.url, 'http://weft'))
  // DELETE has no body as a rule: its fields may stand in the query.
  const fromQuery = method === 'DELETE' && request.body === undefined
  const body = fromQuery ? Object.fromEntries(url.searchParams) : request.body
  const { response } = await handler.handle(
    { method, url, headers: request.headers, body: async () => body, signal: undefined },
    { prefix: API_PREFIX, context },
  )
  if (!response) throw new Error(`${method} ${url.pathname}: served by no procedure`)
  if (response.body === undefined) return { status: response.status, headers: {}, body: '' }
  const headers = { 'content-type': 'application/json', ...etagOf(response.body) }
  return { status: response.status, headers, body: JSON.stringify(response.body) }
}

function contextOf(
  parts: ApiParts,
  request: FastifyRequest,
  reply: FastifyReply,
  caller: Caller | undefined,
): RequestContext {
  return {
    ...{ caller, ...whenceOf(request), audit: parts.audit, note: {} },
    ...(parts.decisions && { decisions: parts.decisions }),
    ...(parts.judge && { judge: parts.judge }),
    ...(parts.administration && { administration: parts.administration }),
    browser: cookieOf(request.headers.cookie, parts.loginCookie),
    origin: `${request.protocol}://${request.host}`,
    ifMatch: revisionOf(request.headers['if-match']),
    keepSession(id, expiresAt_ms = 0) {
      reply.header('set-cookie', sessionCookie(parts.cookie, id, (expiresAt_ms - Date.now()) / 1000))
      // Told to the command line, which has no cookie jar. A browser says that it is one, and no script can make it not
      // say so: what runs in a page cannot come by the id.
      const asksForHeader = request.headers['x-weft-session'] === 'header'
      const isBrowser = request.headers['sec-fetch-site'] !== undefined || request.headers.origin !== undefined
      if (id !== null && asksForHeader && !isBrowser) reply.header('x-weft-session', id)
    },
  }
}

/** An answer is given again to whom it was given: a token, or its owner elsewhere, may be shown less. */
const whoseKey = ({ account, token, scope }: Caller): string =>
  [account.id, token?.id, scope.tenantId, scope.siteId].map((id) => id ?? '').join('/')

/** Whether a request may be sent again with its key. What is secret is not kept: neither a token nor the hash of a password. */
export const isRepeatable = ({ method, meta }: HttpProcedure): boolean => method === 'POST' && !meta.secret

async function serve(
  parts: ApiParts,
  handler: Handler,
  procedure: HttpProcedure,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { caller } = request
  const context = contextOf(parts, request, reply, caller)
  const answer = async (): Promise<StoredAnswer> => {
    try {
      return await call(handler, procedure, request, context)
    } catch (error) {
      const problem = problemOf(error, procedure.pathFields)
      if (problem.status >= 500) request.log.error({ err: error, procedure: procedure.name }, 'fault')
      const headers = { 'content-type': PROBLEM_TYPE, ...problemHeaders(error) }
      return { status: problem.status, headers, body: JSON.stringify(problem) }
    }
  }
  const key = request.headers['idempotency-key']
  if (!isRepeatable(procedure) || typeof key !== 'string' || !caller) return send(reply, await answer())
  const asked = { method: procedure.method, path: request.url, body: request.body }
  const given = await once(parts.idempotency, whoseKey(caller), key, asked, answer)
  if (given.replayed) reply.header('idempotency-replayed', 'true')
  return send(reply, given)
}

// Bodies go as bytes: to text Fastify would add a charset, which these media types do not have.
const send = (reply: FastifyReply, { status, headers, body }: StoredAnswer) =>
  reply
    .code(status)
    .headers(headers)
    .send(status === 204 ? undefined : Buffer.from(body))

function readBodies(scope: FastifyInstance): void {
  const json = scope.getDefaultJsonParser('error', 'error')
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') done(null, undefined)
    else json(request, text as string, done)
  })
}

/** Another method at a path that there is gets 405 with the methods that it has; any other path 404. */
function refuseUnknown(scope: FastifyInstance, procedures: readonly HttpProcedure[]): void {
  const paths = procedures.map(({ method, path }) => ({
    method,
    pattern: new RegExp(`^${API_PREFIX}${path.replace(/\{\w+\}/g, '[^/]+')}$`),
  }))
  scope.all('/*', async (request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    const methods = paths.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)
    if (methods.length === 0) throw new Refusal('not-found', `There is no ${path}.`)
    reply.header('allow', methods.join(', '))
    throw new Refusal('method-not-allowed', `${path} takes ${methods.join(', ')}.`)
  })
}

/** Serves every procedure of the router below `/api/v1`. Throws at once for a procedure that names no right. */
export async function registerApi(app: FastifyInstance, parts: ApiParts): Promise<void> {
  const handler: Handler = new StandardOpenAPIHandler(parts.router, {
    // What a procedure throws is answered as problem details by `serve`, not by the library in its own form.
    customErrorResponseBodyEncoder(error) {
      throw error.cause instanceof Refusal ? error.cause : error
    },
  })
  const procedures = proceduresOf(parts.router as AnyContractRouter)
  app.decorateRequest('caller', undefined)
  await app.register(
    async (scope) => {
      readBodies(scope)
      scope.addHook('onRequest', async (_request, reply) => {
        reply.header('cache-control', 'no-store')
      })
      refuseUnknown(scope, procedures)
      for (const procedure of procedures)
        scope.route({
          method: procedure.method,
          url: procedure.path.replace(/\{(\w+)\}/g, ':$1'),
          bodyLimit: procedure.meta.maxBody ?? BODY_LIMIT_BYTES,
          // Before the body is read: a stranger's is not even parsed. Who may do what is the door's business.
          onRequest: async (request, reply) => {
            await parts.rates.address(request.ip)
            request.caller = await callerOf(request, parts.cookie, parts.sessions)
            if (!request.caller && procedure.meta.right !== 'public')
              throw new Refusal('unauthenticated', 'Nobody is signed in.')
            if (request.caller) reply.headers(rateHeaders(await parts.rates.caller(request.caller, request.ip)))
          },
          handler: (request, reply) => serve(parts, handler, procedure, request, reply),
        })
    },
    { prefix: API_PREFIX },
  )
}
