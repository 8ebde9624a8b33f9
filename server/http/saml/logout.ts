import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Attempts } from '#server/identity/federation/attempts.ts'
import type { SignInLedger } from '#server/identity/federation/ledger.ts'
import { type GoOn, type Logout, SIGN_OUT, type Stepped } from '#server/identity/federation/logout.ts'
import type { Arriving } from '#server/identity/federation/logout-messages.ts'
import type { Side } from '#server/identity/federation/logout-ports.ts'
import { TooManyTries } from '#server/identity/limits.ts'
import { soapFault } from '#server/identity/saml/soap.ts'
import type { Sessions } from '#server/identity/sessions.ts'
import type { Routes, RoutesContext } from '../app.ts'
import { cookieOf, loginCookie, sessionCookie } from '../caller.ts'
import { whenceOf } from '../whence.ts'
import { sendRefusalPage, statusOf } from './pages.ts'
import { type Form, onlyBy, refuseUnread, type ScopeParts, samlScope, statusOfError } from './scope.ts'

export interface LogoutRoutesParts {
  readonly logout: Logout
  readonly sessions: Pick<Sessions, 'find'>
  readonly ledger: SignInLedger
  /** Messages that led nowhere, by address. */
  readonly attempts: Attempts
}

/** No shorter than what else the cookie binds. */
const COOKIE_LIFE_S = 600
const SOAP_TYPES = ['text/xml', 'application/xml', 'application/soap+xml']
/** An envelope around the largest message. */
const SOAP_LIMIT_BYTES = 640 * 1024

const PATHS: Readonly<Record<Side, string>> = { provider: '/saml/slo', console: '/saml/idp/slo' }

const rawQueryOf = ({ raw }: FastifyRequest): string => {
  const url = raw.url ?? ''
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

/** A browser whose session has ended is told to forget it, whoever ended it. */
async function forget(
  reply: FastifyReply,
  request: FastifyRequest,
  { sessions }: LogoutRoutesParts,
  at: RoutesContext,
) {
  const id = cookieOf(request.headers.cookie, at.cookie)
  if (id !== undefined && !(await sessions.find(id, whenceOf(request))))
    reply.header('set-cookie', sessionCookie(at.cookie, null, 0))
}

function goOn(reply: FastifyReply, { url, browser }: GoOn, at: RoutesContext): FastifyReply {
  if (browser !== undefined) reply.header('set-cookie', loginCookie(at.loginCookie, browser, COOKIE_LIFE_S))
  return reply.code(303).header('location', url).send()
}

/** What browsers bring: messages of peers, and whoever goes on with a logout that began here. */
function serveBrowsers(scope: FastifyInstance, parts: LogoutRoutesParts, at: RoutesContext): void {
  const { logout, attempts } = parts
  const fromOf = (request: FastifyRequest) => ({
    address: request.ip,
    browser: cookieOf(request.headers.cookie, at.loginCookie),
  })
  // Before the body is read: whoever tried too often costs nothing.
  const onRequest = (request: FastifyRequest) => attempts.count(request.ip)

  async function answer(request: FastifyRequest, reply: FastifyReply, stepped: Stepped): Promise<FastifyReply> {
    if (stepped.kind === 'refused')
      return sendRefusalPage(reply, statusOf(stepped.reason), at.product.name, stepped.reference, 'sign-out')
    await attempts.forgive(request.ip)
    await forget(reply, request, parts, at)
    return goOn(reply, stepped, at)
  }

  for (const side of ['provider', 'console'] as const) {
    const url = PATHS[side]
    onlyBy(scope, ['GET', 'POST'], url)
    const take = async (request: FastifyRequest, reply: FastifyReply, arriving: Arriving) =>
      answer(request, reply, await logout.take(side, arriving, fromOf(request)))
    scope.route({
      ...{ method: 'GET', url, exposeHeadRoute: false, onRequest },
      handler: (request, reply) => take(request, reply, { binding: 'redirect', rawQuery: rawQueryOf(request) }),
    })
    scope.route({
      ...{ method: 'POST', url, onRequest },
      handler: (request, reply) => take(request, reply, { binding: 'post', fields: (request.body ?? {}) as Form }),
    })
  }
  scope.route({
    ...{ method: 'GET', url: SIGN_OUT, exposeHeadRoute: false, onRequest },
    handler: async (request, reply) => {
      // `state`: as a provider by OpenID Connect sends the browser back.
      const { run, state } = request.query as Record<string, unknown>
      const id = [run, state].find((one) => typeof one === 'string')
      const gone = await logout.resume(id === undefined ? '' : String(id), fromOf(request), run === undefined)
      if (gone.browser !== undefined) await attempts.forgive(request.ip)
      return goOn(reply, gone, at)
    },
  })
}

const sendXml = (reply: FastifyReply, status: number, xml: string) =>
  reply.code(status).type('text/xml; charset=utf-8').send(xml)

/** Whoever is refused is told the same, whatever was wrong. */
const sendFault = (reply: FastifyReply, status: number) =>
  sendXml(reply, status, soapFault(status >= 500 ? 'Server' : 'Client', 'The message was refused.'))

/** What machines bring: logout requests in SOAP envelopes. */
async function serveMachines(app: FastifyInstance, { logout, attempts }: LogoutRoutesParts, scopeParts: ScopeParts) {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(SOAP_TYPES, { parseAs: 'buffer', bodyLimit: SOAP_LIMIT_BYTES }, (_request, body, done) =>
      done(null, body),
    )
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store')
    })
    scope.setErrorHandler(async (error, request, reply) => {
      const unread = await refuseUnread(scopeParts, error, request)
      if (error instanceof TooManyTries) reply.header('retry-after', String(error.wait_s))
      const status = unread?.status ?? statusOfError(error)
      if (status === 500) request.log.error({ err: error }, 'fault')
      return sendFault(reply, status)
    })
    for (const side of ['provider', 'console'] as const) {
      const url = `${PATHS[side]}/soap`
      onlyBy(scope, 'POST', url)
      scope.route({
        ...{ method: 'POST', url },
        onRequest: (request: FastifyRequest) => attempts.count(request.ip),
        handler: async (request, reply) => {
          const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0)
          const answered = await logout.takeBySoap(side, body, request.ip)
          if (answered.kind === 'refused') return sendFault(reply, statusOf(answered.reason))
          await attempts.forgive(request.ip)
          return sendXml(reply, 200, answered.body)
        },
      })
    }
  })
}

/** Single logout: what providers and consoles send, by browser and by machine, and the way of a browser to all of them. */
export const logoutRoutes =
  (parts: LogoutRoutesParts): Routes =>
  async (app, at) => {
    const scopeParts = {
      product: at.product.name,
      ledger: parts.ledger,
      action: 'session.logout',
      attempt: 'sign-out',
    } as const
    await samlScope(app, scopeParts, (scope) => serveBrowsers(scope, parts, at))
    await serveMachines(app, parts, scopeParts)
  }
