import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import SCIMMY from 'scimmy'
import type { Attempts } from '#server/identity/federation/attempts.ts'
import { type Limited, TooManyTries } from '#server/identity/limits.ts'
import type { AuditSink, DecisionSink } from '#server/identity/ports.ts'
import type { ScimClient, ScimStore } from '#server/identity/scim/ports.ts'
import {
  describing,
  pageOf,
  resourceOf,
  type ScimContext,
  type ScimKind,
  type ScimQuestion,
} from '#server/identity/scim/resources.ts'
import { tameBody, tameFilter } from '#server/identity/scim/said.ts'
import { REFUSAL_STATUS, Refusal } from '#server/kernel/refusal.ts'
import type { Routes } from './app.ts'
import { type Rate, RateExceeded, rateHeaders } from './rates.ts'

export interface ScimRoutesParts {
  readonly store: ScimStore
  readonly audit: AuditSink
  readonly decisions: DecisionSink
  /** Scheme, host and port that providers see. */
  readonly origin: string
  /** Ends a session, and tells the consoles that it opened. */
  readonly endSession: (hash: string) => Promise<void>
  /** Requests without a token that is known, by address. */
  readonly strangers: Attempts
  /** Counts a provider's requests. Throws `RateExceeded`. */
  readonly rate: (providerId: string, by: Limited) => Promise<Rate>
}

const PREFIX = '/scim/v2'
const MEDIA = 'application/scim+json'
const BODY_LIMIT_BYTES = 1024 * 1024
const TOKEN = /^Bearer (weftscim_[A-Za-z0-9_-]{43})$/i
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error'

declare module 'fastify' {
  interface FastifyRequest {
    /** The provider that sends it, where it is one that pushes users and groups. */
    scim: ScimClient | undefined
  }
}

interface Problem {
  readonly status: number
  readonly scimType?: string | undefined
  readonly detail: string
}

/** What Fastify refuses by itself before a route sees it. */
const UNREAD: Readonly<Record<string, readonly [number, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, `The body is longer than ${BODY_LIMIT_BYTES} bytes.`],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, `The body has to be ${MEDIA}.`],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'The body is not JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'The body is empty.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'The body has another length than Content-Length says.'],
}

function problemOf(error: unknown): Problem {
  if (error instanceof SCIMMY.Types.Error) {
    const { status, scimType, message } = error as Error & { status: number; scimType: string | null }
    return { status, scimType: scimType ?? undefined, detail: message }
  }
  const [status, detail] = UNREAD[(error as { code?: string }).code ?? ''] ?? []
  if (status !== undefined && detail !== undefined)
    return { status, detail, ...(status === 400 && { scimType: 'invalidSyntax' }) }
  if (error instanceof Refusal) return { status: REFUSAL_STATUS[error.code], detail: error.message }
  return { status: 500, detail: 'Something went wrong on our side. It has been logged.' }
}

const send = (reply: FastifyReply, status: number, body: unknown) =>
  reply
    .code(status)
    .header('content-type', MEDIA)
    .send(Buffer.from(JSON.stringify(body)))

/** RFC 7644, 3.12. */
function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, scimType, detail } = problemOf(error)
  if (status >= 500) request.log.error({ err: error }, 'fault')
  if (error instanceof RateExceeded) reply.headers(rateHeaders(error.rate))
  if (error instanceof TooManyTries) reply.header('retry-after', String(error.wait_s))
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="scim"')
  return send(reply, status, { schemas: [ERROR], status: String(status), ...(scimType && { scimType }), detail })
}

