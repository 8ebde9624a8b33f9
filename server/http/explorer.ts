import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { API_PREFIX } from './api.ts'
import { escaped } from './saml/pages.ts'

const PATH = '/docs'
const DOCUMENT = `${API_PREFIX}/openapi.json`

/** The explorer has pictures in its style. It compiles no code, sends no form, and speaks to nobody but this console. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The theme is the console's: what was chosen there, else the system's. Nothing is kept here, neither tokens nor answers. */
const SCRIPT = `const chosen = localStorage.getItem('theme') ?? 'system'
const system = matchMedia('(prefers-color-scheme: dark)')
const paint = () =>
  document.documentElement.classList.toggle('dark-mode', chosen === 'dark' || (chosen === 'system' && system.matches))
paint()
system.addEventListener('change', paint)
addEventListener('DOMContentLoaded', () => {
  SwaggerUIBundle({
    url: '${DOCUMENT}',
    dom_id: '#explorer',
    deepLinking: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    filter: true,
    persistAuthorization: false,
    queryConfigEnabled: false,
    showExtensions: true,
    validatorUrl: null,
  })
})
`

const STYLE = `:root { color-scheme: light; --ground: #f5f7f8; --ink: #12181d; --line: #e1e6ea; --accent: #0b6485 }
:root.dark-mode { color-scheme: dark; --ground: #0c1013; --ink: #e9edf0; --line: #242c33; --accent: #5cb8dc }
html.dark-mode, body { background: var(--ground) }
body { margin: 0; color: var(--ink); font: 13px/1.5 ui-sans-serif, system-ui, 'Liberation Sans', sans-serif }
body > header { display: flex; flex-wrap: wrap; gap: 4px 20px; padding: 12px 20px; border-bottom: 1px solid var(--line) }
body > header a, noscript a { color: var(--accent) }
noscript p { padding: 0 20px }
.dark-mode .swagger-ui { background: none }
.swagger-ui .info { margin: 16px 0 0 }
.swagger-ui .info .title { font-size: 22px }
.swagger-ui .info .link, .swagger-ui .servers-title, .swagger-ui .servers { display: none }
.swagger-ui .scheme-container { margin: 0; padding: 0; box-shadow: none; background: none }
.swagger-ui .filter .operation-filter-input { margin: 12px 0; max-width: 420px }
`

const page = (product: string) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>API · ${escaped(product)}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="${PATH}/swagger-ui.css"><link rel="stylesheet" href="${PATH}/page.css">
<script src="${PATH}/page.js"></script><script src="${PATH}/swagger-ui-bundle.js" defer></script></head>
<body><header><a href="/">${escaped(product)}</a><a href="${DOCUMENT}">openapi.json</a>
<span>Requests are sent as who is signed in here.</span></header>
<main id="explorer"><noscript><p>The explorer needs JavaScript; <a href="${DOCUMENT}">openapi.json</a> says the same.</p></noscript></main>
</body></html>`

const FILES = {
  'swagger-ui.css': ['text/css', import.meta.resolve('swagger-ui-dist/swagger-ui.css')],
  'swagger-ui-bundle.js': ['text/javascript', import.meta.resolve('swagger-ui-dist/swagger-ui-bundle.js')],
} as const

/** `/docs`: every procedure of the API to read, and to try as who is signed in; all of it is served from here. */
export function registerExplorer(app: FastifyInstance, product: string): void {
  const serve = (path: string, type: string, body: () => string | Promise<Buffer>) =>
    app.get(path, async (_request, reply) =>
      reply
        .headers({ 'content-security-policy': POLICY, 'cache-control': 'no-cache' })
        .type(`${type}; charset=utf-8`)
        .send(await body()),
    )
  const html = page(product)
  serve(PATH, 'text/html', () => html)
  serve(`${PATH}/page.css`, 'text/css', () => STYLE)
  serve(`${PATH}/page.js`, 'text/javascript', () => SCRIPT)
  for (const [name, [type, url]] of Object.entries(FILES)) {
    let kept: Promise<Buffer> | undefined
    serve(`${PATH}/${name}`, type, () => {
      kept ??= readFile(fileURLToPath(url))
      return kept
    })
  }
  app.get(`${PATH}/`, (_request, reply) => reply.redirect(PATH))
}
