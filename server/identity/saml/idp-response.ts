import { createPublicKey } from 'node:crypto'
import { encrypt } from 'xml-encryption'
import { RSA_BITS_FLOOR } from './key-strength.ts'
import { nameIdElement } from './logout.ts'
import { newId, protocolElement, statusElement } from './message.ts'
import { NS, STATUS } from './names.ts'
import type { NameId, OwnIdp, SamlSigner, SpDescription } from './provider.ts'
import { signXml } from './sign.ts'
import { element, writeTime, writeXml, type XmlElement } from './xml-build.ts'

/** What Weft answers as an identity provider (core 3.3.3, profiles 4.1.4.2): by POST, response and assertion signed. */

export interface IdpResponseParts {
  readonly own: OwnIdp
  readonly sp: SpDescription
  /** Of the provider's metadata. */
  readonly acsUrl: string
  /** The request that it answers; none: it answers none. */
  readonly inResponseTo?: string
  /** Made for this provider alone. */
  readonly nameId: NameId
  readonly sessionIndex: string
  readonly attributes: Readonly<Record<string, readonly string[]>>
  /** Class reference of how the person was authenticated. */
  readonly authnContext: string
  /** The upstream providers, the one that authenticated the person last (core 2.7.2.2). */
  readonly authenticatingAuthorities: readonly string[]
  readonly authnInstant_ms: number
  readonly now_ms: number
  readonly sessionNotOnOrAfter_ms?: number
  /** To how many further providers it may be passed on; absent: any number. */
  readonly proxyCount?: number
  /** To a certificate of the provider's metadata. Without a usable one it rejects. */
  readonly encrypt: boolean
  /** New ones where they are not given. */
  readonly responseId?: string
  readonly assertionId?: string
}

const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'
const BASIC = 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic'
const URI = 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri'
/** How long a response may take from us to the provider, through a browser. */
const VALID_MS = 300_000
/** By how much the provider's clock may be behind. */
const EARLY_MS = 60_000

function subjectElement({ nameId, acsUrl, inResponseTo, now_ms }: IdpResponseParts): XmlElement {
  const data = element('saml:SubjectConfirmationData', {
    NotOnOrAfter: writeTime(now_ms + VALID_MS),
    Recipient: acsUrl,
    InResponseTo: inResponseTo,
  })
  const confirmation = element('saml:SubjectConfirmation', { Method: BEARER }, data)
  return element('saml:Subject', {}, nameIdElement(nameId), confirmation)
}

const conditionsElement = ({ sp, now_ms, proxyCount }: IdpResponseParts): XmlElement =>
  element(
    'saml:Conditions',
    { NotBefore: writeTime(now_ms - EARLY_MS), NotOnOrAfter: writeTime(now_ms + VALID_MS) },
    element('saml:AudienceRestriction', {}, element('saml:Audience', {}, sp.entityId)),
    proxyCount === undefined ? undefined : element('saml:ProxyRestriction', { Count: proxyCount }),
  )

const authnElement = (parts: IdpResponseParts): XmlElement =>
  element(
    'saml:AuthnStatement',
    {
      AuthnInstant: writeTime(parts.authnInstant_ms),
      SessionIndex: parts.sessionIndex,
      SessionNotOnOrAfter:
        parts.sessionNotOnOrAfter_ms === undefined ? undefined : writeTime(parts.sessionNotOnOrAfter_ms),
    },
    element(
      'saml:AuthnContext',
      {},
      element('saml:AuthnContextClassRef', {}, parts.authnContext),
      ...parts.authenticatingAuthorities.map((name) => element('saml:AuthenticatingAuthority', {}, name)),
    ),
  )

/** None where nothing is released: an empty statement is no statement. */
function attributesElement({ attributes }: IdpResponseParts): XmlElement | undefined {
  const released = Object.entries(attributes)
  if (released.length === 0) return undefined
  return element(
    'saml:AttributeStatement',
    {},
    ...released.map(([name, values]) =>
      element(
        'saml:Attribute',
        { Name: name, NameFormat: name.includes(':') ? URI : BASIC },
        ...values.map((value) => element('saml:AttributeValue', {}, value)),
      ),
    ),
  )
}

