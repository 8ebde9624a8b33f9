import { nameIdOf } from './assertion.ts'
import type { Comparison, RequestedAuthnContext } from './authn-context.ts'
import { type Arrival, authenticRoot, checkBegun, endOf, type Message, messageOf, protocolElement } from './message.ts'
import { BINDING, NAME_ID, NS } from './names.ts'
import { attributeOf, childOf, childrenOf, textOf } from './nodes.ts'
import type { AssertionConsumer, NameId, OwnIdp, OwnSp, SpDescription } from './provider.ts'
import { type Checked, checking, refuse } from './result.ts'
import { element, writeXml } from './xml-build.ts'

/** Requests for authentication (core 3.4): ours to identity providers, and those of downstream service providers. */

export interface AuthnRequestParts {
  readonly id: string
  readonly own: OwnSp
  /** The provider's endpoint. */
  readonly destination: string
  readonly issueInstant_ms: number
  readonly forceAuthn?: boolean
  readonly isPassive?: boolean
  readonly nameIdFormat?: string
  readonly authnContext?: RequestedAuthnContext
  /** How many further providers may be asked. */
  readonly proxyCount?: number
  /** The service providers on whose behalf we ask. */
  readonly requesterIds?: readonly string[]
}

/** Our request, not signed yet: see `signRedirect`, or `signXml` for POST. The answer comes to our ACS by POST. */
export function buildAuthnRequest(parts: AuthnRequestParts): string {
  const { id, own, destination, issueInstant_ms, authnContext, proxyCount, requesterIds = [] } = parts
  const classes = authnContext?.classes.map((name) => element('saml:AuthnContextClassRef', {}, name)) ?? []
  const requesters = requesterIds.map((name) => element('samlp:RequesterID', {}, name))
  return writeXml(
    protocolElement(
      'AuthnRequest',
      { id, issuer: own.entityId, issueInstant_ms, destination },
      {
        ForceAuthn: parts.forceAuthn || undefined,
        IsPassive: parts.isPassive || undefined,
        AssertionConsumerServiceURL: own.acsUrl,
        ProtocolBinding: BINDING.post,
      },
      element('samlp:NameIDPolicy', { Format: parts.nameIdFormat, AllowCreate: true }),
      classes.length === 0
        ? undefined
        : element('samlp:RequestedAuthnContext', { Comparison: authnContext?.comparison }, ...classes),
      proxyCount === undefined && requesters.length === 0
        ? undefined
        : element('samlp:Scoping', { ProxyCount: proxyCount }, ...requesters),
    ),
  )
}

/** What a downstream service provider asks for. */
export interface DownstreamRequest extends Message {
  readonly issuer: string
  readonly signed: boolean
  /** Where the answer goes: an address of the provider's metadata, by POST. */
  readonly acsUrl: string
  readonly forceAuthn: boolean
  readonly isPassive: boolean
  readonly requestedAuthnContext?: RequestedAuthnContext
  /** Absent: any. */
  readonly nameIdFormat?: string
  readonly allowCreate: boolean
  /** How many further providers may be asked: with 0 nobody may be asked upstream. Absent: any. */
  readonly proxyCount?: number
  /** Identity providers that are welcome; empty: all. */
  readonly idpList: readonly string[]
  /** Service providers behind the one that asks. */
  readonly requesterIds: readonly string[]
  /** The one person who is wanted, if so. */
  readonly subject?: NameId
}

export interface AuthnRequestInput {
  readonly sp: SpDescription
  readonly own: OwnIdp
  readonly arrival: Exclude<Arrival, { readonly binding: 'soap' }>
  readonly now_ms: number
  readonly skew_ms?: number
  /** That requests must be signed whether or not the provider's metadata says that it signs them. */
  readonly requireSigned?: boolean
}

const LIST_MAX = 50
const NAME_CHARS_MAX = 1_024
const COMPARISONS: readonly string[] = ['exact', 'minimum', 'maximum', 'better'] satisfies Comparison[]

function flagOf(node: Element, name: string): boolean {
  const text = attributeOf(node, name) ?? 'false'
  if (!/^(true|false|0|1)$/.test(text)) refuse('schema', `${name} is neither true nor false.`)
  return text === 'true' || text === '1'
}

function numberOf(node: Element, name: string): number | undefined {
  const text = attributeOf(node, name)
  if (text === undefined) return undefined
  return /^\d{1,5}$/.test(text) ? Number(text) : refuse('schema', `${name} is no number.`)
}

function namesIn(parent: Element, namespace: string, name: string): string[] {
  const names = childrenOf(parent, namespace, name).map((child) => textOf(child).trim())
  if (names.length > LIST_MAX || names.some((one) => one === '' || one.length > NAME_CHARS_MAX))
    refuse('count', `There are too many of ${name}, or one of them is empty or too long.`)
  return names
}

