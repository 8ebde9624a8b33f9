import { createHash } from 'node:crypto'
import { DOMParser, XMLSerializer } from '@xmldom/xmldom'
import type { SamlReason } from '#server/identity/saml/result.ts'
import type { Credential } from './credentials.ts'
import { ALGORITHM, DIGEST, type SignedBy, type SigningWay, signElement } from './forge.ts'

/**
 * Ways to spoil a genuine response, each with the reason it must be refused for. They take any response with one plain
 * assertion, of a provider made for tests or of a real one. The kit holds the provider's own key, for what a provider
 * signs but means for others; nobody who attacks has that.
 */

export interface Kit {
  readonly provider: Credential
  /** Of another provider. */
  readonly stranger: Credential
}

export interface Mutator {
  readonly name: string
  readonly reason: SamlReason | Readonly<Record<SignedBy, SamlReason>>
  /** Only with a signature there; all, if not said. */
  readonly only?: readonly SignedBy[]
  mutate(xml: string, kit: Kit): string
}

const NS = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
} as const

/** A response taken apart. */
interface Parts {
  readonly document: Document
  readonly response: Element
  readonly assertion: Element
}

const elements = (root: Document | Element, name: string): Element[] => {
  const found = root.getElementsByTagNameNS('*', name)
  return Array.from({ length: found.length }, (_, i) => found[i] as Element)
}
const element = (root: Document | Element, name: string): Element => {
  const [first] = elements(root, name)
  if (first === undefined) throw new Error(`the response has no ${name}`)
  return first
}
const children = (parent: Element, name: string): Element[] =>
  elements(parent, name).filter((e) => e.parentNode === parent)
const child = (parent: Element, name: string): Element => {
  const [first] = children(parent, name)
  if (first === undefined) throw new Error(`${parent.localName} has no ${name}`)
  return first
}
const remove = (node: Node | undefined): void => void node?.parentNode?.removeChild(node)
function insertAfter(node: Node, before: Node): void {
  remove(node)
  before.parentNode?.insertBefore(node, before.nextSibling)
}

function take(xml: string): Parts {
  const document = new DOMParser().parseFromString(xml, 'text/xml')
  return { document, response: document.documentElement, assertion: element(document, 'Assertion') }
}

export function signedByOf(xml: string): SignedBy {
  const { response, assertion } = take(xml)
  const [outer, inner] = [response, assertion].map((parent) => children(parent, 'Signature').length > 0)
  return outer && inner ? 'both' : outer ? 'response' : 'assertion'
}

/** Changes the tree of a response. */
const byTree =
  (change: (parts: Parts, kit: Kit) => void) =>
  (xml: string, kit: Kit): string => {
    const parts = take(xml)
    change(parts, kit)
    return new XMLSerializer().serializeToString(parts.document)
  }

/** Takes the signatures off, changes what is left, and signs in the same places again. */
export const resigned =
  (change: (parts: Parts) => void, way: SigningWay = {}, by: (kit: Kit) => Credential = (kit) => kit.provider) =>
  (xml: string, kit: Kit): string => {
    const signed = signedByOf(xml)
    const parts = take(xml)
    for (const signature of elements(parts.document, 'Signature')) remove(signature)
    change(parts)
    let text = new XMLSerializer().serializeToString(parts.document)
    if (signed !== 'response') text = signElement(text, parts.assertion.getAttribute('ID') ?? '', by(kit), way)
    if (signed !== 'assertion') text = signElement(text, parts.response.getAttribute('ID') ?? '', by(kit), way)
    return text
  }

/** What an attacker would like to be read. */
export const EVIL = 'mallory@example.org'

function makeEvil(assertion: Element): Element {
  assertion.setAttribute('ID', '_evil-assertion')
  for (const name of elements(assertion, 'NameID')) name.textContent = EVIL
  for (const value of elements(assertion, 'AttributeValue')) value.textContent = EVIL
  return assertion
}

/** An evil copy of the assertion, without a signature. */
function evilCopy(assertion: Element): Element {
  const copy = assertion.cloneNode(true) as Element
  for (const signature of elements(copy, 'Signature')) remove(signature)
  return makeEvil(copy)
}

