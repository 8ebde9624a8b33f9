/** What a person's browser shows: the page where the redirects ended, or the address where the test stopped them. */
export interface Page {
  readonly url: string
  /** 0 when the address was only reached, not asked. */
  readonly status: number
  readonly html: string
  readonly headers: Headers
}

export interface Browsing {
  /** What it sends to that address as its `Cookie`. */
  cookieFor(url: string): string
  /** Follows redirects; stops before asking an address that begins with `stopAt`. */
  open(url: string, options?: { readonly stopAt?: string }): Promise<Page>
  /** Sends a form. */
  send(url: string, fields: Readonly<Record<string, string>>, options?: { readonly stopAt?: string }): Promise<Page>
  /** Sends the page's own form, as its script or a press of its button would, with `fields` over what it holds. */
  submit(page: Page, fields?: Readonly<Record<string, string>>, options?: { readonly stopAt?: string }): Promise<Page>
}

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' }
const plain = (text: string) =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, name?: string) =>
    name !== undefined
      ? (ENTITIES[name] ?? whole)
      : String.fromCodePoint(Number.parseInt(hex ?? decimal ?? '', hex ? 16 : 10)),
  )

const attributeOf = (tag: string, name: string): string | undefined => {
  const value = new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'i').exec(tag)
  return value ? plain(value[1] ?? value[2] ?? '') : undefined
}

/** The fields of the page's first form with their values. */
export function fieldsOf(html: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [tag] of (formOf(html) ?? '').matchAll(/<input[^>]*>/gi)) {
    const name = attributeOf(tag, 'name')
    if (name !== undefined && attributeOf(tag, 'type') !== 'submit') fields[name] = attributeOf(tag, 'value') ?? ''
  }
  return fields
}

const formOf = (html: string) => /<form[\s\S]*?<\/form>/i.exec(html)?.[0]

/** Where the page's first form goes. */
export function actionOf(page: Page): string {
  const form = formOf(page.html)
  if (form === undefined) throw new Error(`no form at ${page.url} (${page.status}): ${textOf(page.html).slice(0, 800)}`)
  return new URL(attributeOf(/<form[^>]*>/i.exec(form)?.[0] ?? '', 'action') ?? '', page.url).href
}

/** The words of a page. */
export const textOf = (html: string) =>
  plain(html.replace(/<(script|style|head)[\s\S]*?<\/\1>/g, '').replace(/<[^>]+>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim()

const HOPS = 20

/** A browser without scripts. Cookies go to every port of the host that set them, as in real ones. */
export function startBrowsing(): Browsing {
  const cookies = new Map<string, Map<string, string>>()
  const keep = (host: string, headers: Headers) => {
    const jar = cookies.get(host) ?? new Map<string, string>()
    cookies.set(host, jar)
    for (const line of headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (name === undefined) continue
      const gone = /;\s*max-age=0|;\s*expires=thu, 01.jan.1970/i.test(line)
      if (gone) jar.delete(name)
      else jar.set(name, value ?? '')
    }
  }
  const cookieFor = (url: string) =>
    [...(cookies.get(new URL(url).hostname) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
  const go = async (url: string, init: RequestInit, stopAt: string | undefined): Promise<Page> => {
    let [at, request] = [url, init]
    for (let hop = 0; hop < HOPS; hop++) {
      if (stopAt !== undefined && at.startsWith(stopAt)) return { url: at, status: 0, html: '', headers: new Headers() }
      const { hostname } = new URL(at)
      const cookie = cookieFor(at)
      const response = await fetch(at, { ...request, redirect: 'manual', headers: { cookie } })
      keep(hostname, response.headers)
      const html = await response.text()
      const next = response.headers.get('location')
      if (response.status < 300 || response.status > 399 || next === null)
        return { url: at, status: response.status, html, headers: response.headers }
      at = new URL(next, at).href
      request = {}
    }
    throw new Error(`more than ${HOPS} redirects from ${url}, now at ${at}`)
  }
  const send: Browsing['send'] = (url, fields, options) =>
    go(url, { method: 'POST', body: new URLSearchParams(fields) }, options?.stopAt)
  return {
    cookieFor,
    open: (url, options) => go(url, {}, options?.stopAt),
    send,
    submit: (page, fields = {}, options) => send(actionOf(page), { ...fieldsOf(page.html), ...fields }, options),
  }
}

/**
 * Signs in on SimpleSAMLphp's form where `page` shows it, and answers the page after it: the one that carries the
 * response to the service provider. Somebody who is signed in there already is on that page.
 */
export const passSimpleSamlForm = async (
  browsing: Browsing,
  page: Page,
  username: string,
  password: string,
): Promise<Page> => ('AuthState' in fieldsOf(page.html) ? browsing.submit(page, { username, password }) : page)

/** Says at the door of Weft, where the browser is then, that its person wants to come in. */
export function comeIn(browsing: Browsing, { url }: Page): Promise<Page> {
  const { origin, pathname, searchParams } = new URL(url)
  if (pathname !== '/sign-in/arrival') throw new Error(`${url} is not the door`)
  return browsing.send(`${origin}${pathname}`, { id: searchParams.get('id') ?? '', answer: 'continue' })
}

/** The message that a page posts: `SAMLResponse` or `SAMLRequest` decoded, where it goes, and its RelayState. */
export function postedMessage(page: Page): {
  xml: string
  action: string
  encoded: string
  relayState: string | undefined
} {
  const fields = fieldsOf(page.html)
  const encoded = fields.SAMLResponse ?? fields.SAMLRequest
  if (encoded === undefined)
    throw new Error(`no SAML message at ${page.url} (${page.status}): ${textOf(page.html).slice(0, 800)}`)
  return {
    xml: Buffer.from(encoded, 'base64').toString(),
    encoded,
    action: actionOf(page),
    relayState: fields.RelayState,
  }
}
