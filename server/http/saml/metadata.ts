import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'

const KEPT_MS = 3_600_000
const MAX_AGE_S = 300

/**
 * Serves metadata. It is made, and signed, once an hour or when its basis changes: whoever asks often costs no signature.
 */
export function serveMetadata(
  scope: FastifyInstance,
  path: string,
  basis: () => Promise<string>,
  make: () => Promise<string>,
): void {
  let kept: { readonly basis: string; readonly xml: Buffer; readonly etag: string; readonly at_ms: number } | undefined
  const current = async () => {
    const now = await basis()
    if (kept?.basis === now && Date.now() - kept.at_ms < KEPT_MS) return kept
    const xml = Buffer.from(await make())
    const etag = `"${createHash('sha256').update(xml).digest('base64url')}"`
    kept = { basis: now, xml, etag, at_ms: Date.now() }
    return kept
  }
  scope.get(path, async (request, reply) => {
    const { xml, etag } = await current()
    reply.headers({ etag, 'cache-control': `public, max-age=${MAX_AGE_S}` })
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    return reply.type('application/samlmetadata+xml').send(xml)
  })
}
