import type { FastifyReply } from 'fastify'
import type { Posted } from '#server/identity/federation/console-answer.ts'
import { makeNonce } from '../security.ts'
import { escaped, pageOf, STYLE_SOURCE } from './pages.ts'

const SCRIPT = 'document.forms[0].submit()'

/** Of a page that does one thing: it sends its form to that one origin. */
const policyOf = (acsUrl: string, nonce: string): string =>
  [
    "default-src 'none'",
    `style-src ${STYLE_SOURCE}`,
    `script-src 'nonce-${nonce}'`,
    `form-action ${new URL(acsUrl).origin}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

const field = (name: string, value: string) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`

/** Makes the browser post a response to a console: by itself, or by a press of the button where scripts do not run. */
export function sendPostPage(
  reply: FastifyReply,
  product: string,
  console: string,
  { acsUrl, response, relayState }: Posted,
): FastifyReply {
  const nonce = makeNonce()
  const fields = [field('SAMLResponse', response), ...(relayState === null ? [] : [field('RelayState', relayState)])]
  const body = `<form method="post" action="${escaped(acsUrl)}">${fields.join('')}
<p>You are being taken there. If nothing happens, go on by hand.</p><p><button type="submit">Go on to ${escaped(console)}</button></p></form>
<script nonce="${nonce}">${SCRIPT}</script>`
  return reply
    .code(200)
    .headers({ 'content-security-policy': policyOf(acsUrl, nonce), 'cache-control': 'no-store' })
    .type('text/html; charset=utf-8')
    .send(pageOf(`Going to ${console}`, product, body))
}
