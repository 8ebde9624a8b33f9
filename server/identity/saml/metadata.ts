import { createHash } from 'node:crypto'
import { durationOf } from './duration.ts'
import { RSA_BITS } from './key-strength.ts'
import type { XmlLimits } from './lexer.ts'
import { idpOf, spOf } from './metadata-role.ts'
import { BINDING, NAME_ID, NS } from './names.ts'
import { allElements, attributeOf, childrenOf, isNamed, timeAttributeOf } from './nodes.ts'
import type { IdpDescription, OwnIdp, OwnSp, SamlSigner, SpDescription } from './provider.ts'
import { type Checked, checking, refuse, type Trail } from './result.ts'
import { signXml } from './sign.ts'
import { verifySignature } from './signature.ts'
import { parseStrict, type StrictXml } from './xml.ts'
import { element, writeTime, writeXml, type XmlElement } from './xml-build.ts'

/** Metadata (saml-metadata-2.0-os): that of others read, ours written. */

export interface Metadata {
  readonly entityId: string
  readonly idp?: IdpDescription
  readonly sp?: SpDescription
  /** The earliest end of the document, the entity and its roles. */
  readonly validUntil_ms?: number
  /** How long it may be kept before it is fetched again. */
  readonly cacheDuration_ms?: number
  /** Verified by the pinned certificates; a signature by any other key proves nothing and is not looked at. */
  readonly verified: boolean
}

export interface MetadataOptions {
  /** The role that is wanted: other roles are not read, and other entities not counted. */
  readonly role?: 'idp' | 'sp'
  /** PEM. Where there are any, the document must be signed by one of them. */
  readonly pinnedCertificates?: readonly string[]
  /** Of how many bits RSA keys must be. */
  readonly rsaBits?: number
}

/** Bounds of a document. */
const LIMITS: XmlLimits = { chars: 1024 * 1024, depth: 40, elements: 20_000, attributes: 40_000 }
const ENTITY_ID_CHARS_MAX = 1_024
const ROLES = { idp: 'IDPSSODescriptor', sp: 'SPSSODescriptor' } as const
type Role = keyof typeof ROLES

function decoded(xml: Uint8Array | string): string {
  // No character has more than four bytes; characters are counted by the parser.
  if (xml.length > 4 * LIMITS.chars) refuse('too-large', `The metadata has more than ${4 * LIMITS.chars} bytes.`)
  if (typeof xml === 'string') return xml.startsWith('\ufeff') ? xml.slice(1) : xml
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(xml)
  } catch {
    return refuse('not-xml', 'The metadata is not UTF-8.')
  }
}

/**
 * Without comments that stand between tags, as people leave them in files; canonicalisation leaves them out as well. One
 * inside of a value stays, and is refused.
 */
function withoutComments(xml: string): string {
  const kept: string[] = []
  let at = 0
  for (;;) {
    const start = xml.indexOf('<!--', at)
    const end = start < 0 ? -1 : xml.indexOf('-->', start + 4)
    if (end < 0) break
    kept.push(xml.slice(at, start))
    at = end + 3
    const between = /(^|>)[ \t\r\n]*$/.test(xml.slice(Math.max(0, start - 1_000), start))
    if (!between || !/^[ \t\r\n]*(<|$)/.test(xml.slice(at, at + 1_000))) return xml
  }
  return kept.join('') + xml.slice(at)
}

const isSaml2 = (role: Element): boolean =>
  (attributeOf(role, 'protocolSupportEnumeration') ?? '').split(/[ \t\r\n]+/).includes(NS.protocol)

/** The role descriptors of an entity that speak SAML 2.0. */
const rolesOf = (entity: Element, role: Role): Element[] => childrenOf(entity, NS.metadata, ROLES[role]).filter(isSaml2)

function suitableEntity(root: Element, wanted: readonly Role[]): Element {
  const entities = [...allElements(root)].filter((node) => isNamed(node, NS.metadata, 'EntityDescriptor'))
  const suitable = entities.filter((entity) => wanted.some((role) => rolesOf(entity, role).length > 0))
  const [entity, second] = suitable
  if (entity === undefined || second !== undefined)
    return refuse('entity-count', `There are ${suitable.length} entities with a role that is wanted, instead of one.`)
  return entity
}