/** The signature to wrap with, and the element that it covers. */
function covered(
  { response, assertion }: Parts,
  preferred: 'response' | 'assertion',
): { signature: Element; target: Element } {
  const order = preferred === 'response' ? [response, assertion] : [assertion, response]
  for (const target of order) {
    const [signature] = children(target, 'Signature')
    if (signature !== undefined) return { signature, target }
  }
  throw new Error('the response is not signed')
}

/** The whole original response as it was signed, and the response around it turned evil, with the signature left. */
function wrapResponse(parts: Parts): { original: Element; signature: Element } {
  const { signature, target } = covered(parts, 'response')
  const original = parts.response.cloneNode(true) as Element
  const inOriginal = target === parts.response ? original : element(original, 'Assertion')
  remove(child(inOriginal, 'Signature'))
  parts.response.setAttribute('ID', '_evil-response')
  insertAfter(signature, child(parts.response, 'Issuer'))
  for (const other of children(parts.assertion, 'Signature')) remove(other)
  makeEvil(parts.assertion)
  return { original, signature }
}

/** An assertion as it was signed, and the one in its place turned evil, with the signature in it. */
function wrapAssertion(parts: Parts): { original: Element; signature: Element } {
  const { signature } = covered(parts, 'assertion')
  const original = parts.assertion.cloneNode(true) as Element
  for (const copy of children(original, 'Signature')) remove(copy)
  makeEvil(parts.assertion)
  insertAfter(signature, child(parts.assertion, 'Issuer'))
  return { original, signature }
}

/** The eight ways of signature wrapping (Somorovsky et al., 2012), by the numbers that SAML Raider gave them. */
export const WRAPPINGS: readonly Mutator[] = [
  {
    name: 'XSW1: the signed response inside of the signature of an evil one',
    reason: 'assertion-count',
    mutate: byTree((parts) => {
      const { original, signature } = wrapResponse(parts)
      signature.appendChild(original)
    }),
  },
  {
    name: 'XSW2: the signed response before the signature of an evil one',
    reason: 'assertion-count',
    mutate: byTree((parts) => {
      const { original, signature } = wrapResponse(parts)
      signature.parentNode?.insertBefore(original, signature)
    }),
  },
  {
    name: 'XSW3: an evil assertion before the signed one',
    reason: 'assertion-count',
    mutate: byTree(({ assertion }) => void assertion.parentNode?.insertBefore(evilCopy(assertion), assertion)),
  },
  {
    name: 'XSW4: an evil assertion around the signed one',
    reason: 'assertion-count',
    mutate: byTree(({ assertion }) => {
      const evil = evilCopy(assertion)
      assertion.parentNode?.replaceChild(evil, assertion)
      evil.appendChild(assertion)
    }),
  },
  {
    name: 'XSW5: an evil assertion with the signature, the signed one at the end',
    reason: 'assertion-count',
    mutate: byTree((parts) => void parts.response.appendChild(wrapAssertion(parts).original)),
  },
  {
    name: 'XSW6: an evil assertion whose signature holds the signed one',
    reason: 'assertion-count',
    mutate: byTree((parts) => {
      const { original, signature } = wrapAssertion(parts)
      signature.appendChild(original)
    }),
  },
  {
    name: 'XSW7: an evil assertion in Extensions',
    reason: 'assertion-count',
    mutate: byTree(({ document, response, assertion }) => {
      const extensions = document.createElementNS(NS.protocol, 'samlp:Extensions')
      extensions.appendChild(evilCopy(assertion))
      response.insertBefore(extensions, child(response, 'Status'))
    }),
  },
  {
    name: 'XSW8: an evil assertion whose signature holds the signed one in an Object',
    reason: 'assertion-count',
    mutate: byTree((parts) => {
      const { original, signature } = wrapAssertion(parts)
      const object = parts.document.createElementNS(NS.signature, 'ds:Object')
      object.appendChild(original)
      signature.appendChild(object)
    }),
  },
]

