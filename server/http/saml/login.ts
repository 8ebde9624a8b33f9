import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ProviderRecord } from '#server/identity/federation/ports.ts'
import { REQUEST_LIFE_MS, type Wish } from '#server/identity/federation/wish.ts'
import type { RoutesContext } from '../app.ts'
import { callerOf, cookieOf, loginCookie } from '../caller.ts'
import { isFromElsewhere } from '../security.ts'
import { sendRefusalPage, statusOf } from './pages.ts'
import type { LoginParts } from './parts.ts'

/** Query parameters; one that is there twice is not there. */
const textOf = (request: FastifyRequest, name: string): string | undefined => {
  const value = (request.query as Record<string, unknown>)[name]
  return typeof value === 'string' && value.length <= 2_048 ? value : undefined
}

interface Asked {
  readonly provider: ProviderRecord | undefined
  readonly wish: Wish
}

/** `?test=NAME`: a test that somebody with the right to it began. */
async function testAsked({ tests, providers }: LoginParts, name: string): Promise<Asked> {
  const test = tests.find(name)
  const provider = test && (await providers.byId(test.providerId))
  return { provider, wish: { purpose: 'test', ...(test && { test: { name, accountId: test.accountId } }) } }
}

/** `?idp=NAME|ID&returnTo=PATH`; with `&purpose=step-up` whoever is signed in has to prove it anew. */
async function signInAsked(parts: LoginParts, request: FastifyRequest, at: RoutesContext): Promise<Asked> {
  const idp = textOf(request, 'idp') ?? ''
  const provider = (await parts.providers.byName(idp)) ?? (await parts.providers.byId(idp))
  const caller = await callerOf(request, at.cookie, parts.sessions)
  const purpose = textOf(request, 'purpose') === 'step-up' ? 'step-up' : 'sign-in'
  const returnTo = textOf(request, 'returnTo')
  // Whoever is on the way to a console is asked what the console wants to know.
  const onBehalf = await parts.consoles.wish(returnTo, cookieOf(request.headers.cookie, at.loginCookie))
  return { provider, wish: { purpose, caller, returnTo, unbidden: isFromElsewhere(request), ...onBehalf } }
}

/** Sends the browser to a provider, with the request in the address and a cookie that it comes back with. */
export function serveLogin(scope: FastifyInstance, path: string, parts: LoginParts, at: RoutesContext): void {
  scope.route({
    ...{ method: 'GET', url: path, exposeHeadRoute: false },
    onRequest: (request) => parts.begins.count(request.ip),
    handler: async (request, reply) => {
      const test = textOf(request, 'test')
      const { provider, wish } =
        test === undefined ? await signInAsked(parts, request, at) : await testAsked(parts, test)
      const browser = cookieOf(request.headers.cookie, at.loginCookie)
      const begun = await parts.signIn.begin(provider, { ...wish, browser }, request.ip)
      if (!begun.ok) return sendRefusalPage(reply, statusOf(begun.reason), at.product.name, begun.reference)
      return sendTo(reply, begun.url, loginCookie(at.loginCookie, begun.browser, REQUEST_LIFE_MS / 1000))
    },
  })
}

const sendTo = (reply: FastifyReply, url: string, cookie: string) =>
  reply.header('set-cookie', cookie).code(303).header('location', url).send()
