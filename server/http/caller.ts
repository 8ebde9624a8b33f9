import type { FastifyRequest } from 'fastify'
import { DEFAULT_INSTANCE } from '#server/config.ts'
import type { Caller, Sessions } from '#server/identity/sessions.ts'
import { whenceOf } from './whence.ts'

/** Cookies know no ports: two instances on one host keep apart by name. */
export const cookieName = (instance: string): string =>
  instance === DEFAULT_INSTANCE ? '__Host-weft' : `__Host-weft-${instance}`

/** The cookie that binds requests for sign-in to one browser. */
export const loginCookieName = (instance: string): string =>
  instance === DEFAULT_INSTANCE ? '__Host-weft-login' : `__Host-weft-login-${instance}`

/** A provider posts its answer from its own site: such a request brings only cookies that say SameSite=None. */
export const loginCookie = (name: string, value: string, maxAge_s: number): string =>
  `${name}=${value}; Path=/; Max-Age=${Math.floor(maxAge_s)}; HttpOnly; Secure; SameSite=None`

/** The cookie that keeps a session id in a browser, or makes it forget. */
export function sessionCookie(name: string, id: string | null, maxAge_s: number): string {
  const life = id === null ? 0 : Math.max(0, Math.floor(maxAge_s))
  return `${name}=${id ?? ''}; Path=/; Max-Age=${life}; HttpOnly; Secure; SameSite=Lax`
}

/** The value of a cookie in a `Cookie` header. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=')
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}

/** The session id or API token that a request carries: as a bearer (command line, scripts) or in the cookie (browser). */
export function sessionIdOf({ headers }: FastifyRequest, cookie: string): string | undefined {
  const bearer = /^Bearer ([A-Za-z0-9_-]+)$/i.exec(headers.authorization ?? '')?.[1]
  return bearer ?? cookieOf(headers.cookie, cookie)
}

/** Who sends the request; undefined: nobody who is known. */
export async function callerOf(
  request: FastifyRequest,
  cookie: string,
  sessions: Pick<Sessions, 'find'>,
): Promise<Caller | undefined> {
  const id = sessionIdOf(request, cookie)
  return id === undefined ? undefined : sessions.find(id, whenceOf(request))
}
