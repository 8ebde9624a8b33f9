import { type AuthnRequestInput, checkAuthnRequest } from '../saml/authn-request.ts'
import { readPost } from '../saml/post.ts'
import type { OwnIdp } from '../saml/provider.ts'
import { readRedirect } from '../saml/redirect.ts'
import { issuerOf } from '../saml/response.ts'
import { refuse, type Trail } from '../saml/result.ts'
import type { ConsoleDescriptions } from './console-descriptions.ts'
import type { Asked, ConsoleDirectory, ConsoleRecord } from './console-ports.ts'
import type { SignInRequestStore } from './ports.ts'

/** A message as a browser brings it. */
export type Carried =
  /** The query as it came, percent encodings and all. */
  | { readonly binding: 'redirect'; readonly rawQuery: string }
  | { readonly binding: 'post'; readonly fields: Readonly<Record<string, unknown>> }

export interface ReceiveParts {
  readonly own: OwnIdp
  readonly consoles: Pick<ConsoleDirectory, 'byEntity'>
  readonly descriptions: ConsoleDescriptions
  readonly requests: Pick<SignInRequestStore, 'firstTime'>
}

/** Requests are remembered a little longer than they could be used. */
const MARGIN_MS = 60_000

const arrivalOf = (carried: Carried): AuthnRequestInput['arrival'] =>
  carried.binding === 'redirect' ? carried : { binding: 'post' }

/** The console of which a message says that it is from it. Refuses inside `checkingLater`. */
export async function consoleFor(
  { consoles }: Pick<ReceiveParts, 'consoles'>,
  issuer: string,
  seen: { console?: ConsoleRecord },
): Promise<ConsoleRecord> {
  const console = await consoles.byEntity(issuer)
  if (!console) return refuse('unknown-provider', `${issuer.slice(0, 200)} is no console here.`)
  seen.console = console
  return refuseClosed(console)
}

export function refuseClosed(console: ConsoleRecord): ConsoleRecord {
  if (console.state !== 'open') refuse('provider-closed', `${console.displayName} is closed.`)
  return console
}

/** Checks a console's request in full and uses it up: it is signed, whole, of now, and here for the first time. Refuses inside `checkingLater`. */
export async function receiveRequest(
  parts: ReceiveParts,
  carried: Carried,
  now_ms: number,
  trail: Trail,
  seen: { console?: ConsoleRecord },
): Promise<{ readonly console: ConsoleRecord; readonly asked: Asked }> {
  const message = trail.take(carried.binding === 'redirect' ? readRedirect(carried.rawQuery) : readPost(carried.fields))
  if (message.kind !== 'request') refuse('binding', 'This takes requests, not responses.')
  const console = await consoleFor(parts, trail.take(issuerOf(message.xml)), seen)
  const sp = trail.take(parts.descriptions(console, now_ms))
  const request = trail.take(
    checkAuthnRequest(message.xml, {
      ...{ sp, own: parts.own, arrival: arrivalOf(carried), now_ms },
      // As our metadata say: a request that anybody can write must not decide what a person is asked.
      requireSigned: true,
    }),
  )
  if (!(await parts.requests.firstTime('authn-request', console.id, request.id, request.acceptedUntil_ms + MARGIN_MS)))
    refuse('replay', 'The request was here before.')
  const { id, acsUrl, forceAuthn, isPassive, allowCreate, idpList, requesterIds } = request
  const asked: Asked = {
    ...{ id, acsUrl, forceAuthn, isPassive, allowCreate, idpList, requesterIds, begun_ms: now_ms },
    relayState: message.relayState ?? null,
    authnContext: request.requestedAuthnContext ?? null,
    nameIdFormat: request.nameIdFormat ?? null,
    proxyCount: request.proxyCount ?? null,
    subject: request.subject ?? null,
  }
  return { console, asked }
}
