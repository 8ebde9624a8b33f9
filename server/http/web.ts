import proxy from '@fastify/http-proxy'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { makeNonce, pagePolicy } from './security.ts'
import { PASSAGE, passageFor } from './whence.ts'

/** Shown while the web server is away: it comes back by itself, and so does the page. */
const AWAY = `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>Starting</title><p>The pages are starting. This one tries again by itself.</p></html>`

const sendAway = (reply: FastifyReply) =>
  reply.code(503).header('retry-after', '2').header('cache-control', 'no-store').type('text/html').send(AWAY)

/** Hands everything that nobody else answers to the Next server, with a nonce for the scripts and styles of its pages. */
export async function registerWeb(app: FastifyInstance, socket: string): Promise<void> {
  // The proxy tells of every request that it passes on, and of each that fails while the pages start: neither is worth a line.
  await app.register(pages, { logLevel: 'error' })

  async function pages(scope: FastifyInstance): Promise<void> {
    scope.decorateRequest('nonce', '')
    scope.addHook('onRequest', async (request, reply) => {
      const nonce = makeNonce()
      request.nonce = nonce
      reply.header('content-security-policy', pagePolicy(nonce))
    })
    await scope.register(proxy, {
      upstream: `unix+http://${encodeURIComponent(socket)}`,
      httpMethods: ['GET', 'HEAD', 'POST'],
      // Pages are never cached by anybody who does not ask Next: but its hashed files may be kept.
      replyOptions: {
        rewriteRequestHeaders: (request, headers) => ({
          ...headers,
          host: 'localhost',
          'x-nonce': request.nonce,
          [PASSAGE]: passageFor(request as FastifyRequest),
          // Next takes the nonce for its own scripts from here.
          'content-security-policy': pagePolicy(request.nonce),
        }),
        rewriteHeaders: ({ 'content-security-policy': _, 'x-powered-by': __, ...headers }) => headers,
        onError: (reply) => void sendAway(reply as unknown as FastifyReply),
      },
    })
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What the page's scripts and style elements carry. */
    nonce: string
  }
}