function entityIdOf(entity: Element): string {
  const entityId = attributeOf(entity, 'entityID') ?? ''
  if (entityId === '' || entityId.length > ENTITY_ID_CHARS_MAX || /[^\x21-\x7e]/.test(entityId))
    refuse('entity-id', `The entity has no id of at most ${ENTITY_ID_CHARS_MAX} characters without spaces.`)
  return entityId
}

const earliest = (times: readonly (number | undefined)[]): number | undefined => {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

/** The entity and all that is around it, outermost last. */
function around(entity: Element): Element[] {
  const found = [entity]
  for (let node = entity.parentNode; node !== null && node.nodeType === 1; node = node.parentNode)
    found.push(node as Element)
  return found
}

function validityOf(nodes: readonly Element[], now_ms: number): number | undefined {
  const until_ms = earliest(nodes.map((node) => timeAttributeOf(node, 'validUntil')))
  if (until_ms !== undefined && now_ms >= until_ms)
    refuse('expired', `The metadata was valid until ${writeTime(until_ms)}.`)
  return until_ms
}

const cachingOf = (nodes: readonly Element[]): number | undefined =>
  earliest(
    nodes.map((node) => {
      const text = attributeOf(node, 'cacheDuration')
      if (text === undefined) return undefined
      return durationOf(text) ?? refuse('schema', `cacheDuration is no duration: ${text.slice(0, 40)}`)
    }),
  )

function only(roles: readonly Element[]): Element | undefined {
  if (roles.length > 1) refuse('metadata', `The entity has more than one ${roles[0]?.localName} for SAML 2.0.`)
  return roles[0]
}

function pinnedDocument(document: StrictXml, certificates: readonly string[], trail: Trail): StrictXml {
  const signed = trail.take(verifySignature(document, document.root, certificates, LIMITS))
  trail.pass('pinned', 'The metadata is signed by the pinned certificate.')
  return signed
}

/**
 * Reads the metadata of one entity, or of several of which one has a wanted role. Keys count for what they are declared
 * for and must be strong, addresses must be https (http to this machine itself alone), and nothing may have expired. Its own
 * signature proves nothing unless a certificate is pinned: whoever brings a document brings its key as well.
 */
export function parseMetadata(
  xml: Uint8Array | string,
  now_ms: number,
  { role, pinnedCertificates = [], rsaBits = RSA_BITS }: MetadataOptions = {},
): Checked<Metadata> {
  return checking((trail) => {
    const rootName = { namespace: NS.metadata, name: ['EntityDescriptor', 'EntitiesDescriptor'] }
    const parsed = trail.take(parseStrict(withoutComments(decoded(xml)), rootName, LIMITS))
    const verified = pinnedCertificates.length > 0
    const { root } = verified ? pinnedDocument(parsed, pinnedCertificates, trail) : parsed
    const wanted: Role[] = role === undefined ? ['idp', 'sp'] : [role]
    const entity = suitableEntity(root, wanted)
    const entityId = entityIdOf(entity)
    trail.pass('entity', `It describes ${entityId}.`)
    const found = new Map(wanted.map((one) => [one, only(rolesOf(entity, one))]))
    const [idp, sp] = [found.get('idp'), found.get('sp')]
    const nodes = [...around(entity), ...[idp, sp].filter((node) => node !== undefined)]
    const validUntil_ms = validityOf(nodes, now_ms)
    const cacheDuration_ms = cachingOf(nodes)
    const validity = validUntil_ms === undefined ? {} : { validUntil_ms }
    trail.pass('time', validUntil_ms === undefined ? 'It has no end.' : `Valid until ${writeTime(validUntil_ms)}.`)
    return {
      entityId,
      ...(idp === undefined ? {} : { idp: idpOf(idp, { entityId, ...validity }, rsaBits) }),
      ...(sp === undefined ? {} : { sp: spOf(sp, { entityId, ...validity }, rsaBits) }),
      ...validity,
      ...(cacheDuration_ms === undefined ? {} : { cacheDuration_ms }),
      verified,
    }
  })
}

/** How often others should look again: keys are published long before they are used. */
const CACHE_DURATION = 'PT1H'
const ENCRYPTION_METHODS = [
  'http://www.w3.org/2009/xmlenc11#aes256-gcm',
  'http://www.w3.org/2009/xmlenc11#aes128-gcm',
  'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
]

const bodyOf = (certificate: string): string => certificate.replace(/-----[^-]+-----|\s/g, '')

const keyElement = (use: 'signing' | 'encryption', certificate: string): XmlElement =>
  element(
    'md:KeyDescriptor',
    { use },
    element('ds:KeyInfo', {}, element('ds:X509Data', {}, element('ds:X509Certificate', {}, bodyOf(certificate)))),
    ...(use === 'signing' ? [] : ENCRYPTION_METHODS).map((Algorithm) => element('md:EncryptionMethod', { Algorithm })),
  )

/** Keys that we sign by, the one in use first, and keys that may be encrypted to, each once. */
const keyElements = (signing: readonly string[], encryption: readonly string[]): XmlElement[] => [
  ...[...new Set(signing)].map((certificate) => keyElement('signing', certificate)),
  ...[...new Set(encryption)].map((certificate) => keyElement('encryption', certificate)),
]

const endpoint = (name: string, binding: keyof typeof BINDING, location: string, attributes = {}): XmlElement =>
  element(`md:${name}`, { Binding: BINDING[binding], Location: location, ...attributes })

const formats = (...names: string[]): XmlElement[] => names.map((name) => element('md:NameIDFormat', {}, name))

function signedEntity(entityId: string, role: XmlElement, signer: SamlSigner): Promise<string> {
  const id = `_${createHash('sha256').update(entityId).digest('hex').slice(0, 40)}`
  const attributes = {
    'xmlns:md': NS.metadata,
    'xmlns:ds': NS.signature,
    ID: id,
    entityID: entityId,
    cacheDuration: CACHE_DURATION,
  }
  return signXml(writeXml(element('md:EntityDescriptor', attributes, role)), id, signer, 'first')
}

/**
 * Our metadata as a service provider, signed. During a rotation `extraSigningCertificates` are those that will sign, or
 * have signed, and `decryptCertificates` all that may still be encrypted to, the preferred first.
 */
export function spMetadata(
  own: OwnSp,
  signer: SamlSigner,
  decryptCertificates: readonly string[],
  extraSigningCertificates: readonly string[] = [],
): Promise<string> {
  const role = element(
    'md:SPSSODescriptor',
    { protocolSupportEnumeration: NS.protocol, AuthnRequestsSigned: true, WantAssertionsSigned: true },
    ...keyElements([signer.certificate, ...extraSigningCertificates], decryptCertificates),
    endpoint('SingleLogoutService', 'redirect', own.sloUrl),
    endpoint('SingleLogoutService', 'soap', own.sloSoapUrl),
    ...formats(NAME_ID.persistent, NAME_ID.email, NAME_ID.unspecified, NAME_ID.transient),
    endpoint('AssertionConsumerService', 'post', own.acsUrl, { index: 0, isDefault: true }),
  )
  return signedEntity(own.entityId, role, signer)
}

/** Our metadata as an identity provider, signed, as that of the service provider. */
export function idpMetadata(
  own: OwnIdp,
  signer: SamlSigner,
  decryptCertificates: readonly string[] = [],
  extraSigningCertificates: readonly string[] = [],
): Promise<string> {
  const role = element(
    'md:IDPSSODescriptor',
    { protocolSupportEnumeration: NS.protocol, WantAuthnRequestsSigned: true },
    ...keyElements([signer.certificate, ...extraSigningCertificates], decryptCertificates),
    endpoint('SingleLogoutService', 'redirect', own.sloUrl),
    endpoint('SingleLogoutService', 'soap', own.sloSoapUrl),
    ...formats(NAME_ID.persistent),
    endpoint('SingleSignOnService', 'redirect', own.ssoUrl),
    endpoint('SingleSignOnService', 'post', own.ssoUrl),
  )
  return signedEntity(own.entityId, role, signer)
}
