import type { FastifyRequest } from 'fastify'
import type { Arrivals } from '#server/identity/federation/arrivals.ts'
import type { Attempts } from '#server/identity/federation/attempts.ts'
import type { SignInLedger } from '#server/identity/federation/ledger.ts'
import type { Routes } from '../app.ts'
import { cookieOf } from '../caller.ts'
import { ARRIVAL, goOn, sendFinished } from './acs.ts'
import { type Form, samlScope } from './scope.ts'

export interface ArrivalRoutesParts {
  readonly arrivals: Arrivals
  readonly ledger: SignInLedger
  /** Answers refused, by address. */
  readonly attempts: Attempts
}

/**
 * Where somebody who waits at the door says whether they want to come in. The page itself is the console's; pages of other
 * origins cannot post here, nor do they know the id, nor is it good in another browser.
 */
export const arrivalRoutes =
  ({ arrivals, ledger, attempts }: ArrivalRoutesParts): Routes =>
  (app, at) =>
    samlScope(app, { product: at.product.name, ledger, action: 'signIn.arrival' }, (scope) => {
      scope.route({
        ...{ method: 'POST', url: ARRIVAL },
        onRequest: (request: FastifyRequest) => attempts.count(request.ip),
        handler: async (request, reply) => {
          const { id, answer } = (request.body ?? {}) as Form
          const { cookie, 'user-agent': agent = '' } = request.headers
          const from = {
            ...{ address: request.ip, agent, browser: cookieOf(cookie, at.loginCookie) },
            session: cookieOf(cookie, at.cookie),
          }
          const name = typeof id === 'string' ? id : ''
          if (answer !== 'continue') return goOn(reply, await arrivals.leave(name, from))
          const finished = await arrivals.goOn(name, from)
          if (finished.kind !== 'refused') await attempts.forgive(request.ip)
          return sendFinished(reply, finished, at)
        },
      })
    })