const replaceText = (name: string, change: (text: string) => string) => (xml: string) =>
  xml.replace(new RegExp(`(<(?:\\w+:)?${name}\\b[^>]*>)([^<]*)`), (_, tag: string, text: string) => tag + change(text))

/** What a parser lets through that people read otherwise. */
export const TRICKS_OF_TEXT: readonly Mutator[] = [
  {
    name: 'a comment in the NameID',
    reason: 'comment',
    mutate: replaceText('NameID', (text) => `${text}<!-- -->.example.net`),
  },
  {
    name: 'a comment that changes nothing',
    reason: 'comment',
    mutate: (xml) => `${xml}<!-- -->`,
  },
  {
    name: 'CDATA in the NameID',
    reason: 'cdata',
    mutate: replaceText('NameID', (text) => `<![CDATA[${text}]]>`),
  },
  {
    name: 'a processing instruction in the NameID',
    reason: 'processing-instruction',
    mutate: replaceText('NameID', (text) => `${text}<?x y?>`),
  },
  {
    name: 'a document type',
    reason: 'doctype',
    mutate: (xml) => `<!DOCTYPE Response>${xml.replace(/^<\?xml[^>]*\?>\s*/, '')}`,
  },
  {
    name: 'a document type whose entities grow',
    reason: 'doctype',
    mutate: (xml) =>
      `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>${replaceText('NameID', () => '&b;')(xml.replace(/^<\?xml[^>]*\?>\s*/, ''))}`,
  },
  {
    name: 'an entity that nobody declared',
    reason: 'not-xml',
    mutate: replaceText('NameID', (text) => `${text}&who;`),
  },
  {
    name: 'a second root',
    reason: 'not-xml',
    mutate: (xml) => `${xml}${xml.replace(/^<\?xml[^>]*\?>\s*/, '')}`,
  },
  { name: 'text after the root', reason: 'not-xml', mutate: (xml) => `${xml} mallory` },
  { name: 'a cut off end', reason: 'not-xml', mutate: (xml) => xml.slice(0, -20) },
  {
    name: 'an element nested too deep',
    reason: 'depth',
    mutate: replaceText('NameID', (text) => `${text}${'<a>'.repeat(100)}${'</a>'.repeat(100)}`),
  },
  {
    name: 'too many elements',
    reason: 'count',
    mutate: replaceText('NameID', (text) => `${text}${'<a/>'.repeat(10_000)}`),
  },
  {
    name: 'too many attributes',
    reason: 'count',
    mutate: (xml) => xml.replace(/\sID="/, `${Array.from({ length: 1_000 }, (_, n) => ` a${n}=""`).join('')} ID="`),
  },
  {
    name: 'too much text',
    reason: 'too-large',
    mutate: replaceText('NameID', (text) => text + 'a'.repeat(1 << 20)),
  },
  {
    name: 'the ID of the assertion on another element',
    reason: 'duplicate-id',
    mutate: byTree(({ response, assertion }) =>
      child(response, 'Status').setAttribute('ID', assertion.getAttribute('ID') ?? ''),
    ),
  },
  {
    name: 'the ID of the response on another element, written Id',
    reason: 'duplicate-id',
    mutate: byTree(({ response }) => child(response, 'Status').setAttribute('Id', response.getAttribute('ID') ?? '')),
  },
  {
    name: 'another root',
    reason: 'wrong-root',
    mutate: (xml) => `<a xmlns="urn:a">${xml.replace(/^<\?xml[^>]*\?>\s*/, '')}</a>`,
  },
]

const eachSignature = (change: (signature: Element, parts: Parts, kit: Kit) => void) =>
  byTree((parts, kit) => {
    for (const signature of elements(parts.document, 'Signature')) change(signature, parts, kit)
  })
/** Of the outermost signature: within another it would be part of what that one covers. */
const outerSignature = (change: (signature: Element, parts: Parts) => void) =>
  byTree((parts) => change(element(parts.document, 'Signature'), parts))
const setAlgorithm = (name: string, algorithm: string) =>
  eachSignature((signature) => element(signature, name).setAttribute('Algorithm', algorithm))
const emptyDigest = createHash('sha256').update('').digest('base64')
const C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#'

/** What can be done to a signature. */
export const TRICKS_OF_SIGNATURES: readonly Mutator[] = [
  {
    name: 'no signature',
    reason: 'unsigned',
    mutate: eachSignature((signature) => remove(signature)),
  },
  {
    name: 'something signed was altered',
    reason: 'signature-invalid',
    mutate: replaceText('NameID', () => EVIL),
  },
  {
    name: 'the value of the signature was altered',
    reason: 'signature-key',
    mutate: outerSignature((signature) => {
      const value = element(signature, 'SignatureValue')
      const bytes = Buffer.from(value.textContent ?? '', 'base64')
      bytes[7] = (bytes[7] ?? 0) ^ 1
      value.textContent = bytes.toString('base64')
    }),
  },
  {
    name: 'the signature at the end',
    reason: 'signature-place',
    mutate: eachSignature((signature) => void signature.parentNode?.appendChild(signature)),
  },
  {
    name: 'the signature before the Issuer',
    reason: 'signature-place',
    mutate: eachSignature(
      (signature) =>
        void signature.parentNode?.insertBefore(signature, child(signature.parentNode as Element, 'Issuer')),
    ),
  },
  {
    name: 'the signature in the Status',
    reason: 'signature-place',
    mutate: eachSignature((signature, { response }) => void child(response, 'Status').appendChild(signature)),
  },
  {
    name: 'the signature of the assertion on the response',
    reason: 'signature-reference',
    only: ['assertion'],
    mutate: eachSignature((signature, { response }) => insertAfter(signature, child(response, 'Issuer'))),
  },
  {
    name: 'the signature of the response on the assertion',
    reason: 'signature-reference',
    only: ['response'],
    mutate: eachSignature((signature, { assertion }) => insertAfter(signature, child(assertion, 'Issuer'))),
  },
  {
    name: 'the signature twice',
    reason: 'signature-count',
    mutate: eachSignature((signature) => insertAfter(signature.cloneNode(true), signature)),
  },
  {
    name: 'a decoy assertion in an Object',
    reason: 'assertion-count',
    mutate: outerSignature((signature, { document, assertion }) => {
      const object = document.createElementNS(NS.signature, 'ds:Object')
      object.appendChild(evilCopy(assertion))
      signature.appendChild(object)
    }),
  },
  {
    name: 'an Object with something else',
    reason: 'schema',
    mutate: eachSignature((signature, { document }) => {
      signature.appendChild(document.createElementNS(NS.signature, 'ds:Object')).textContent = EVIL
    }),
  },
  {
    name: 'a second SignedInfo in the KeyInfo, before the real one',
    reason: 'schema',
    mutate: eachSignature((signature, { document }) => {
      const key = document.createElementNS(NS.signature, 'ds:KeyInfo')
      key.appendChild(element(signature, 'SignedInfo').cloneNode(true))
      signature.insertBefore(key, signature.firstChild)
    }),
  },
  {
    name: 'two references',
    reason: 'signature-reference',
    mutate: eachSignature((signature) => {
      const reference = element(signature, 'Reference')
      insertAfter(reference.cloneNode(true), reference)
    }),
  },
  {
    name: 'no reference',
    reason: 'signature-reference',
    mutate: eachSignature((signature) => remove(element(signature, 'Reference'))),
  },
  {
    name: 'a reference to another ID',
    reason: 'signature-reference',
    mutate: eachSignature((signature) => element(signature, 'Reference').setAttribute('URI', '#_another')),
  },
  {
    name: 'a reference to the whole document',
    reason: 'signature-reference',
    mutate: eachSignature((signature) => element(signature, 'Reference').setAttribute('URI', '')),
  },
  {
    name: 'a reference to another document',
    reason: 'signature-reference',
    mutate: eachSignature((signature) =>
      element(signature, 'Reference').setAttribute('URI', 'https://mallory.example.net/'),
    ),
  },
  {
    name: 'a reference by XPointer',
    reason: 'signature-reference',
    mutate: eachSignature((signature) => {
      const reference = element(signature, 'Reference')
      reference.setAttribute('URI', `#xpointer(id('${reference.getAttribute('URI')?.slice(1)}'))`)
    }),
  },
  {
    name: 'a transform by XSLT',
    reason: 'signature-transform',
    mutate: eachSignature((signature) =>
      element(signature, 'Transform').setAttribute('Algorithm', 'http://www.w3.org/TR/1999/REC-xslt-19991116'),
    ),
  },
  {
    name: 'no transform',
    reason: 'signature-transform',
    mutate: eachSignature((signature) => {
      for (const transform of elements(signature, 'Transform')) remove(transform)
    }),
  },
  {
    name: 'a third transform',
    reason: 'signature-transform',
    mutate: eachSignature((signature) => {
      const transform = element(signature, 'Transform')
      insertAfter(transform.cloneNode(true), transform)
    }),
  },
  {
    name: 'canonicalisation that keeps comments',
    reason: 'signature-transform',
    mutate: resigned(() => undefined, {
      transforms: ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', `${C14N}WithComments`],
    }),
  },
  {
    name: 'a SignedInfo canonicalised with comments',
    reason: 'signature-transform',
    mutate: resigned(() => undefined, { canonicalization: `${C14N}WithComments` }),
  },
  {
    name: 'void canonicalisation: a relative namespace and the digest of nothing',
    reason: 'canonicalisation',
    mutate: eachSignature((signature, { response }) => {
      response.setAttributeNS('http://www.w3.org/2000/xmlns/', 'xmlns:void', '1')
      element(signature, 'DigestValue').textContent = emptyDigest
    }),
  },
  {
    name: 'a relative namespace in the signature',
    reason: 'canonicalisation',
    mutate: eachSignature((signature) =>
      element(signature, 'SignedInfo').setAttributeNS('http://www.w3.org/2000/xmlns/', 'xmlns:void', 'a/b'),
    ),
  },
  {
    name: 'the digest of nothing',
    reason: 'canonicalisation',
    mutate: eachSignature((signature) => {
      element(signature, 'DigestValue').textContent = emptyDigest
    }),
  },
  {
    name: 'RSA with SHA-1, signed by the provider',
    reason: 'signature-algorithm',
    mutate: resigned(() => undefined, { algorithm: ALGORITHM.rsaSha1 }),
  },
  {
    name: 'a digest by SHA-1, signed by the provider',
    reason: 'signature-algorithm',
    mutate: resigned(() => undefined, { digest: DIGEST.sha1 }),
  },
  {
    name: 'HMAC with SHA-1 and the public key as the secret',
    reason: 'signature-algorithm',
    mutate: resigned(() => undefined, { algorithm: ALGORITHM.hmacSha1 }),
  },
  {
    name: 'HMAC with SHA-256 and the public key as the secret',
    reason: 'signature-algorithm',
    mutate: resigned(() => undefined, { algorithm: ALGORITHM.hmacSha256 }),
  },
  { name: 'the algorithm "none"', reason: 'signature-algorithm', mutate: setAlgorithm('SignatureMethod', 'none') },
  { name: 'an empty algorithm', reason: 'signature-algorithm', mutate: setAlgorithm('SignatureMethod', '') },
  {
    name: 'an algorithm named like what every object has',
    reason: 'signature-algorithm',
    mutate: setAlgorithm('SignatureMethod', 'constructor'),
  },
  {
    name: 'a digest named like what every object has',
    reason: 'signature-algorithm',
    mutate: setAlgorithm('DigestMethod', 'toString'),
  },
  {
    name: 'an algorithm for another kind of key',
    reason: 'signature-key',
    mutate: setAlgorithm('SignatureMethod', ALGORITHM.ecdsaSha256),
  },
  {
    name: 'signed by another provider, whose certificate is in the KeyInfo',
    reason: 'signature-key',
    mutate: resigned(
      () => undefined,
      {},
      ({ stranger }) => stranger,
    ),
  },
]

