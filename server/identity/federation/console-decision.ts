import { meetsAuthnContext } from '../saml/authn-context.ts'
import type { IdpRefusal } from '../saml/idp-response.ts'
import { NAME_ID } from '../saml/names.ts'
import type { Caller } from '../sessions.ts'
import { mayUse } from './console-access.ts'
import type { Asked, ConsoleRecord, ConsoleRequest } from './console-ports.ts'

/** Who is there, and how they came to be known. */
export interface Present {
  readonly caller: Caller
  /** The provider that vouched for them; undefined: they signed in with what is kept here. */
  readonly upstream: Upstream | undefined
  /** Class references for how they signed in, the strongest first; all of them are true. */
  readonly contexts: readonly string[]
}

export interface Upstream {
  readonly entityId: string
  readonly skew_ms: number
  /** Providers behind it that had a part in the sign-in. */
  readonly authorities: readonly string[]
  /** To how many further providers it may be passed on; null: any number. */
  readonly proxyCount: number | null
}

export interface Situation {
  readonly console: ConsoleRecord
  readonly request: Pick<ConsoleRequest, 'asked' | 'sent' | 'sessionHash'>
  readonly present: Present | undefined
  /** The console's name for who is there, if it has one. */
  readonly name: string | undefined
  /** Which identity providers may be asked. */
  readonly welcome: Welcome
  /** A provider that was asked has said no. */
  readonly refused: boolean
}

export type Welcome =
  | { readonly kind: 'any' }
  /** Entity ids, of which there is one at least. */
  | { readonly kind: 'some'; readonly entityIds: readonly string[] }
  | { readonly kind: 'none' }

export type ConsoleReason =
  | 'name-id'
  | 'no-available-idp'
  | 'upstream-refused'
  | 'proxy-count'
  | 'passive'
  | 'authn-context'
  | 'too-many-tries'
  | 'no-access'
  | 'other-person'

export type Decision =
  | { readonly kind: 'answer'; readonly present: Present; readonly authnContext: string }
  /** `fresh`: whoever is signed in has to prove it anew. */
  | { readonly kind: 'sign-in'; readonly fresh: boolean }
  | {
      readonly kind: 'refuse'
      readonly refusal: IdpRefusal
      readonly reason: ConsoleReason
      readonly detail: string
    }

/** How often somebody is sent away to sign in before the console is told that it does not work. */
const SENT_MAX = 5

const refuse = (refusal: IdpRefusal, reason: ConsoleReason, detail: string): Decision => ({
  ...{ kind: 'refuse', refusal, reason, detail },
})

/** Whether somebody has proved who they are since the console asked. */
function isFresh({ asked, sent, sessionHash }: Situation['request'], { caller, upstream }: Present): boolean {
  if (caller.authenticatedAt_ms >= asked.begun_ms) return true
  // The provider's clock may be behind, for a session that began since.
  const since = sent > 0 && caller.session !== sessionHash
  return since && upstream !== undefined && caller.authenticatedAt_ms >= asked.begun_ms - upstream.skew_ms
}

/** The strongest of what is true of a sign-in that is what was asked for. */
const contextOf = ({ authnContext }: Asked, { contexts }: Present): string | undefined =>
  contexts.find((one) => meetsAuthnContext(authnContext ?? undefined, one))

type Lack = 'nobody' | 'other-provider' | 'not-fresh' | 'authn-context'

/** What the session that is there, if any, lacks for an answer. */
function lackOf({ request, present, welcome }: Situation): Lack | undefined {
  if (present === undefined) return 'nobody'
  if (welcome.kind === 'some' && !welcome.entityIds.includes(present.upstream?.entityId ?? '')) return 'other-provider'
  if (request.asked.forceAuthn && !isFresh(request, present)) return 'not-fresh'
  return contextOf(request.asked, present) === undefined ? 'authn-context' : undefined
}

/** What goes before all else: whoever signs in, these cannot be had. */
function checkAsked({ request: { asked }, present, name, welcome, refused }: Situation): Decision | undefined {
  const format = asked.nameIdFormat ?? NAME_ID.persistent
  if (format !== NAME_ID.persistent)
    return refuse('invalidNameIdPolicy', 'name-id', `Names are given as ${NAME_ID.persistent}, not as ${format}.`)
  if (refused) return refuse('authnFailed', 'upstream-refused', 'The provider that was asked did not let them in.')
  if (welcome.kind === 'none')
    return refuse(
      'noAvailableIdp',
      'no-available-idp',
      'None of the identity providers that are welcome is known here.',
    )
  // Without a session nobody is known but by asking a provider.
  if (asked.proxyCount === 0 && (present === undefined || present.upstream !== undefined))
    return refuse(
      'proxyCountExceeded',
      'proxy-count',
      'No further provider may be asked, and none but such knows them.',
    )
  if (asked.nameIdFormat !== null && !asked.allowCreate && present && name === undefined)
    return refuse('invalidNameIdPolicy', 'name-id', 'The console has no name for them, and none may be made.')
  return undefined
}

function forLack(lack: Lack, { request: { asked, sent, sessionHash }, present }: Situation): Decision {
  if (asked.isPassive) return refuse('noPassive', 'passive', `Nothing may be asked of the person (${lack}).`)
  const came = sent > 0 && present !== undefined && present.caller.session !== sessionHash
  if (came && lack === 'authn-context')
    return refuse('noAuthnContext', 'authn-context', 'They signed in anew, and not in the way that was asked for.')
  if (came && lack === 'other-provider')
    return refuse('noAvailableIdp', 'no-available-idp', 'They came back from a provider that is not welcome.')
  if (sent >= SENT_MAX)
    return refuse('authnFailed', 'too-many-tries', `They were sent to sign in ${sent} times (${lack}).`)
  return { kind: 'sign-in', fresh: present !== undefined }
}

function checkPerson({ console, request: { asked }, name }: Situation, { caller, upstream }: Present) {
  if (!mayUse(console, caller.account))
    return refuse('requestDenied', 'no-access', `${caller.account.name} has no rights in the console’s tenant.`)
  if (upstream?.proxyCount === 0)
    return refuse('proxyCountExceeded', 'proxy-count', 'The provider allows nobody to pass its word on.')
  const { subject } = asked
  if (subject && (subject.value !== name || ![NAME_ID.persistent, NAME_ID.unspecified, ''].includes(subject.format)))
    return refuse('unknownPrincipal', 'other-person', 'The console asks for somebody else than who is signed in.')
  return undefined
}

/** What becomes of a console's request, as things are. Decides nothing else, and changes nothing. */
export function decide(situation: Situation): Decision {
  const { request, present } = situation
  const impossible = checkAsked(situation)
  if (impossible) return impossible
  const lack = lackOf(situation)
  const authnContext = present && contextOf(request.asked, present)
  if (present === undefined || authnContext === undefined || lack !== undefined)
    return forLack(lack ?? 'authn-context', situation)
  return checkPerson(situation, present) ?? { kind: 'answer', present, authnContext }
}
