import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { Socket } from 'node:net'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { Registry } from 'prom-client'
import type { Config } from '#server/config.ts'
import { administrationFrom } from '#server/identity/context/administration.ts'
import type { LimitWatch } from '#server/identity/limits.ts'
import { TLS } from '#server/kernel/tls.ts'
import { API_PREFIX, type ApiParts, registerApi } from './api.ts'
import { cookieName, loginCookieName } from './caller.ts'
import type { EventBus } from './events.ts'
import { registerExplorer } from './explorer.ts'
import { registerMetrics } from './metrics.ts'
import { openapiDocument } from './openapi.ts'
import { sendProblem } from './problem.ts'
import { requestRates } from './rates.ts'
import { DATA_POLICY, requestGuard, SECURITY_HEADERS } from './security.ts'
import { listenOnSocket } from './socket.ts'
import { registerStream } from './stream.ts'
import { registerWeb } from './web.ts'

/** What serves paths of its own beside the API: a protocol that has its own forms. */
export type Routes = (app: FastifyInstance, at: RoutesContext) => Promise<void>
export interface RoutesContext {
  /** Names of the session cookie, and of the one that binds a sign-in to its browser. */
  readonly cookie: string
  readonly loginCookie: string
  readonly product: Config['product']
}

export interface AppParts extends Omit<ApiParts, 'cookie' | 'loginCookie' | 'rates' | 'administration'> {
  readonly config: Pick<Config, 'http' | 'web' | 'instance' | 'product' | 'rates' | 'administration'>
  readonly events: EventBus
  /** Told when a limit on requests is reached. */
  readonly limits: LimitWatch
  readonly metrics: Registry
  /** Whether the engine can work: each part by name. */
  readonly health: () => Promise<Readonly<Record<string, boolean>>>
  readonly log: FastifyBaseLogger
  readonly routes?: readonly Routes[]
}

/** Browsers that came once by https come by nothing else for a year, to the console's name and to those below it. */
const STRICT_TRANSPORT = 'max-age=31536000; includeSubDomains'

/** Answered whatever name they are called by: machines ask them by address. */
const UNGUARDED = new Set(['/health', '/metrics'])

/** The server that people reach, and the one on the UNIX socket, which answers the web server. */
function serversOf({ http }: AppParts['config']) {
  const { tls } = http
  let inner: Server | undefined
  const serverFactory = (handler: RequestListener): Server => {
    inner ??= createServer(handler).on('connection', fromHere)
    if (!tls) return createServer(handler)
    const files = { cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }
    return createSecureServer({ ...files, ...TLS, honorCipherOrder: true }, handler)
  }
  const listenInside = async () => inner && listenOnSocket(inner, http.socket)
  const close = () => {
    inner?.close()
    inner?.closeAllConnections()
  }
  return { serverFactory, listenInside, close }
}

/** A UNIX socket has no address: whoever opens it is on this machine. */
const fromHere = (socket: Socket) => Object.defineProperty(socket, 'remoteAddress', { value: '127.0.0.1' })

function registerHealth(app: FastifyInstance, { health, config }: AppParts): void {
  app.get('/health', async (_request, reply) => {
    const parts = await health()
    const well = Object.values(parts).every(Boolean)
    reply
      .code(well ? 200 : 503)
      .header('cache-control', 'no-store')
      .header('content-security-policy', DATA_POLICY)
    return { status: well ? 'ok' : 'failing', version: config.product.version, instance: config.instance, parts }
  })
}

/** The HTTP server in front of everything: the API, events, metrics, health; all else goes to the web server. */
export async function createApp(parts: AppParts): Promise<FastifyInstance> {
  const { config, log } = parts
  const servers = serversOf(config)
  const secure = (reply: FastifyReply) => {
    reply.headers(SECURITY_HEADERS).header('content-security-policy', DATA_POLICY)
    if (config.http.origin.startsWith('https:')) reply.header('strict-transport-security', STRICT_TRANSPORT)
    return reply
  }
  const app = Fastify({
    serverFactory: servers.serverFactory,
    trustProxy: config.http.trustedProxies.length > 0 ? [...config.http.trustedProxies] : false,
    ...{ loggerInstance: log, logController: new LogController({ disableRequestLogging: true }) },
    forceCloseConnections: true,
    // What is refused before there is a route, such as an address that cannot be decoded: no hook has run then.
    frameworkErrors: (error, request, reply) =>
      void sendProblem(error, request as FastifyRequest, secure(reply as unknown as FastifyReply)),
    ...{ requestTimeout: 120_000, routerOptions: { maxParamLength: 200 } },
  }) as unknown as FastifyInstance
  app.addHook('onListen', servers.listenInside)
  app.addHook('onClose', async () => servers.close())
  const guard = requestGuard(config.http)
  app.setErrorHandler(sendProblem)
  app.addHook('onRequest', async (request, reply) => {
    secure(reply)
    if (!UNGUARDED.has(request.url.split('?')[0] ?? '')) guard(request)
  })
  registerMetrics(app, parts.metrics, parts.events, config.http.metricsToken)
  registerHealth(app, parts)
  const cookie = cookieName(config.instance)
  const loginCookie = loginCookieName(config.instance)
  const document = JSON.stringify(await openapiDocument(config.product))
  app.get(`${API_PREFIX}/openapi.json`, (_request, reply) => reply.type('application/json').send(document))
  registerExplorer(app, config.product.name)
  registerStream(app, { events: parts.events, sessions: parts.sessions, decisions: parts.decisions, cookie })
  const administration = administrationFrom(config.administration)
  await registerApi(app, {
    ...parts,
    cookie,
    loginCookie,
    rates: requestRates(config.rates, parts.limits),
    administration,
  })
  const at = { cookie, loginCookie, product: config.product }
  for (const routes of parts.routes ?? []) await routes(app, at)
  await registerWeb(app, config.web.socket)
  return app
}
