import { decryptNameId } from './decrypt.ts'
import { NAME_ID, NS } from './names.ts'
import { attributeOf, childOf, childrenOf, elementsOf, isNamed, textOf, timeAttributeOf } from './nodes.ts'
import type { Identity, NameId } from './provider.ts'
import { type Checked, checking, refuse, type Trail } from './result.ts'

/** Checks of an assertion (SAML core 2, web browser SSO profile 4.1.4.3), given one whose bytes are signed. */

/** What an assertion must be about. */
export interface Expected {
  readonly issuer: string
  readonly audience: string
  readonly recipient: string
  /** The request that it answers; undefined: it answers none. */
  readonly requestId: string | undefined
  readonly now_ms: number
  readonly skew_ms: number
  /** Where these were asked for, one of them is wanted. */
  readonly authnContexts?: readonly string[]
  /** PEM; without them an EncryptedID is refused. */
  readonly privateKeys?: readonly string[]
}

const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'
const NAME_ID_CHARS_MAX = 1_024
const CONFIRMATIONS_MAX = 8
const ATTRIBUTES_MAX = 256
const VALUES_MAX = 2_048
const VALUE_CHARS_MAX = 8_192

const show = (text: string): string => JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
const showTime = (time_ms: number): string => new Date(time_ms).toISOString()

/** Refuses an Issuer that is not the one expected. */
export function checkIssuer(parent: Element, expected: string): void {
  const issuer = childOf(parent, NS.assertion, 'Issuer')
  if (issuer === undefined) refuse('issuer', `The ${parent.localName} has no issuer.`)
  const format = attributeOf(issuer, 'Format') ?? NAME_ID.entity
  const name = textOf(issuer).trim()
  if (name !== expected || format !== NAME_ID.entity)
    refuse('issuer', `The ${parent.localName} was issued by ${show(name)}, not by ${show(expected)}.`)
}

/** Refuses what was made by another version of SAML, or in the future. */
export function checkMade(element: Element, { now_ms, skew_ms }: Pick<Expected, 'now_ms' | 'skew_ms'>): void {
  const version = attributeOf(element, 'Version') ?? 'none'
  if (version !== '2.0') refuse('version', `The ${element.localName} is of SAML ${version.slice(0, 20)}, not 2.0.`)
  const made_ms = timeAttributeOf(element, 'IssueInstant')
  if (made_ms === undefined) refuse('schema', `The ${element.localName} does not say when it was made.`)
  if (made_ms > now_ms + skew_ms)
    refuse('not-yet-valid', `The ${element.localName} was made at ${showTime(made_ms)}, which is in the future.`)
}

/** Refuses an answer to another request than ours, or to one where there was none. */
export function checkInResponseTo(element: Element, requestId: string | undefined): void {
  const answered = attributeOf(element, 'InResponseTo')
  if (answered === requestId) return
  const words = answered === undefined ? 'no request' : `the request ${show(answered)}`
  refuse(
    'in-response-to',
    `The ${element.localName} answers ${words}, ${requestId === undefined ? 'but none was made' : 'not the one that was made'}.`,
  )
}

/** What a NameID says. Refuses (`name-id`) an empty and a long one. */
export function readNameId(element: Element): NameId {
  const name: NameId = {
    value: textOf(element),
    format: attributeOf(element, 'Format') ?? NAME_ID.unspecified,
    nameQualifier: attributeOf(element, 'NameQualifier') ?? '',
    spNameQualifier: attributeOf(element, 'SPNameQualifier') ?? '',
  }
  if (name.value.trim() === '') refuse('name-id', 'The NameID is empty.')
  if (Object.values(name).some((part: string) => part.length > NAME_ID_CHARS_MAX))
    refuse('name-id', `The NameID has more than ${NAME_ID_CHARS_MAX} characters.`)
  return name
}

/** The plain NameID of a subject. */
export function nameIdOf(subject: Element): NameId {
  const element = childOf(subject, NS.assertion, 'NameID')
  return element === undefined ? refuse('name-id', 'The subject has no plain NameID.') : readNameId(element)
}

/** The encrypted name of an assertion's subject, where it has one. */
export function encryptedIdOf(assertion: Element): Element | undefined {
  const subject = childOf(assertion, NS.assertion, 'Subject')
  return subject && childOf(subject, NS.assertion, 'EncryptedID')
}

/** The one NameID of a subject: plain, or encrypted to one of our private keys. */
function openedNameOf(subject: Element, privateKeys: readonly string[], trail: Trail): NameId {
  const encrypted = childOf(subject, NS.assertion, 'EncryptedID')
  if (encrypted === undefined) return nameIdOf(subject)
  if (['NameID', 'BaseID'].some((name) => childOf(subject, NS.assertion, name) !== undefined))
    refuse('name-id', 'The subject has another name beside the encrypted one.')
  const name = readNameId(trail.take(decryptNameId(encrypted, privateKeys)))
  trail.pass('decryption', 'The NameID was decrypted.')
  return name
}

