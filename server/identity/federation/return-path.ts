const LENGTH_MAX = 1_024
const BASE = 'http://weft.invalid'
/** Whatever is not a page: nobody is sent on to where a message or a machine is expected. */
const NO_PAGES = /^\/(?:saml|oidc|scim|api|metrics|health)(?:[/?#]|$)/i

/** Where a console's sign-in goes on, once its person is back: the one address of SAML that is a page to go on to. */
export const CONTINUE = '/saml/idp/continue'
export const continueAt = (handle: string): string => `${CONTINUE}?request=${handle}`

/** The handle in the address at which a console's sign-in goes on; undefined: it is another address. */
export const handleIn = (path: string): string | undefined =>
  /^\/saml\/idp\/continue\?request=(_[0-9a-f]{40})$/.exec(path)?.[1]

/**
 * A path of this origin to go on to after sign-in; undefined for everything else: another origin in any spelling, what
 * holds a backslash or a control character, and what is no page.
 */
export function pagePath(text: string): string | undefined {
  if (handleIn(text) !== undefined) return text
  if (text.length > LENGTH_MAX || !/^\/[\x21-\x5b\x5d-\x7e]*$/.test(text)) return undefined
  const url = URL.parse(text, BASE)
  if (url?.origin !== BASE) return undefined
  // As a browser would resolve it: `/.//host` is a path that becomes another origin's address.
  const path = `${url.pathname}${url.search}${url.hash}`
  return path.startsWith('//') || NO_PAGES.test(path) ? undefined : path
}

/** What is neither a path nor an address: a handle of the provider's own, which says nothing to us. */
export const isHandle = (text: string): boolean => /^[\w.=-]{0,128}$/.test(text)
