import { NAME_ID } from '../saml/names.ts'
import { readPost } from '../saml/post.ts'
import type { Identity, NameId, OwnSp, SamlDecrypter } from '../saml/provider.ts'
import { checkResponse, inResponseToOf, issuerOf } from '../saml/response.ts'
import { refuse, type Trail } from '../saml/result.ts'
import type { Said } from './admission.ts'
import type { EndedSessions } from './arrival-ports.ts'
import type { Descriptions } from './descriptions.ts'
import type { Seen } from './entrance.ts'
import { nameKey } from './logout-names.ts'
import type { ProviderDirectory, ProviderRecord, SamlSession, SignInRequest, SignInRequestStore } from './ports.ts'
import { isHandle, pagePath } from './return-path.ts'
import { isBoundTo, memoryOf, type RequestMemory, refuseClosed } from './wish.ts'

/** Fields of the form that a provider made the browser post. */
export type PostFields = Readonly<Record<string, unknown>>

export interface ResponseParts {
  readonly own: OwnSp
  readonly decrypter: SamlDecrypter
  readonly providers: Pick<ProviderDirectory, 'byIssuer'>
  readonly requests: Pick<SignInRequestStore, 'find' | 'consume' | 'firstTime'>
  readonly ended: Pick<EndedSessions, 'hasEnded'>
  readonly descriptions: Descriptions
}

/** A response that holds, used up: nobody gets the same again. */
export interface Answered {
  readonly provider: ProviderRecord
  readonly identity: Identity
  /** The request that it answers; undefined: it came by itself. */
  readonly request: SignInRequest | undefined
  readonly memory: Partial<RequestMemory>
  readonly returnTo: string
}

/** Seen messages are remembered a little longer than they could be used. */
const MARGIN_MS = 60_000

async function senderOf({ providers, requests }: ResponseParts, xml: string, now_ms: number, trail: Trail, seen: Seen) {
  const issuer = trail.take(issuerOf(xml))
  const requestId = inResponseToOf(xml)
  const request = requestId === undefined ? undefined : await requests.find(requestId, now_ms)
  if (request) seen.request = request
  const provider = await providers.byIssuer(issuer)
  if (provider?.protocol !== 'saml') return refuse('unknown-provider', `${issuer.slice(0, 200)} is no provider here.`)
  seen.provider = provider
  if (request && request.providerId !== provider.id)
    refuse('issuer', `The request went to another provider than ${issuer}.`)
  refuseClosed(provider, request?.purpose)
  trail.pass('provider', `${provider.displayName} is a provider here.`)
  return { provider, requestId }
}

/** Where to go on to. RelayState is not signed: it may only be what we sent ourselves, or a page of ours. */
function returnPath(request: SignInRequest | undefined, relayState: string | undefined): string {
  if (request) {
    if (relayState !== undefined && relayState !== request.id)
      refuse('relay-state', 'RelayState is not the one that went with the request.')
    return request.returnTo
  }
  if (relayState === undefined || isHandle(relayState)) return '/'
  return pagePath(relayState) ?? refuse('relay-state', `RelayState is no page: ${relayState.slice(0, 120)}`)
}

/** One statement each: of parallel posts only one gets past either. */
async function spend(
  { requests }: ResponseParts,
  provider: ProviderRecord,
  { assertionId, notOnOrAfter_ms }: Identity,
  requestId: string | undefined,
  now_ms: number,
): Promise<SignInRequest | undefined> {
  const until_ms = Math.max(notOnOrAfter_ms, now_ms) + provider.options.skew_ms + MARGIN_MS
  if (!(await requests.firstTime('assertion', provider.id, assertionId, until_ms)))
    refuse('replay', 'The assertion was used before.')
  if (requestId === undefined) return undefined
  return (
    (await requests.consume(requestId, provider.id, now_ms)) ??
    refuse('in-response-to', 'There is no request that it answers: none was made, it was answered, or is too old.')
  )
}

/** Refuses what its provider has logged out already: messages overtake each other (core 3.7.3.2). */
export async function refuseEnded(
  { ended, own }: Pick<ResponseParts, 'ended' | 'own'>,
  { id, issuer }: ProviderRecord,
  { nameId, ...session }: Pick<SamlSession, 'nameId' | 'sessionIndex' | 'authnInstant_ms'>,
  now_ms: number,
): Promise<void> {
  if (await ended.hasEnded(id, nameKey(nameId, issuer, own.entityId), session, now_ms))
    refuse('logged-out', 'The provider has ended that session already.')
}

/** Checks a posted response in full and uses it up. Refuses inside `checkingLater`. */
export async function takeResponse(
  parts: ResponseParts,
  fields: PostFields,
  browser: string | undefined,
  now_ms: number,
  trail: Trail,
  seen: Seen,
): Promise<Answered> {
  const { kind, xml, relayState } = trail.take(readPost(fields))
  if (kind !== 'response') refuse('binding', 'This takes responses, not requests.')
  const { provider, requestId } = await senderOf(parts, xml, now_ms, trail, seen)
  const { allowUnsolicited, requireEncrypted, authnContexts = [], skew_ms } = provider.options
  const identity = trail.take(
    await checkResponse(xml, {
      ...{ provider: trail.take(parts.descriptions(provider, now_ms)), own: parts.own, requestId, allowUnsolicited },
      ...{ now_ms, skew_ms, requireEncrypted, decrypter: parts.decrypter },
      ...(authnContexts.length > 0 && { requestedAuthnContexts: authnContexts }),
    }),
  )
  seen.subject = identity.nameId.value
  const request = await spend(parts, provider, identity, requestId, now_ms)
  trail.pass('replay', 'It was not used before.')
  const { nameId, sessionIndex = '', authnInstant_ms } = identity
  await refuseEnded(parts, provider, { nameId, sessionIndex, authnInstant_ms }, now_ms)
  if (request && !isBoundTo(request, browser)) refuse('browser', 'The request was made by another browser.')
  const memory = memoryOf(request)
  if (memory.fresh && identity.authnInstant_ms < (memory.begun_ms ?? now_ms) - skew_ms)
    refuse('authn-statement', 'The provider was to ask its person anew, and did not.')
  const returnTo = returnPath(request, relayState)
  trail.pass('browser', request ? 'It came back in the browser that began.' : 'It began at the provider.')
  return { provider, identity, request, memory, returnTo }
}

/** A name is unique only with who gave it: where that is not the provider itself, it is part of the name. */
const lastingName = ({ value, format, nameQualifier }: NameId, issuer: string): string | undefined => {
  if (format === NAME_ID.transient) return undefined
  return nameQualifier === '' || nameQualifier === issuer ? value : `${nameQualifier}!${value}`
}

export const saidBy = ({ issuer }: ProviderRecord, { nameId, attributes }: Identity): Said => ({
  subject: lastingName(nameId, issuer),
  attributes,
})