/** A bearer confirmation for us, now. Answers until when. */
const checkConfirmation = (confirmation: Element, expected: Expected): Checked<number> =>
  checking((trail) => {
    const data = childOf(confirmation, NS.assertion, 'SubjectConfirmationData')
    if (data === undefined) return refuse('confirmation', 'The bearer confirmation has no data.')
    if (attributeOf(data, 'NotBefore') !== undefined) refuse('confirmation', 'A bearer confirmation has no NotBefore.')
    const recipient = attributeOf(data, 'Recipient') ?? 'nobody'
    if (recipient !== expected.recipient)
      refuse('recipient', `The confirmation is for ${show(recipient)}, not for ${show(expected.recipient)}.`)
    trail.pass('recipient', `It may be handed over at ${expected.recipient}.`)
    checkInResponseTo(data, expected.requestId)
    trail.pass(
      'in-response-to',
      expected.requestId === undefined ? 'It answers no request.' : 'It answers our request.',
    )
    const until_ms = timeAttributeOf(data, 'NotOnOrAfter')
    if (until_ms === undefined) return refuse('confirmation', 'The bearer confirmation has no end.')
    if (expected.now_ms - expected.skew_ms >= until_ms)
      refuse('expired', `It had to be handed over before ${showTime(until_ms)}.`)
    trail.pass('confirmation', `It may be handed over until ${showTime(until_ms)}.`)
    return until_ms
  })

function confirmedUntil(subject: Element, expected: Expected, trail: Trail): number {
  const bearers = childrenOf(subject, NS.assertion, 'SubjectConfirmation').filter(
    (confirmation) => attributeOf(confirmation, 'Method') === BEARER,
  )
  if (bearers.length > CONFIRMATIONS_MAX) refuse('count', `There are more than ${CONFIRMATIONS_MAX} confirmations.`)
  const results = bearers.map((confirmation) => checkConfirmation(confirmation, expected))
  const best = results.find(({ ok }) => ok) ?? results[0]
  return best === undefined ? refuse('confirmation', 'There is no bearer confirmation.') : trail.take(best)
}

function checkAudience(conditions: Element, audience: string): void {
  const restrictions = childrenOf(conditions, NS.assertion, 'AudienceRestriction')
  if (restrictions.length === 0) refuse('audience', 'The assertion does not say whom it is meant for.')
  for (const restriction of restrictions) {
    const audiences = childrenOf(restriction, NS.assertion, 'Audience').map((element) => textOf(element).trim())
    if (!audiences.includes(audience))
      refuse(
        'audience',
        `The assertion is meant for ${audiences.slice(0, 3).map(show).join(', ') || 'nobody'}, not for ${show(audience)}.`,
      )
  }
}

const CONDITIONS: readonly string[] = ['AudienceRestriction', 'OneTimeUse', 'ProxyRestriction']

function proxyCountOf(conditions: Element): number | undefined {
  const restriction = childOf(conditions, NS.assertion, 'ProxyRestriction')
  if (restriction === undefined) return undefined
  // With audiences of its own it is meant for others than those we would vouch to.
  if (elementsOf(restriction).length > 0) return 0
  const count = attributeOf(restriction, 'Count')
  if (count === undefined) return undefined
  return /^\d{1,6}$/.test(count) ? Number(count) : refuse('schema', 'The count of a ProxyRestriction is no number.')
}

/** Conditions hold now and for us. Answers until when, and how far they may be passed on. */
function checkConditions(assertion: Element, expected: Expected, trail: Trail) {
  const conditions = childOf(assertion, NS.assertion, 'Conditions')
  if (conditions === undefined) return refuse('audience', 'The assertion does not say whom it is meant for.')
  for (const condition of elementsOf(conditions))
    if (!CONDITIONS.some((name) => isNamed(condition, NS.assertion, name)))
      refuse('condition', `The condition ${condition.localName.slice(0, 80)} is not known here.`)
  const from_ms = timeAttributeOf(conditions, 'NotBefore') ?? Number.NEGATIVE_INFINITY
  const until_ms = timeAttributeOf(conditions, 'NotOnOrAfter') ?? Number.POSITIVE_INFINITY
  if (expected.now_ms + expected.skew_ms < from_ms)
    refuse(
      'not-yet-valid',
      `The assertion is valid from ${showTime(from_ms)}; it is ${showTime(expected.now_ms)} here.`,
    )
  if (expected.now_ms - expected.skew_ms >= until_ms)
    refuse('expired', `The assertion was valid until ${showTime(until_ms)}; it is ${showTime(expected.now_ms)} here.`)
  trail.pass('time', `The assertion is valid now (${showTime(expected.now_ms)}, ${expected.skew_ms / 1000} s allowed).`)
  checkAudience(conditions, expected.audience)
  trail.pass('audience', `The assertion is meant for ${expected.audience}.`)
  return { until_ms, proxyCount: proxyCountOf(conditions) }
}

