import { Refusal } from '#server/kernel/refusal.ts'
import type { Caller } from './sessions.ts'

/** Where somebody goes to prove anew who they are; null: here, by `POST /session/step-up`. */
export function stepUpPath({ account, method }: Pick<Caller, 'account' | 'method'>): string | null {
  if (account.providerId === null) return null
  const protocol = method.startsWith('oidc') ? 'oidc' : 'saml'
  return `/${protocol}/login?idp=${account.providerId}&purpose=step-up`
}

const mendFor = (caller: Caller): string => {
  const path = stepUpPath(caller)
  return path === null
    ? 'Send the password (and code) or a passkey to POST /session/step-up, then this again.'
    : `Open ${path} in the browser that is signed in, then send this again.`
}

/**
 * Lets a dangerous act through where its person proved lately who they are, and nothing has changed since. Throws `Refusal`
 * (`step-up-required`).
 */
export function requireFresh(caller: Caller, now_ms: number): void {
  const { token, signals, freshUntil_ms } = caller
  if (token || (signals.length === 0 && now_ms < freshUntil_ms)) return
  const why = signals.map(({ words }) => words).join('; ')
  const message = `This needs a fresh proof of who you are${why === '' ? '' : ` (${why})`}.`
  throw new Refusal('step-up-required', message, [{ pointer: '', rule: 'step-up', message, mend: mendFor(caller) }])
}

/** Some things only a person does, whatever rights a token has. Throws `Refusal` (`forbidden`). */
export function requirePerson({ token, account }: Caller): void {
  if (!token) return
  const message = 'A token does not act for its owner here.'
  throw new Refusal('forbidden', message, [
    { pointer: '', rule: 'person', message, mend: `Sign in as ${account.name}.` },
  ])
}