async function signedAssertion(parts: IdpResponseParts, signer: SamlSigner): Promise<string> {
  const { assertionId = newId(), own, now_ms } = parts
  const assertion = element(
    'saml:Assertion',
    { 'xmlns:saml': NS.assertion, ID: assertionId, Version: '2.0', IssueInstant: writeTime(now_ms) },
    element('saml:Issuer', {}, own.entityId),
    subjectElement(parts),
    conditionsElement(parts),
    authnElement(parts),
    attributesElement(parts),
  )
  return signXml(writeXml(assertion), assertionId, signer)
}

/** The first certificate that something may be encrypted to. */
function encryptionKeyOf({ encryptionCertificates }: SpDescription): { pem: string; rsa_pub: string } | undefined {
  for (const pem of encryptionCertificates) {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_BITS_FLOOR)
      return { pem, rsa_pub: key.export({ type: 'spki', format: 'pem' }) as string }
  }
  return undefined
}

/** Whether assertions can be encrypted to a service provider: RSA, 2048 bits or more. */
export const takesEncrypted = (sp: SpDescription): boolean => encryptionKeyOf(sp) !== undefined

async function encrypted(xml: string, sp: SpDescription): Promise<string> {
  const key = encryptionKeyOf(sp)
  if (!key) throw new Error(`${sp.entityId} has no certificate that an assertion could be encrypted to.`)
  const options = {
    ...key,
    encryptionAlgorithm: 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
    // With SHA-1 in its mask, which is no weakness there, and what every peer knows.
    keyEncryptionAlgorithm: 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  }
  return new Promise((resolve, reject) => {
    encrypt(xml, options, (error, data = '') =>
      error
        ? reject(error)
        : resolve(writeXml(element('saml:EncryptedAssertion', { 'xmlns:saml': NS.assertion }, { xml: data.trim() }))),
    )
  })
}

/** A response that brings a person to a service provider, to be sent by POST. Rejects when the signer does. */
export async function buildResponse(parts: IdpResponseParts, signer: SamlSigner): Promise<string> {
  const { responseId = newId(), own, acsUrl, inResponseTo, now_ms, sp } = parts
  const assertion = await signedAssertion(parts, signer)
  const response = protocolElement(
    'Response',
    { id: responseId, issuer: own.entityId, issueInstant_ms: now_ms, destination: acsUrl },
    { InResponseTo: inResponseTo },
    statusElement(STATUS.success),
    { xml: parts.encrypt ? await encrypted(assertion, sp) : assertion },
  )
  return signXml(writeXml(response), responseId, signer)
}

/** Why a service provider gets no assertion, as statuses of SAML say it. */
export type IdpRefusal =
  | 'authnFailed'
  | 'invalidNameIdPolicy'
  | 'noAuthnContext'
  | 'noAvailableIdp'
  | 'noPassive'
  | 'proxyCountExceeded'
  | 'requestDenied'
  | 'unknownPrincipal'

export interface IdpErrorParts {
  readonly own: OwnIdp
  readonly acsUrl: string
  readonly inResponseTo?: string
  readonly refusal: IdpRefusal
  /** For people; nothing that is not theirs to know. */
  readonly words?: string
  readonly now_ms: number
  readonly responseId?: string
}

/** A signed response without assertion. */
export function buildErrorResponse(parts: IdpErrorParts, signer: SamlSigner): Promise<string> {
  const { responseId = newId(), own, acsUrl, inResponseTo, refusal, words, now_ms } = parts
  const outer = refusal === 'invalidNameIdPolicy' ? STATUS.requester : STATUS.responder
  const response = protocolElement(
    'Response',
    { id: responseId, issuer: own.entityId, issueInstant_ms: now_ms, destination: acsUrl },
    { InResponseTo: inResponseTo },
    statusElement(outer, STATUS[refusal], words),
  )
  return signXml(writeXml(response), responseId, signer)
}
