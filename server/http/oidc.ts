import type { FastifyRequest } from 'fastify'
import type { OidcLogout } from '#server/identity/federation/oidc-logout.ts'
import type { OidcSignIn } from '#server/identity/federation/oidc-sign-in.ts'
import type { Routes } from './app.ts'
import { cookieOf } from './caller.ts'
import { sendFinished } from './saml/acs.ts'
import { serveLogin } from './saml/login.ts'
import type { LoginParts, SamlRoutesParts } from './saml/parts.ts'
import { type Form, onlyBy, samlScope } from './saml/scope.ts'

export interface OidcRoutesParts extends LoginParts, Pick<SamlRoutesParts, 'ledger' | 'answers'> {
  readonly signIn: OidcSignIn
  readonly logout: Pick<OidcLogout, 'backChannel'>
}

const LOGOUT = '/oidc/backchannel-logout'

const queryOf = ({ url }: FastifyRequest): string => {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

/** Weft as an OpenID Connect client: the way to a provider, the way back, and what a provider says behind the browser. */
export const oidcRoutes =
  (parts: OidcRoutesParts): Routes =>
  (app, at) =>
    samlScope(app, { product: at.product.name, ledger: parts.ledger, action: 'signIn.oidc' }, (scope) => {
      const { signIn, logout, answers, begins } = parts
      serveLogin(scope, '/oidc/login', parts, at)
      scope.route({
        ...{ method: 'GET', url: '/oidc/callback', exposeHeadRoute: false },
        onRequest: (request) => answers.count(request.ip),
        handler: async (request, reply) => {
          const { cookie, 'user-agent': agent = '' } = request.headers
          const finished = await signIn.finish(queryOf(request), {
            ...{ address: request.ip, agent },
            browser: cookieOf(cookie, at.loginCookie),
            session: cookieOf(cookie, at.cookie),
          })
          if (finished.kind !== 'refused') for (const attempts of [answers, begins]) await attempts.forgive(request.ip)
          return sendFinished(reply, finished, at)
        },
      })
      onlyBy(scope, 'POST', LOGOUT)
      scope.route({
        ...{ method: 'POST', url: LOGOUT },
        onRequest: (request: FastifyRequest) => answers.count(request.ip),
        handler: async (request, reply) => {
          const { logout_token: token } = (request.body ?? {}) as Form
          if (!(await logout.backChannel(token, request.ip))) return reply.code(400).send({ error: 'invalid_request' })
          await answers.forgive(request.ip)
          return reply.code(200).send()
        },
      })
    })
