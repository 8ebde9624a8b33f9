import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Finished } from '#server/identity/federation/entrance.ts'
import { REQUEST_LIFE_MS } from '#server/identity/federation/wish.ts'
import type { RoutesContext } from '../app.ts'
import { cookieOf, loginCookie, sessionCookie } from '../caller.ts'
import { sendRefusalPage, sendTestPage, statusOf } from './pages.ts'
import type { SamlRoutesParts } from './parts.ts'
import { type Form, onlyBy } from './scope.ts'

const PATH = '/saml/acs'
/** The page that asks its person first, and where they answer. */
export const ARRIVAL = '/sign-in/arrival'

export const goOn = (reply: FastifyReply, path: string) => reply.code(303).header('location', path).send()

/** Goes on from where a provider's answer led. */
export function sendFinished(reply: FastifyReply, finished: Finished, at: RoutesContext): FastifyReply {
  switch (finished.kind) {
    case 'session': {
      const life_s = (finished.caller.expiresAt_ms - Date.now()) / 1000
      reply.header('set-cookie', sessionCookie(at.cookie, finished.id, life_s))
      return goOn(reply, finished.returnTo)
    }
    case 'arrival':
      reply.header('set-cookie', loginCookie(at.loginCookie, finished.browser, REQUEST_LIFE_MS / 1000))
      return goOn(reply, `${ARRIVAL}?id=${finished.id}`)
    case 'proxy': {
      const joint = finished.returnTo.includes('?') ? '&' : '?'
      return goOn(reply, `${finished.returnTo}${joint}refused=${finished.reference}`)
    }
    case 'test':
      return sendTestPage(reply, at.product.name)
    case 'refused':
      return sendRefusalPage(reply, statusOf(finished.reason), at.product.name, finished.reference)
  }
}

/** Takes responses that providers make browsers post. The session that comes along is never a sign of who asks: it ends. */
export function serveAcs(scope: FastifyInstance, parts: SamlRoutesParts, at: RoutesContext): void {
  onlyBy(scope, 'POST', PATH)
  scope.route({
    ...{ method: 'POST', url: PATH },
    // Before the body is read: whoever tried too often costs nothing.
    onRequest: (request: FastifyRequest) => parts.answers.count(request.ip),
    handler: async (request, reply) => {
      const { cookie, 'user-agent': agent = '' } = request.headers
      const finished = await parts.signIn.finish((request.body ?? {}) as Form, {
        ...{ address: request.ip, agent },
        browser: cookieOf(cookie, at.loginCookie),
        session: cookieOf(cookie, at.cookie),
      })
      if (finished.kind !== 'refused')
        for (const attempts of [parts.answers, parts.begins]) await attempts.forgive(request.ip)
      return sendFinished(reply, finished, at)
    },
  })
}