/** The provider whose token comes along. Throws `Refusal`; a wrong token leaves a line in the audit log. */
async function clientOf({ store, audit, strangers }: ScimRoutesParts, request: FastifyRequest): Promise<ScimClient> {
  const token = TOKEN.exec(request.headers.authorization ?? '')?.[1]
  const hash = token && createHash('sha256').update(token).digest('hex')
  const client = hash && (await store.client(hash))
  if (client && !client.closed) return client
  await strangers.count(request.ip)
  const why = client
    ? {
        reason: 'provider-closed',
        detail: `${client.name} is closed.`,
        tenantId: client.tenantId,
        provider: client.name,
      }
    : { reason: 'scim-token', detail: token ? 'The token is not known.' : 'There is no token.', tenantId: null }
  const line = { actor: '', address: request.ip, action: 'scim.authenticate', outcome: 'refused' as const }
  await audit.record({ ...line, ...why, subject: null, changeId: null })
  throw client
    ? new Refusal('forbidden', 'The provider is closed.')
    : new Refusal('unauthenticated', 'The bearer token is missing or not known.')
}

/** Whose requests there are too many of, for the audit log. */
const limitedOf = ({ providerId, name, tenantId }: ScimClient, address: string): Limited => ({
  ...{ address, actor: `scim:${name}`, provider: name, tenantId },
  subject: `identity-provider/${providerId}`,
})

function integerOf(query: Readonly<Record<string, unknown>>, name: string): Record<string, number> {
  const value = query[name]
  if (value === undefined) return {}
  if (typeof value === 'string' && /^-?\d{1,9}$/.test(value)) return { [name]: Number(value) }
  throw new SCIMMY.Types.Error(400, 'invalidValue', `${name} is not a number.`)
}

/** The parameters of a question; the library reads the rest of them. */
function questionOf({ query }: FastifyRequest): ScimQuestion {
  const asked = query as Readonly<Record<string, unknown>>
  const text = ['filter', 'attributes', 'excludedAttributes'].filter((name) => asked[name] !== undefined)
  return {
    ...Object.fromEntries(text.map((name) => [name, tameFilter(asked[name])])),
    ...integerOf(asked, 'startIndex'),
    ...integerOf(asked, 'count'),
  }
}

const SUBJECT = { Users: 'user', Groups: 'group' } as const

interface Work {
  readonly kind: ScimKind
  /** As the audit log has it; undefined: it only reads. */
  readonly verb?: 'create' | 'replace' | 'patch' | 'remove'
}

/** Runs one request in its provider's directory; what it wrote, or was refused, is in the audit log. */
async function run<T>(
  { store, audit, decisions, origin, endSession }: ScimRoutesParts,
  request: FastifyRequest,
  { kind, verb }: Work,
  work: (context: ScimContext) => Promise<T>,
): Promise<T> {
  const client = request.scim
  if (!client) throw new Refusal('unauthenticated', 'The bearer token is missing or not known.')
  const note: ScimContext['note'] = {}
  let context: ScimContext | undefined
  const { name, tenantId } = client
  decisions.record({
    ...{ accountId: null, account: `scim:${name}`, tenantId, address: request.ip },
    ...{ procedure: `scim.${SUBJECT[kind]}s.${verb ?? 'read'}`, right: 'scim', kind: verb ? 'write' : 'read' },
    ...{ allowed: true, because: `the token by which ${name} pushes its people` },
  })
  const record = (outcome: 'done' | 'refused' | 'failed', detail: string, reason: string | null) => {
    const { id = (request.params as { id?: string }).id, before, after } = note
    const subject = id === undefined ? null : `${SUBJECT[kind]}/${id}`
    const line = {
      actor: `scim:${name}`,
      address: request.ip,
      action: `scim.${SUBJECT[kind]}s.${verb}`,
      outcome,
      reason,
    }
    const shown = outcome === 'done' ? { before, after } : {}
    return audit.record({ ...line, subject, tenantId, provider: name, changeId: null, detail, ...shown })
  }
  try {
    const result = await store.within(client, verb ? 'write' : 'read', (directory) => {
      context = { directory, base: `${origin}${PREFIX}`, note }
      return work(context)
    })
    if (verb && note.id !== undefined) await record('done', '', null)
    // Nobody gets in by them since it was written; what consoles take to hear of it need not be waited for.
    for (const hash of context?.directory.ended ?? [])
      void endSession(hash).catch((error: unknown) => request.log.error({ err: error }, 'scim'))
    return result
  } catch (error) {
    const cause = context?.fault ?? error
    const { status, scimType, detail } = problemOf(error)
    if (verb) await record(status >= 500 ? 'failed' : 'refused', detail, scimType ?? String(status))
    if (status >= 500 && cause !== error) request.log.error({ err: cause }, 'scim')
    throw error
  }
}

