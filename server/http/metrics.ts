import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { isLoopback } from '#server/config.ts'
import { Refusal } from '#server/kernel/refusal.ts'
import type { EventBus } from './events.ts'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** What proxies add: a request with one of these comes from somewhere else than its connection does. */
const FORWARDED = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'forwarded', 'via'] as const

/** Whether the request may read the metrics: from loopback itself (not through a proxy), or with the token. */
function mayRead(request: FastifyRequest, token: string | undefined): boolean {
  const [, bearer] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (token !== undefined) return bearer !== undefined && timingSafeEqual(digest(bearer), digest(token))
  return (
    isLoopback(request.socket.remoteAddress ?? '') && FORWARDED.every((name) => request.headers[name] === undefined)
  )
}

/** A registry with what Node says of itself; every part of the engine adds its own. */
export function metricsRegistry(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'weft_' })
  return registry
}

/** Measures every request and answers `/metrics`. */
export function registerMetrics(
  app: FastifyInstance,
  registry: Registry,
  events: EventBus,
  token: string | undefined,
): void {
  const duration = new Histogram({
    ...{ name: 'weft_http_request_seconds', help: 'Time to answer', registers: [registry] },
    ...{ labelNames: ['method', 'route', 'status'], buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5] },
  })
  new Gauge({
    ...{ name: 'weft_event_listeners', help: 'Clients that follow /events', registers: [registry] },
    collect() {
      this.set(events.listeners)
    },
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    duration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
  })
  app.get('/metrics', async (request, reply) => {
    if (!mayRead(request, token)) throw new Refusal('forbidden', 'Metrics are read from loopback, or with the token.')
    return reply.type(registry.contentType).send(await registry.metrics())
  })
}
