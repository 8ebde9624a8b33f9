/** What somebody signed in with here the last time: a local account, or a provider. Kept in this browser alone. */
export type LastUsed =
  | 'local'
  | { readonly protocol: 'saml' | 'oidc'; readonly name: string; readonly displayName: string }

export const LAST_USED = '__Secure-weft-last-sign-in'
const YEAR_S = 31_536_000
const PROVIDER = /^(saml|oidc)~([a-z0-9-]{1,63})~(.{1,100})$/

/** Reads what was kept; anything else is nothing. */
export function readLastUsed(text: string | undefined): LastUsed | null {
  if (text === 'local') return 'local'
  const [, protocol, name, displayName] = PROVIDER.exec(text ?? '') ?? []
  if (!name || !displayName) return null
  return { protocol: protocol === 'oidc' ? 'oidc' : 'saml', name, displayName }
}

export function keepLastUsed(used: LastUsed): void {
  const text = used === 'local' ? used : `${used.protocol}~${used.name}~${used.displayName}`
  // biome-ignore lint/suspicious/noDocumentCookie: the server reads it, so that the page opens as it stays
  document.cookie = `${LAST_USED}=${encodeURIComponent(text)}; Path=/sign-in; Max-Age=${YEAR_S}; SameSite=Lax; Secure`
}

/** Where sign-in at a provider begins, and the page that it leads back to. */
export const loginAt = (provider: { readonly protocol: string; readonly name: string }, next: string): string =>
  `/${provider.protocol}/login?idp=${encodeURIComponent(provider.name)}&returnTo=${encodeURIComponent(next)}`