function serveKind(scope: FastifyInstance, parts: ScimRoutesParts, kind: ScimKind): void {
  const idOf = (request: FastifyRequest) => (request.params as { id: string }).id
  const one = (request: FastifyRequest) => resourceOf(kind, idOf(request), questionOf(request))
  scope.get(`/${kind}`, async (request, reply) => {
    const question = questionOf(request)
    return send(reply, 200, await run(parts, request, { kind }, (context) => pageOf(kind, question, context)))
  })
  scope.get(`/${kind}/:id`, async (request, reply) =>
    send(reply, 200, await run(parts, request, { kind }, (context) => one(request).read(context))),
  )
  scope.post(`/${kind}`, async (request, reply) => {
    const body = tameBody(request.body)
    const made = await run(parts, request, { kind, verb: 'create' }, (context) => resourceOf(kind).write(body, context))
    return send(reply.header('location', made.meta?.location ?? ''), 201, made)
  })
  scope.put(`/${kind}/:id`, async (request, reply) => {
    const body = tameBody(request.body)
    const work = { kind, verb: 'replace' } as const
    return send(reply, 200, await run(parts, request, work, (context) => one(request).write(body, context)))
  })
  scope.patch(`/${kind}/:id`, async (request, reply) => {
    const body = tameBody(request.body)
    const patched = await run(parts, request, { kind, verb: 'patch' }, (context) => one(request).patch(body, context))
    return patched ? send(reply, 200, patched) : reply.code(204).send()
  })
  scope.delete(`/${kind}/:id`, async (request, reply) => {
    await run(parts, request, { kind, verb: 'remove' }, (context) => one(request).dispose(context))
    return reply.code(204).send()
  })
}

function serveDescriptions(scope: FastifyInstance, base: string): void {
  const described = describing(base)
  scope.get('/ServiceProviderConfig', async (_request, reply) => send(reply, 200, await described.config()))
  for (const [path, describe] of [
    ['/Schemas', described.schemas],
    ['/ResourceTypes', described.types],
  ] as const) {
    scope.get(path, async (request, reply) => send(reply, 200, await describe(undefined, questionOf(request))))
    scope.get(`${path}/:id`, async (request, reply) =>
      send(reply, 200, await describe((request.params as { id: string }).id, {})),
    )
  }
}

function readBodies(scope: FastifyInstance): void {
  const json = scope.getDefaultJsonParser('error', 'error')
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser([MEDIA, 'application/json'], { parseAs: 'string', bodyLimit: BODY_LIMIT_BYTES }, json)
}

/** SCIM 2.0 (RFC 7643, RFC 7644): providers push users and groups, each its own. */
export const scimRoutes =
  (parts: ScimRoutesParts): Routes =>
  async (app) => {
    app.decorateRequest('scim', undefined)
    await app.register(
      async (scope) => {
        readBodies(scope)
        scope.setErrorHandler(sendProblem)
        // Before the body is read: a stranger's is not even parsed.
        scope.addHook('onRequest', async (request, reply) => {
          reply.header('cache-control', 'no-store')
          request.scim = await clientOf(parts, request)
          reply.headers(rateHeaders(await parts.rate(request.scim.providerId, limitedOf(request.scim, request.ip))))
        })
        for (const kind of ['Users', 'Groups'] as const) serveKind(scope, parts, kind)
        serveDescriptions(scope, `${parts.origin}${PREFIX}`)
        scope.all('/*', async () => {
          throw new SCIMMY.Types.Error(404, null as unknown as string, 'There is no such endpoint.')
        })
      },
      { prefix: PREFIX },
    )
  }