const set = (path: string, attribute: string, value: string | undefined) => (parts: Parts) => {
  const [first, ...rest] = path.split('/')
  let at = first === 'Response' ? parts.response : parts.assertion
  for (const name of rest) at = child(at, name)
  if (value === undefined) at.removeAttribute(attribute)
  else at.setAttribute(attribute, value)
}
const DATA = 'Assertion/Subject/SubjectConfirmation/SubjectConfirmationData'
const AUDIENCE = 'Assertion/Conditions/AudienceRestriction/Audience'
const walk = (parts: Parts, path: string): Element =>
  path
    .split('/')
    .slice(1)
    .reduce(child, path.startsWith('Response') ? parts.response : parts.assertion)
const setText = (path: string, text: string) => (parts: Parts) => {
  walk(parts, path).textContent = text
}
const drop = (path: string) => (parts: Parts) => remove(walk(parts, path))
const double = (path: string) => (parts: Parts) => {
  const found = walk(parts, path)
  const copy = found.cloneNode(true) as Element
  if (copy.hasAttribute('ID')) copy.setAttribute('ID', '_second')
  insertAfter(copy, found)
}
const OTHER = 'https://other.example.net/saml'

const said = (name: string, reason: SamlReason, change: (parts: Parts) => void): Mutator => ({
  name,
  reason,
  mutate: resigned(change),
})