function authnContextOf(statement: Element, expected: Expected) {
  const context = childOf(statement, NS.assertion, 'AuthnContext')
  if (context === undefined)
    return refuse('authn-statement', 'The statement does not say how somebody was authenticated.')
  const reference = childOf(context, NS.assertion, 'AuthnContextClassRef')
  const name = reference === undefined ? '' : textOf(reference).trim()
  const asked = expected.authnContexts ?? []
  if (asked.length > 0 && !asked.includes(name))
    refuse('authn-context', `Somebody was authenticated by ${show(name)}, not as was asked for.`)
  const authorities = childrenOf(context, NS.assertion, 'AuthenticatingAuthority').map((one) => textOf(one).trim())
  return { authnContext: name, authenticatingAuthorities: authorities }
}

/** That and how somebody was authenticated, and how long the provider's session lasts. */
function authenticationOf(assertion: Element, expected: Expected, trail: Trail) {
  const [statement, second] = childrenOf(assertion, NS.assertion, 'AuthnStatement')
  if (statement === undefined || second !== undefined)
    return refuse(
      'authn-statement',
      `There is ${second === undefined ? 'no' : 'more than one'} authentication statement.`,
    )
  const instant_ms = timeAttributeOf(statement, 'AuthnInstant')
  if (instant_ms === undefined || instant_ms > expected.now_ms + expected.skew_ms)
    return refuse('authn-statement', 'The statement does not say when somebody was authenticated, or says the future.')
  const end_ms = timeAttributeOf(statement, 'SessionNotOnOrAfter')
  if (end_ms !== undefined && expected.now_ms - expected.skew_ms >= end_ms)
    refuse('session-expired', `The session at the provider ended at ${showTime(end_ms)}.`)
  const index = attributeOf(statement, 'SessionIndex')
  const context = authnContextOf(statement, expected)
  trail.pass(
    'authn-statement',
    `Authenticated at ${showTime(instant_ms)} by ${context.authnContext || 'a way that is not named'}.`,
  )
  return {
    authnInstant_ms: instant_ms,
    ...context,
    ...(index === undefined ? {} : { sessionIndex: index }),
    ...(end_ms === undefined ? {} : { sessionNotOnOrAfter_ms: end_ms }),
  }
}

/** Text of a value; of a value that is a NameID (eduPersonTargetedID), the text of that. */
function readValue(value: Element): string | undefined {
  const [inner, second] = elementsOf(value)
  if (inner === undefined) return textOf(value)
  return second === undefined && isNamed(inner, NS.assertion, 'NameID') ? textOf(inner) : undefined
}

/** The attributes of an assertion by name. Refuses too many. */
export function attributesOf(assertion: Element, trail: Trail): Record<string, string[]> {
  const elements = childrenOf(assertion, NS.assertion, 'AttributeStatement').flatMap((statement) =>
    childrenOf(statement, NS.assertion, 'Attribute'),
  )
  if (elements.length > ATTRIBUTES_MAX) refuse('attributes', `There are more than ${ATTRIBUTES_MAX} attributes.`)
  const attributes = new Map<string, string[]>()
  let count = 0
  for (const element of elements) {
    const name = attributeOf(element, 'Name')
    if (!name || name.length > NAME_ID_CHARS_MAX)
      return refuse('attributes', 'An attribute has no name, or too long a one.')
    const values = childrenOf(element, NS.assertion, 'AttributeValue').flatMap((value) => readValue(value) ?? [])
    count += values.length
    if (count > VALUES_MAX || values.some((value) => value.length > VALUE_CHARS_MAX))
      refuse('attributes', `${show(name)} has too many or too long values.`)
    attributes.set(name, [...(attributes.get(name) ?? []), ...values])
  }
  trail.pass('attributes', `${attributes.size} attributes with ${count} values.`)
  return Object.fromEntries(attributes)
}

/** What an assertion says, once all that it must be has been checked. */
export function checkAssertion(
  assertion: Element,
  expected: Expected,
): Checked<Omit<Identity, 'encrypted' | 'signed'>> {
  return checking((trail) => {
    checkMade(assertion, expected)
    checkIssuer(assertion, expected.issuer)
    trail.pass('issuer', `The assertion was issued by ${expected.issuer}.`)
    const assertionId = attributeOf(assertion, 'ID') ?? ''
    if (assertionId === '' || assertionId.length > NAME_ID_CHARS_MAX)
      refuse('schema', 'The assertion has no usable ID.')
    const { until_ms, proxyCount } = checkConditions(assertion, expected, trail)
    const subject = childOf(assertion, NS.assertion, 'Subject')
    if (subject === undefined) return refuse('name-id', 'The assertion has no subject.')
    const confirmed_ms = confirmedUntil(subject, expected, trail)
    const nameId = openedNameOf(subject, expected.privateKeys ?? [], trail)
    trail.pass('name-id', `It speaks of ${show(nameId.value)} (${nameId.format.split(':').at(-1)}).`)
    return {
      assertionId,
      nameId,
      ...authenticationOf(assertion, expected, trail),
      attributes: attributesOf(assertion, trail),
      notOnOrAfter_ms: Math.min(until_ms, confirmed_ms),
      ...(proxyCount === undefined ? {} : { proxyCount }),
    }
  })
}