/** Where the answer goes: what is asked for must be in the metadata, and answers go by POST alone. */
function consumerOf(root: Element, { entityId, assertionConsumers }: SpDescription): AssertionConsumer {
  const url = attributeOf(root, 'AssertionConsumerServiceURL')
  const index = numberOf(root, 'AssertionConsumerServiceIndex')
  const binding = attributeOf(root, 'ProtocolBinding')
  if (index !== undefined && (url !== undefined || binding !== undefined))
    refuse('request', 'An address for the answer is asked for by index and otherwise at once.')
  if (binding !== undefined && binding !== BINDING.post)
    refuse('binding', `The answer is asked for by ${binding.slice(0, 100)}; it can go by POST alone.`)
  const registered = assertionConsumers.filter((one) => one.binding === BINDING.post)
  const found =
    index !== undefined
      ? registered.find((one) => one.index === index)
      : url !== undefined
        ? registered.find((one) => one.location === url)
        : (registered.find((one) => one.isDefault) ?? registered.toSorted((a, b) => a.index - b.index)[0])
  if (found !== undefined) return found
  const asked = index !== undefined ? `number ${index}` : url === undefined ? 'any' : JSON.stringify(url.slice(0, 120))
  return refuse('endpoint', `The metadata of ${entityId} has no address for answers by POST that is ${asked}.`)
}

function authnContextOf(root: Element): RequestedAuthnContext | undefined {
  const requested = childOf(root, NS.protocol, 'RequestedAuthnContext')
  if (requested === undefined) return undefined
  const comparison = attributeOf(requested, 'Comparison') ?? 'exact'
  if (!COMPARISONS.includes(comparison)) refuse('schema', `There is no comparison ${comparison.slice(0, 40)}.`)
  return { comparison: comparison as Comparison, classes: namesIn(requested, NS.assertion, 'AuthnContextClassRef') }
}

function nameIdPolicyOf(root: Element, entityId: string): { nameIdFormat?: string; allowCreate: boolean } {
  const policy = childOf(root, NS.protocol, 'NameIDPolicy')
  if (policy === undefined) return { allowCreate: false }
  const qualifier = attributeOf(policy, 'SPNameQualifier') ?? entityId
  // An affiliation would get names that were made for others.
  if (qualifier !== entityId) refuse('name-id', `A name made for ${qualifier.slice(0, 120)} is asked for.`)
  const format = attributeOf(policy, 'Format') ?? NAME_ID.unspecified
  return {
    allowCreate: flagOf(policy, 'AllowCreate'),
    ...(format === NAME_ID.unspecified ? {} : { nameIdFormat: format.slice(0, NAME_CHARS_MAX) }),
  }
}

function scopingOf(root: Element): Pick<DownstreamRequest, 'proxyCount' | 'idpList' | 'requesterIds'> {
  const scoping = childOf(root, NS.protocol, 'Scoping')
  if (scoping === undefined) return { idpList: [], requesterIds: [] }
  const proxyCount = numberOf(scoping, 'ProxyCount')
  const list = childOf(scoping, NS.protocol, 'IDPList')
  const idpList = list === undefined ? [] : childrenOf(list, NS.protocol, 'IDPEntry')
  if (idpList.length > LIST_MAX) refuse('count', `More than ${LIST_MAX} identity providers are named.`)
  return {
    idpList: idpList.map((entry) => (attributeOf(entry, 'ProviderID') ?? '').slice(0, NAME_CHARS_MAX)),
    requesterIds: namesIn(scoping, NS.protocol, 'RequesterID'),
    ...(proxyCount === undefined ? {} : { proxyCount }),
  }
}

function subjectOf(root: Element): { subject?: NameId } {
  const subject = childOf(root, NS.assertion, 'Subject')
  if (subject === undefined) return {}
  if (childrenOf(subject, NS.assertion, 'SubjectConfirmation').length > 0)
    refuse('request', 'A confirmation other than by the bearer is asked for.')
  return { subject: nameIdOf(subject) }
}

/**
 * Checks a downstream request (profiles 4.1.4.1): signed where the metadata says so, and a signature that is there must
 * hold; the answer goes only where the metadata says. ProviderName, Extensions and attribute services are ignored.
 * `id` must be refused until `acceptedUntil_ms`; whether the NameID format, assurance level and proxying can be granted
 * is for the caller to say, by an error response where not.
 */
export function checkAuthnRequest(xml: string, input: AuthnRequestInput): Checked<DownstreamRequest> {
  return checking((trail) => {
    const { sp, own, requireSigned = false } = input
    const expected = { ...input, sender: sp, destination: own.ssoUrl }
    const lenient = !sp.authnRequestsSigned && !requireSigned
    const { root, signed } = trail.take(authenticRoot(xml, 'AuthnRequest', expected, lenient))
    if (!signed)
      trail.pass('signature', 'The request is not signed, which is allowed: its answer goes to the metadata.')
    const message = trail.take(messageOf(root, expected, signed))
    const conditions = childOf(root, NS.assertion, 'Conditions')
    if (conditions !== undefined) checkBegun(conditions, 'NotBefore', expected)
    const end_ms = conditions && endOf(conditions, 'NotOnOrAfter', expected)
    const { location } = consumerOf(root, sp)
    trail.pass('endpoint', `The answer goes to ${location}, as the metadata has it.`)
    const requestedAuthnContext = authnContextOf(root)
    return {
      ...message,
      acceptedUntil_ms: Math.min(message.acceptedUntil_ms, end_ms ?? Number.POSITIVE_INFINITY),
      issuer: sp.entityId,
      signed,
      acsUrl: location,
      forceAuthn: flagOf(root, 'ForceAuthn'),
      isPassive: flagOf(root, 'IsPassive'),
      ...(requestedAuthnContext === undefined ? {} : { requestedAuthnContext }),
      ...nameIdPolicyOf(root, sp.entityId),
      ...scopingOf(root),
      ...subjectOf(root),
    }
  })
}