/** What a provider really signed, but not for us, not now, or not for what was asked. */
export const GENUINE_BUT_WRONG: readonly Mutator[] = [
  said('another destination', 'destination', set('Response', 'Destination', OTHER)),
  {
    ...said('no destination though signed', 'destination', set('Response', 'Destination', undefined)),
    only: ['response', 'both'],
  },
  said('another recipient', 'recipient', set(DATA, 'Recipient', OTHER)),
  said('no recipient', 'recipient', set(DATA, 'Recipient', undefined)),
  said('another audience', 'audience', setText(AUDIENCE, OTHER)),
  said('no audience', 'audience', drop('Assertion/Conditions/AudienceRestriction')),
  said('no conditions', 'audience', drop('Assertion/Conditions')),
  said('a second restriction that leaves us out', 'audience', (parts) => {
    double('Assertion/Conditions/AudienceRestriction')(parts)
    setText(AUDIENCE, OTHER)(parts)
  }),
  said('a condition that nobody knows', 'condition', ({ document, assertion }) => {
    child(assertion, 'Conditions').appendChild(document.createElementNS(NS.assertion, 'saml:Condition'))
  }),
  said('another issuer of the response', 'issuer', setText('Response/Issuer', OTHER)),
  said('another issuer of the assertion', 'issuer', setText('Assertion/Issuer', OTHER)),
  said(
    'an issuer that is a person',
    'issuer',
    set('Assertion/Issuer', 'Format', 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'),
  ),
  said('no InResponseTo on the response', 'in-response-to', set('Response', 'InResponseTo', undefined)),
  said('a foreign InResponseTo on the response', 'in-response-to', set('Response', 'InResponseTo', '_foreign')),
  said('no InResponseTo in the confirmation', 'in-response-to', set(DATA, 'InResponseTo', undefined)),
  said('a foreign InResponseTo in the confirmation', 'in-response-to', set(DATA, 'InResponseTo', '_foreign')),
  said('an assertion that is over', 'expired', set('Assertion/Conditions', 'NotOnOrAfter', '2020-01-01T00:00:00Z')),
  said(
    'an assertion that is not valid yet',
    'not-yet-valid',
    set('Assertion/Conditions', 'NotBefore', '2040-01-01T00:00:00Z'),
  ),
  said('an assertion made in the future', 'not-yet-valid', set('Assertion', 'IssueInstant', '2040-01-01T00:00:00Z')),
  said('a response made in the future', 'not-yet-valid', set('Response', 'IssueInstant', '2040-01-01T00:00:00Z')),
  said('a time that is none', 'schema', set('Assertion/Conditions', 'NotOnOrAfter', '2040-02-30T00:00:00Z')),
  said('a time of another zone', 'schema', set('Assertion/Conditions', 'NotOnOrAfter', '2040-01-01T00:00:00+02:00')),
  said('a confirmation that is over', 'expired', set(DATA, 'NotOnOrAfter', '2020-01-01T00:00:00Z')),
  said('a confirmation without end', 'confirmation', set(DATA, 'NotOnOrAfter', undefined)),
  said('a confirmation with a beginning', 'confirmation', set(DATA, 'NotBefore', '2020-01-01T00:00:00Z')),
  said('a confirmation without data', 'confirmation', drop(DATA)),
  said(
    'a confirmation by who holds a key',
    'confirmation',
    set('Assertion/Subject/SubjectConfirmation', 'Method', 'urn:oasis:names:tc:SAML:2.0:cm:holder-of-key'),
  ),
  said('no confirmation', 'confirmation', drop('Assertion/Subject/SubjectConfirmation')),
  said('no subject', 'name-id', drop('Assertion/Subject')),
  said('no NameID', 'name-id', drop('Assertion/Subject/NameID')),
  said('an empty NameID', 'name-id', setText('Assertion/Subject/NameID', ' ')),
  said('two NameIDs', 'schema', double('Assertion/Subject/NameID')),
  said('a NameID with an element in it', 'schema', ({ document, assertion }) => {
    element(assertion, 'NameID').appendChild(document.createElementNS(NS.assertion, 'saml:Evil')).textContent = EVIL
  }),
  said('no statement of authentication', 'authn-statement', drop('Assertion/AuthnStatement')),
  said('two statements of authentication', 'authn-statement', double('Assertion/AuthnStatement')),
  said(
    'an authentication in the future',
    'authn-statement',
    set('Assertion/AuthnStatement', 'AuthnInstant', '2040-01-01T00:00:00Z'),
  ),
  said('no instant of authentication', 'authn-statement', set('Assertion/AuthnStatement', 'AuthnInstant', undefined)),
  said(
    'a session that is over',
    'session-expired',
    set('Assertion/AuthnStatement', 'SessionNotOnOrAfter', '2020-01-01T00:00:00Z'),
  ),
  said(
    'failure, with an assertion all the same',
    'status',
    set('Response/Status/StatusCode', 'Value', 'urn:oasis:names:tc:SAML:2.0:status:Responder'),
  ),
  said('no status', 'status', drop('Response/Status')),
  said('a response of SAML 1.1', 'version', set('Response', 'Version', '1.1')),
  said('an assertion of SAML 1.1', 'version', set('Assertion', 'Version', '1.1')),
  said('an attribute without a name', 'attributes', (parts) =>
    element(parts.assertion, 'Attribute').removeAttribute('Name'),
  ),
  {
    name: 'no assertion',
    reason: 'assertion-count',
    mutate: byTree(({ assertion }) => remove(assertion)),
  },
  {
    name: 'a second assertion',
    reason: 'assertion-count',
    mutate: byTree(({ response, assertion }) => void response.appendChild(evilCopy(assertion))),
  },
  {
    name: 'the assertion in Extensions',
    reason: 'assertion-place',
    mutate: byTree(({ document, response, assertion }) => {
      const extensions = document.createElementNS(NS.protocol, 'samlp:Extensions')
      response.insertBefore(extensions, child(response, 'Status'))
      extensions.appendChild(assertion)
    }),
  },
  {
    name: 'an assertion of another namespace',
    reason: 'assertion-place',
    mutate: byTree(({ document, response, assertion }) => {
      response.replaceChild(document.createElementNS('urn:evil', 'evil:Assertion'), assertion)
    }),
  },
]

export const MUTATORS: readonly Mutator[] = [
  ...WRAPPINGS,
  ...TRICKS_OF_TEXT,
  ...TRICKS_OF_SIGNATURES,
  ...GENUINE_BUT_WRONG,
]

/** The mutators that make sense for a response that is signed so. */
export const mutatorsFor = (by: SignedBy): readonly (Mutator & { readonly expected: SamlReason })[] =>
  MUTATORS.filter(({ only }) => only === undefined || only.includes(by)).map((mutator) => ({
    ...mutator,
    expected: typeof mutator.reason === 'string' ? mutator.reason : mutator.reason[by],
  }))
