import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Attempts } from '#server/identity/federation/attempts.ts'
import type { ConsoleSignIn, Onward } from '#server/identity/federation/console-sign-in.ts'
import type { SignInLedger } from '#server/identity/federation/ledger.ts'
import { CONTINUE } from '#server/identity/federation/return-path.ts'
import { REQUEST_LIFE_MS } from '#server/identity/federation/wish.ts'
import { idpMetadata } from '#server/identity/saml/metadata.ts'
import type { OwnIdp } from '#server/identity/saml/provider.ts'
import type { Sessions } from '#server/identity/sessions.ts'
import type { Routes, RoutesContext } from '../app.ts'
import { callerOf, cookieOf, loginCookie } from '../caller.ts'
import { isFromElsewhere } from '../security.ts'
import { serveMetadata } from './metadata.ts'
import { sendRefusalPage, statusOf } from './pages.ts'
import type { SamlKeys } from './parts.ts'
import { sendPostPage } from './post-page.ts'
import { type Form, onlyBy, samlScope } from './scope.ts'

export interface ConsoleRoutesParts {
  readonly own: OwnIdp
  readonly keys: SamlKeys
  readonly consoles: ConsoleSignIn
  readonly sessions: Sessions
  readonly ledger: SignInLedger
  /** Requests that were not answered yet, by address. */
  readonly attempts: Attempts
}

const SSO = '/saml/idp/sso'

const queryOf = ({ raw }: FastifyRequest): string => {
  const url = raw.url ?? ''
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

const fieldOf = (request: FastifyRequest, name: string): string => {
  const value = (request.query as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : ''
}

function send(reply: FastifyReply, onward: Onward, at: RoutesContext): FastifyReply {
  switch (onward.kind) {
    case 'go':
      reply.header('set-cookie', loginCookie(at.loginCookie, onward.browser, REQUEST_LIFE_MS / 1000))
      return reply.code(303).header('location', onward.url).send()
    case 'post':
      return sendPostPage(reply, at.product.name, onward.console.displayName, onward.posted)
    case 'refused':
      return sendRefusalPage(reply, statusOf(onward.reason), at.product.name, onward.reference)
  }
}

function serveMessages(scope: FastifyInstance, { consoles, attempts }: ConsoleRoutesParts, at: RoutesContext): void {
  const from = (request: FastifyRequest) => ({
    address: request.ip,
    browser: cookieOf(request.headers.cookie, at.loginCookie),
  })
  onlyBy(scope, ['GET', 'POST'], SSO)
  const counted = { onRequest: (request: FastifyRequest) => attempts.count(request.ip) }
  scope.route({
    ...{ method: 'GET', url: SSO, exposeHeadRoute: false, ...counted },
    handler: async (request, reply) =>
      send(reply, await consoles.receive({ binding: 'redirect', rawQuery: queryOf(request) }, from(request)), at),
  })
  scope.route({
    ...{ method: 'POST', url: SSO, ...counted },
    handler: async (request, reply) =>
      send(reply, await consoles.receive({ binding: 'post', fields: (request.body ?? {}) as Form }, from(request)), at),
  })
  scope.route({
    ...{ method: 'GET', url: '/saml/idp/launch', exposeHeadRoute: false, ...counted },
    handler: async (request, reply) =>
      send(reply, await consoles.launch(fieldOf(request, 'console'), from(request)), at),
  })
}

/** Nobody is vouched for to a console whose session owes something: the page where that is settled leads back here. */
const settleFirst = (reply: FastifyReply, here: string): FastifyReply =>
  reply
    .code(303)
    .header('location', `/owed?${new URLSearchParams({ next: here })}`)
    .send()

/**
 * The steps after the request: a page of our own origin, to which a browser brings the session, whoever made it post the
 * request.
 */
function serveContinue(scope: FastifyInstance, parts: ConsoleRoutesParts, at: RoutesContext): void {
  const { consoles, sessions, attempts } = parts
  scope.route({
    ...{ method: 'GET', url: CONTINUE, exposeHeadRoute: false },
    handler: async (request, reply) => {
      const visit = {
        ...{ address: request.ip, browser: cookieOf(request.headers.cookie, at.loginCookie) },
        caller: await callerOf(request, at.cookie, sessions),
        unbidden: isFromElsewhere(request),
      }
      if (visit.caller && visit.caller.owes.length > 0) return settleFirst(reply, request.url)
      const onward = await consoles.goOn(fieldOf(request, 'request'), visit, fieldOf(request, 'refused') !== '')
      if (onward.kind === 'post') await attempts.forgive(request.ip)
      return send(reply, onward, at)
    },
  })
}

/** Weft as a SAML identity provider of VNFs' consoles. */
export const consoleRoutes =
  (parts: ConsoleRoutesParts): Routes =>
  (app, at) =>
    samlScope(app, { product: at.product.name, ledger: parts.ledger, action: 'signIn.console' }, (scope) => {
      const { keys, own } = parts
      const certificates = () => keys.certificates('saml-signing')
      serveMetadata(
        scope,
        '/saml/idp/metadata',
        async () => JSON.stringify(await certificates()),
        async () => idpMetadata(own, await keys.signer('saml-signing'), [], (await certificates()).others),
      )
      serveMessages(scope, parts, at)
      serveContinue(scope, parts, at)
    })
