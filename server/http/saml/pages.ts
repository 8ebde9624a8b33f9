import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import type { SamlReason } from '#server/identity/saml/result.ts'

const STYLE = `:root{color-scheme:light dark}body{margin:0;font:15px/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:12vh auto;padding:0 1.5rem}h1{font-size:1.25rem}code{font-size:1.05em}`

/** What a policy names the style of these pages by. */
export const STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`

/** Of pages that show a few words and nothing else. */
const POLICY = [
  "default-src 'none'",
  `style-src ${STYLE_SOURCE}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** As text in HTML, or in an attribute. */
export const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/** A page of a few words, with the style that `STYLE_SOURCE` names. */
export const pageOf = (title: string, product: string, body: string) =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)} · ${escaped(product)}</title><style>${STYLE}</style></head>
<body><main><h1>${escaped(title)}</h1>${body}</main></body></html>`

const send = (reply: FastifyReply, status: number, html: string) =>
  reply
    .code(status)
    .headers({ 'content-security-policy': POLICY, 'cache-control': 'no-store' })
    .type('text/html; charset=utf-8')
    .send(html)

/** What did not work, for those who see it. */
export type Attempt = 'sign-in' | 'sign-out'
const REFUSED: Readonly<Record<Attempt, { readonly title: string; readonly words: string }>> = {
  'sign-in': { title: 'You are not signed in', words: 'Signing in did not work' },
  'sign-out': { title: 'You may still be signed in', words: 'Signing out did not work' },
}

/**
 * The one page for everything that is refused: whoever tries must not learn what was wrong with it. The reference leads
 * those who may read the audit log to the reason.
 */
export function sendRefusalPage(
  reply: FastifyReply,
  status: number,
  product: string,
  reference?: string,
  attempt: Attempt = 'sign-in',
): FastifyReply {
  const { title, words } = REFUSED[attempt]
  const told = reference === undefined ? '' : ` and tell them this reference: <code>${escaped(reference)}</code>`
  // The page of sign-in goes on showing it.
  const back = reference === undefined || attempt !== 'sign-in' ? '/sign-in' : `/sign-in?error=${reference}`
  const body = `<p>${words}. Try again; if it happens again, ask your administrator${told}.</p>
<p><a href="${back}">Back to sign-in</a></p>`
  return send(reply, status, pageOf(title, product, body))
}

/** Where a test sign-in ends. */
export const sendTestPage = (reply: FastifyReply, product: string): FastifyReply =>
  send(
    reply,
    200,
    pageOf(
      'The provider has answered',
      product,
      '<p>What was checked is shown where the test began. This page may be closed.</p>',
    ),
  )

/** Messages that are no messages; anything else could have been one, but is not to be believed. */
const MALFORMED: ReadonlySet<SamlReason> = new Set<SamlReason>([
  ...(['too-large', 'not-base64', 'inflate-limit', 'inflate', 'query-encoding', 'query-order', 'binding'] as const),
  ...([
    'duplicate-parameter',
    'relay-state',
    'doctype',
    'processing-instruction',
    'comment',
    'cdata',
    'depth',
  ] as const),
  ...(['count', 'not-xml', 'duplicate-id', 'wrong-root', 'schema', 'version', 'soap', 'soap-fault'] as const),
])

/** The HTTP status of a refusal: 400, 403, or 500 where the fault is ours. */
export const statusOf = (reason: SamlReason): number => (reason === 'fault' ? 500 : MALFORMED.has(reason) ? 400 : 403)
