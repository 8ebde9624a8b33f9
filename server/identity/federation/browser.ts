import { createHash, randomBytes } from 'node:crypto'

/** The cookie that binds what is under way to one browser: 256 random bits there, their hash here. */
export interface BrowserMark {
  readonly cookie: string
  readonly hash: string
}

const COOKIE = /^[A-Za-z0-9_-]{43}$/
const hashOf = (cookie: string) => createHash('sha256').update(cookie).digest('hex')

/** The mark that a browser has, or a new one. */
export function browserMark(held: string | undefined): BrowserMark {
  const cookie = held !== undefined && COOKIE.test(held) ? held : randomBytes(32).toString('base64url')
  return { cookie, hash: hashOf(cookie) }
}

/** Whether the cookie is the one of the browser that something was begun by. */
export const isBrowser = (hash: string, cookie: string | undefined): boolean =>
  cookie !== undefined && hashOf(cookie) === hash
