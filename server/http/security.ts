import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { type Config, isLoopback } from '#server/config.ts'
import { Refusal } from '#server/kernel/refusal.ts'

/** Headers of every answer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

/** Of answers that are no pages: nothing in them is ever run or framed. */
export const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"

export const makeNonce = (): string => randomBytes(18).toString('base64')

/** Of pages. Positions that are measured are set as style attributes, which have no nonce. */
export function pagePolicy(nonce: string): string {
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Where other sites make browsers post, and machines do: SAML messages, which prove by themselves who sent them. What
 * answers there never takes the session for a sign of who asks.
 */
const POSTED_ACROSS_SITES: ReadonlySet<string> = new Set([
  ...['/saml/acs', '/saml/slo', '/saml/slo/soap'],
  ...['/saml/idp/sso', '/saml/idp/slo', '/saml/idp/slo/soap'],
])

/** Whether a page of somebody else sent the browser here: neither one of ours nor its person, by an address or a bookmark. */
export function isFromElsewhere({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  const site = headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

/** Hosts by which the console may be called. */
function hostsOf({ host, port, origin }: Config['http']): ReadonlySet<string> {
  const { host: named } = new URL(origin)
  if (isLoopback(host)) {
    const names = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${port}`)
    return new Set([named, ...names])
  }
  return new Set([named])
}

/**
 * Refuses what no page of ours and no honest client sends: a host that is not ours (DNS rebinding), plain http off
 * loopback, and writes that a page of another origin makes a browser send. Throws `Refusal`.
 */
export function requestGuard(http: Config['http']): (request: FastifyRequest) => void {
  const hosts = hostsOf(http)
  const loopback = isLoopback(http.host)
  return (request) => {
    const { headers, method, host } = request
    if (!hosts.has(host)) throw new Refusal('malformed', `${host} is not a name of this console.`)
    if (!loopback && request.protocol !== 'https' && !isLoopback(request.socket.remoteAddress ?? ''))
      throw new Refusal('forbidden', 'Only https is answered here.')
    if (SAFE.has(method)) return
    if (method === 'POST' && POSTED_ACROSS_SITES.has(request.url.split('?')[0] ?? '')) return
    if (isFromElsewhere(request)) throw new Refusal('forbidden', 'A page of another site sent this.')
    const { origin } = headers
    if (origin !== undefined && origin !== http.origin && origin !== `${request.protocol}://${host}`)
      throw new Refusal('forbidden', 'A page of another origin sent this.')
  }
}
